import type { INestApplication, Type } from '@nestjs/common';
import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { Repository } from 'typeorm';
import { type Activity, ActivityService, type ActivityStats } from '../../../lib/index.js';

// Names that the snippets use but do not show. The test that runs a snippet provides those without a body.

export { AuthModule } from '../../../sample/auth/auth.module.js';
export { AdminGuard, JwtAuthGuard, SessionGuard } from '../../../sample/auth/guards.js';

export declare const app: INestApplication;
export declare const AppModule: Type<object>;
export declare const activities: ActivityService;
export declare const stats: ActivityStats;
export declare const repository: Repository<Activity>;

export const token = 'a token';
export const now = Date.now();
export const DAY = 86_400_000;

export const getToken = async (): Promise<string> => token;
export const askedAndGranted = async (): Promise<boolean> => true;

export const Roles = Reflector.createDecorator<string[]>();

@Injectable()
export class RolesGuard implements CanActivate {
  canActivate(_context: ExecutionContext): boolean {
    return true;
  }
}

// oxlint-disable typescript/no-unnecessary-type-parameters -- as in `@nestjs/config`
/** As the one of `@nestjs/config`. */
@Injectable()
export class ConfigService {
  get<T>(key: string): T | undefined {
    return this.values.get(key) as T | undefined;
  }

  getOrThrow<T>(key: string): T {
    return this.values.get(key) as T;
  }

  private readonly values = new Map<string, unknown>([
    ['ip', 'masked'],
    ['DASHBOARD_SECRET', 'a secret of at least 32 characters'],
  ]);
}

// oxlint-enable typescript/no-unnecessary-type-parameters

@Module({ providers: [ConfigService], exports: [ConfigService] })
export class ConfigModule {}

// React, Vue and Angular.
export declare function useEffect(effect: () => void, dependencies: unknown[]): void;
export declare function useLocation(): { pathname: string };
export declare const router: { afterEach(hook: (to: { path: string }) => void): void };
export declare function inject<T>(type: new () => T): T;
export declare class NavigationEnd {
  urlAfterRedirects: string;
}
export declare class Router {
  events: Observable<object>;
}

@Injectable()
export class OrdersService {
  constructor(private readonly service: ActivityService) {}

  async pay(order: number): Promise<void> {
    await this.service.track({ name: 'order.paid', path: `/orders/${order}`, properties: { total: 20 } });
  }
}
