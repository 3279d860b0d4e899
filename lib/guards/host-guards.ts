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
import type { HostGuard } from '../options/djaffar.options.js';

type Lookup = (request: object) => CanActivate | Promise<CanActivate>;

/** The host's own guards, as the host's injector has them, or makes them with what the module imports. */
@Injectable()
export class HostGuards {
  private readonly lookups = new Map<HostGuard, Lookup>();
  private readonly contexts = new WeakMap<object, ContextId>();

  // Optional, so that ADAPTER_HOST_PROVIDER can say what is wrong if the host runs on another copy of Nest.
  constructor(@Optional() private readonly moduleRef: ModuleRef) {}

  /**
   * Finds the guards that are to be asked; one that cannot be made fails at start-up.
   * @throws Error of Nest that names what cannot be resolved
   */
  async prepare(guards: HostGuard[]): Promise<void> {
    for (const guard of guards) {
      this.lookups.set(guard, typeof guard === 'function' ? await this.find(guard) : () => guard);
    }
  }

  /**
   * Whether a guard lets the request in; an answer of 401 or 403 counts as no.
   * @throws whatever else the guard throws
   */
  async accepts(guard: HostGuard, context: ExecutionContext): Promise<boolean> {
    try {
      return await this.ask(guard, context);
    } catch (error) {
      if (error instanceof HttpException && [401, 403].includes(error.getStatus())) return false;
      throw error;
    }
  }

  /** @throws whatever the guard throws */
  async ask(guard: HostGuard, context: ExecutionContext): Promise<boolean> {
    const found = this.lookups.get(guard)?.(context.switchToHttp().getRequest());
    // Most are there already: a turn of the event loop for each request would be wasted.
    const instance = found instanceof Promise ? await found : found;
    if (!instance) throw new Error('a guard was asked before it was found');
    const answer = instance.canActivate(context);
    if (typeof answer === 'boolean') return answer;
    // As Nest itself reads it: the last value of an Observable counts.
    const value = await answer;
    return isObservable(value) ? lastValueFrom(value) : value;
  }

  private async find(type: Type<CanActivate>): Promise<Lookup> {
    const anywhere = { strict: false };
    try {
      const guard = this.moduleRef.get(type, anywhere);
      return () => guard;
    } catch {
      // Not there, or there is one for each request.
    }
    if (this.isProvided(type))
      return (request) => this.moduleRef.resolve(type, this.contextOf(request), anywhere);
    try {
      const guard = await this.moduleRef.create(type);
      return () => guard;
    } catch (error) {
      // It may be one for each request all the same, by itself or by what it needs.
      await this.moduleRef.create(type, this.contextOf({ headers: {} })).catch(() => {
        throw error;
      });
      return (request) => this.moduleRef.create(type, this.contextOf(request));
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

  /** All guards of a request share what Nest makes for it, and can have the request itself injected. */
  private contextOf(request: object): ContextId {
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
 * The same request, as of a route without any decorators: a guard that passes over routes marked as public would
 * otherwise accept everybody on the tracking route, and tell nobody's name.
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
