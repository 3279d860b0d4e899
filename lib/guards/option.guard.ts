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
import { VisibleScopes } from './visible-scopes.js';

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
    private readonly scopes: VisibleScopes,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.hostGuards.prepare(this.guards);
  }

  /**
   * Warns if the guards accept an anonymous request. Otherwise warns of each guard that alone accepts it although it reads
   * metadata: without the metadata, a guard of roles accepts every user.
   */
  async onApplicationBootstrap(): Promise<void> {
    const { option } = this;
    // A worker without a server (`createApplicationContext`) has no adapter, and no routes.
    if (!this.settings[option] || !this.adapterHost.httpAdapter) return;
    const logger = new Logger('Djaffar');
    const advice =
      'A guard that reads metadata by a Reflector needs them on these routes: ' +
      `${option}: { guards: […], decorators: [Roles('admin')] }`;
    if ((await this.askGuards((context) => this.canActivate(context))).isAccepted)
      return logger.warn(
        `the guards of the option "${option}" accept a request without a user, so ${CONSEQUENCES[option]}. ` +
          `Add a guard that refuses it. ${advice}`,
      );
    for (const guard of this.guards) {
      const { isAccepted, isInspected } = await this.askGuards((context) =>
        this.hostGuards.run(guard, context),
      );
      if (isAccepted && isInspected)
        logger.warn(
          `the guard ${readName(guard)} of the option "${option}" accepts a request without a user if it is asked alone, ` +
            `so it probably accepts every user. ${advice}`,
        );
    }
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

  /** Asks about an anonymous request. An error, or no answer in time, refuses it. */
  private async askGuards(
    ask: (context: ExecutionContext) => Promise<boolean>,
  ): Promise<{ isAccepted: boolean; isInspected: boolean }> {
    const enough = new AbortController();
    const context = anonymousContext(this.adapterHost.httpAdapter, this.routes[this.option]);
    let isAccepted = false;
    try {
      const late = setTimeout(PATIENCE, false, { signal: enough.signal });
      isAccepted = await Promise.race([ask(context), late]);
    } catch {
      // It refuses, or takes a user for granted.
    } finally {
      enough.abort();
    }
    return { isAccepted, isInspected: context.isInspected };
  }
}

function readName(guard: HostGuard): string {
  return typeof guard === 'function' ? guard.name : guard.constructor.name;
}

/** The guard of the option `api`. */
export class ApiGuard extends OptionGuard {
  protected readonly option = 'api';
}

/** The guard of the option `dashboard`. */
export class DashboardGuard extends OptionGuard {
  protected readonly option = 'dashboard';
}
