import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  NotFoundException,
  type OnModuleInit,
} from '@nestjs/common';
import { type Settings, SETTINGS } from '../djaffar.options.js';
import { HostGuards } from './host-guards.js';

/** Lets in whom all of the host's guards of an option let in; without the option there is nothing here. */
@Injectable()
export abstract class OptionGuard implements CanActivate, OnModuleInit {
  protected abstract readonly option: 'api' | 'dashboard';

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly hostGuards: HostGuards,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.hostGuards.prepare(this.settings[this.option]?.guards ?? []);
  }

  /** @throws NotFoundException, or what a guard throws */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const option = this.settings[this.option];
    if (!option) throw new NotFoundException();
    for (const guard of option.guards) {
      if (!(await this.hostGuards.ask(guard, context))) return false;
    }
    return true;
  }
}

/** Of the option `api`. */
export class ApiGuard extends OptionGuard {
  protected readonly option = 'api';
}

/** Of the option `dashboard`. */
export class DashboardGuard extends OptionGuard {
  protected readonly option = 'dashboard';
}
