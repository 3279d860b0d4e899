import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  Injectable,
  Optional,
  type Type,
} from '@nestjs/common';
import { type ContextId, ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { RequestValue } from '../http/request-value.js';
import type { HostGuard } from '../options/djaffar.options.js';

type Lookup = (request: object) => CanActivate | Promise<CanActivate>;

/** The host's guards, from the host's injector, or created with the imports of the module. */
@Injectable()
export class HostGuards {
  private readonly lookups = new Map<HostGuard, Lookup>();
  private readonly contexts = new RequestValue<ContextId>('context id');

  // Optional, so that ADAPTER_HOST_PROVIDER can report that the host runs on another copy of Nest.
  constructor(@Optional() private readonly moduleRef: ModuleRef) {}

  /**
   * Finds the guards, so that one that cannot be created fails at start-up.
   * @throws Error of Nest that names the missing provider
   */
  async prepare(guards: HostGuard[]): Promise<void> {
    for (const guard of guards) {
      this.lookups.set(guard, typeof guard === 'function' ? await this.find(guard) : () => guard);
    }
  }

  /**
   * Returns true if a guard accepts the request; 401 and 403 count as no.
   * @throws any other error of the guard
   */
  async allows(guard: HostGuard, context: ExecutionContext): Promise<boolean> {
    try {
      return await this.run(guard, context);
    } catch (error) {
      if (error instanceof HttpException && [401, 403].includes(error.getStatus())) return false;
      throw error;
    }
  }

  /** @throws any error of the guard */
  async run(guard: HostGuard, context: ExecutionContext): Promise<boolean> {
    const found = this.lookups.get(guard)?.(context.switchToHttp().getRequest());
    const instance = await found;
    if (!instance) throw new Error('a guard was used before HostGuards.prepare');
    const answer = await instance.canActivate(context);
    // The last value of an Observable is used, as in Nest.
    return isObservable(answer) ? lastValueFrom(answer) : answer;
  }

  private async find(type: Type<CanActivate>): Promise<Lookup> {
    const anywhere = { strict: false };
    try {
      const guard = this.moduleRef.get(type, anywhere);
      return () => guard;
    } catch {
      // It is not provided, or it is request-scoped.
    }
    if (this.isProvided(type))
      return (request) => this.moduleRef.resolve(type, this.getContextId(request), anywhere);
    try {
      const guard = await this.moduleRef.create(type);
      return () => guard;
    } catch (error) {
      // The guard or one of its dependencies may be request-scoped.
      await this.moduleRef.create(type, this.getContextId({ headers: {} })).catch(() => {
        throw error;
      });
      return (request) => this.moduleRef.create(type, this.getContextId(request));
    }
  }

  private isProvided(type: Type<CanActivate>): boolean {
    try {
      this.moduleRef.introspect(type);
      return true;
    } catch {
      return false;
    }
  }

  /** All guards of a request share its request-scoped providers, and can inject the request itself. */
  private getContextId(request: object): ContextId {
    let id = this.contexts.get(request);
    if (!id) {
      id = ContextIdFactory.getByRequest(request);
      this.moduleRef.registerRequestByContextId(request, id);
      this.contexts.set(request, id);
    }
    return id;
  }
}

/**
 * A context of the same request, on a route without decorators. A guard that skips routes marked as public would otherwise
 * accept everybody on the tracking route without finding the user.
 */
// oxlint-disable typescript/no-unnecessary-type-parameters -- the interface has them
export class UndecoratedContext implements ExecutionContext {
  constructor(private readonly context: ExecutionContext) {}

  getClass<T>(): Type<T> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the interface lets the caller name any class
    return PlainController as Type<T>;
  }

  getHandler(): () => void {
    return plainHandler;
  }

  getArgs<T extends unknown[]>(): T {
    return this.context.getArgs<T>();
  }

  getArgByIndex<T>(index: number): T {
    return this.context.getArgByIndex<T>(index);
  }

  getType<T extends string>(): T {
    return this.context.getType<T>();
  }

  switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    return this.context.switchToHttp();
  }

  switchToRpc(): ReturnType<ExecutionContext['switchToRpc']> {
    return this.context.switchToRpc();
  }

  switchToWs(): ReturnType<ExecutionContext['switchToWs']> {
    return this.context.switchToWs();
  }
}

function plainHandler(): void {}

class PlainController {
  readonly handle = plainHandler;
}
