import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  type OnModuleInit,
  UnauthorizedException,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type Settings, SETTINGS } from '../options/settings.js';
import { type HostGuard } from '../options/djaffar.options.js';
import type { User } from '../activity/user.js';
import { HostGuards, UndecoratedContext } from '../guards/host-guards.js';
import type { TrackRequest } from '../http/request.js';
import { IdentifiedUsers, presentUser, findUser } from './user.js';

const BEARER = /^bearer(\s|$)/i;

/** Finds the user of a request by the host's guards. A visitor may be anonymous. */
@Injectable()
export class IdentifyGuard implements CanActivate, OnModuleInit {
  private defaultGuard: HostGuard | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly users: IdentifiedUsers,
    private readonly hostGuards: HostGuards,
    private readonly moduleRef: ModuleRef,
  ) {}

  async onModuleInit(): Promise<void> {
    const { guards } = this.settings;
    if (guards.length === 0) this.defaultGuard = await this.guardOfDefaultStrategy();
    await this.hostGuards.prepare(this.defaultGuard ? [this.defaultGuard] : guards);
  }

  /** @throws UnauthorizedException if no guard accepts a bearer token, unless the host treats it as anonymous */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<TrackRequest>();
    const user = await this.identify(new UndecoratedContext(context), request);
    if (user) this.users.set(request, user);
    return true;
  }

  private async identify(context: ExecutionContext, request: TrackRequest): Promise<User | null> {
    const { guards, rejectedCredentials } = this.settings;
    if (guards.length === 0) {
      const user = findUser(request, this.settings);
      if (user || !this.defaultGuard) return user;
    }
    const present = presentUser(request);
    let isAccepted = false;
    for (const guard of this.defaultGuard ? [this.defaultGuard] : guards) {
      if (!(await this.hostGuards.allows(guard, context))) continue;
      isAccepted = true;
      const user = findUser(request, this.settings);
      if (user) return user;
    }
    if (!isAccepted && BEARER.test(request.headers.authorization ?? '')) {
      if (rejectedCredentials === 'reject') throw new UnauthorizedException();
      return null;
    }
    // A user whom no guard accepts by a token may still be logged in by a session of the host.
    if (!present) return null;
    request.user = present;
    return findUser(request, this.settings);
  }

  private async guardOfDefaultStrategy(): Promise<HostGuard | undefined> {
    try {
      const { AuthGuard, AuthModuleOptions } = await import('@nestjs/passport');
      const { defaultStrategy } = this.moduleRef.get(AuthModuleOptions, { strict: false });
      return defaultStrategy ? AuthGuard(defaultStrategy) : undefined;
    } catch {
      // Passport or its module is not there.
      return undefined;
    }
  }
}
