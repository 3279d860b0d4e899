import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { setTimeout } from 'node:timers/promises';
import { type Settings, SETTINGS } from '../options/settings.js';
import { type HostGuard } from '../options/djaffar.options.js';
import { anonymousContext, type Route } from './anonymous-request.js';
import { HostGuards } from './host-guards.js';
import { RequestScopes } from './request-scopes.js';

export const GUARDED_ROUTES = Symbol('Djaffar guarded routes');

/** One route of each option, for the check at start-up. */
export type GuardedRoutes = Record<'api' | 'dashboard', Route>;

/** Milliseconds that guards have at start-up to refuse an anonymous request. */
const PATIENCE = 1000;

const CONSEQUENCES = {
  api: 'everybody can read all activities',
  dashboard: 'everybody can read and erase all activities',
};

/** Accepts requests that all of the host's guards of an option accept. Answers 404 without the option. */
@Injectable()
abstract class OptionGuard implements CanActivate, OnModuleInit, OnApplicationBootstrap {
  protected abstract readonly option: 'api' | 'dashboard';

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(GUARDED_ROUTES) private readonly routes: GuardedRoutes,
    private readonly hostGuards: HostGuards,
    private readonly adapterHost: HttpAdapterHost,
    private readonly scopes: RequestScopes,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.hostGuards.prepare(this.guards);
  }

  /** Warns if the guards accept an anonymous request, as guards without their metadata often do. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.settings[this.option] || !(await this.isOpen())) return;
    new Logger('Djaffar').warn(
      `the guards of the option "${this.option}" accept a request without a user, so ${CONSEQUENCES[this.option]}. ` +
        'Add a guard that refuses it. A guard that reads metadata by a Reflector needs them on these routes: ' +
        `${this.option}: { guards: […], decorators: [Roles('admin')] }`,
    );
  }

  /** @throws NotFoundException, or the error of a guard */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const option = this.settings[this.option];
    if (!option) throw new NotFoundException();
    for (const guard of option.guards) if (!(await this.hostGuards.run(guard, context))) return false;
    const request: object = context.switchToHttp().getRequest();
    await this.scopes.find(request, option.scope?.bind(option), this.option);
    return true;
  }

  private get guards(): HostGuard[] {
    return this.settings[this.option]?.guards ?? [];
  }

  /** False if a guard throws, or does not answer in time. */
  private async isOpen(): Promise<boolean> {
    const enough = new AbortController();
    try {
      const context = anonymousContext(this.adapterHost.httpAdapter, this.routes[this.option]);
      const late = setTimeout(PATIENCE, false, { signal: enough.signal });
      return await Promise.race([this.canActivate(context), late]);
    } catch {
      return false;
    } finally {
      enough.abort();
    }
  }
}

/** The guard of the option `api`. */
export class ApiGuard extends OptionGuard {
  protected readonly option = 'api';
}

/** The guard of the option `dashboard`. */
export class DashboardGuard extends OptionGuard {
  protected readonly option = 'dashboard';
}
