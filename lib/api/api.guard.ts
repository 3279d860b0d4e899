import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  NotFoundException,
  type OnModuleInit,
} from '@nestjs/common';
import { type Settings, SETTINGS } from '../djaffar.options.js';
import { HostGuards } from '../guards/host-guards.js';

/** Lets in whom all of the host's guards of the option `api` let in; without the option there is nothing here. */
@Injectable()
export class ApiGuard implements CanActivate, OnModuleInit {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly hostGuards: HostGuards,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.hostGuards.prepare(this.settings.api?.guards ?? []);
  }

  /** @throws NotFoundException, ForbiddenException, or what a guard throws */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { api } = this.settings;
    if (!api) throw new NotFoundException();
    for (const guard of api.guards) {
      if (!(await this.hostGuards.ask(guard, context))) throw new ForbiddenException();
    }
    return true;
  }
}
