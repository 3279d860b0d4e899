import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  HttpException,
  Injectable,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { Request } from 'express';
import { RefusedPage } from './refused-page.js';
import type { SampleUser } from './users.service.js';

/** Passport's middleware sets properties of Node's request, which is that of Express, and `raw` in Fastify. */
export type SampleRequest = Request & { user?: SampleUser; raw?: Request & { user?: SampleUser } };

@Injectable()
export class LocalAuthGuard extends AuthGuard('local') {}

@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {}

/** Accepts users with a session cookie. */
@Injectable()
export class SessionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<SampleRequest>();
    request.user ??= request.raw?.user;
    return request.user !== undefined;
  }
}

/** Accepts ada, by session or by token. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly session: SessionGuard,
    private readonly jwt: JwtAuthGuard,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (!this.session.canActivate(context)) await this.jwt.canActivate(context);
    const { user } = context.switchToHttp().getRequest<SampleRequest>();
    if (!user?.isAdmin) throw new ForbiddenException();
    return true;
  }
}

/** Accepts ada, by session or by token. Others get a page instead of JSON in a browser. */
@Injectable()
export class DashboardGuard implements CanActivate {
  constructor(private readonly admin: AdminGuard) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.admin.canActivate(context);
    } catch (error) {
      const { method, headers } = context.switchToHttp().getRequest<SampleRequest>();
      const isPage = method === 'GET' && headers.accept?.includes('text/html');
      throw isPage && error instanceof HttpException ? new RefusedPage(error) : error;
    }
  }
}
