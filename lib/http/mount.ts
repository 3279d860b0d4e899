import { type CanActivate, Controller, type Type, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';

export interface MountOptions {
  path: string;
  /** Decides who may use the routes; without a guard, everybody may. */
  guard?: Type<CanActivate>;
  /** Decorators of the host. */
  decorators?: ClassDecorator[];
}

/** Nest and its OpenAPI module read these from the class and from the handler, and merge them. */
const ADDED_UP = /^(__(guards|interceptors|pipes|exceptionFilters)__$|swagger\/)/;

/**
 * Creates classes and handlers for one registration, so that its path and decorators do not leak into another. A
 * `Reflector` finds the metadata of each decorator on the class and on the handler, because guards read either.
 */
export function mount(
  { path, guard, decorators = [] }: MountOptions,
  controllers: Type<object>[],
): Type<object>[] {
  return controllers.map((controller) => {
    const mounted = class extends controller {};
    Object.defineProperty(mounted, 'name', { value: controller.name });
    Controller({ path, version: VERSION_NEUTRAL })(mounted);
    if (guard) UseGuards(guard)(mounted);
    const before = readMetadata(mounted);
    for (const decorate of decorators) decorate(mounted);
    const added = [...readMetadata(mounted)].filter(
      ([key, value]) => value !== before.get(key) && !ADDED_UP.test(String(key)),
    );
    for (const handler of ownHandlers(mounted.prototype))
      for (const [key, value] of added) Reflect.defineMetadata(key, value, handler);
    return mounted;
  });
}

function readMetadata(target: object): Map<unknown, unknown> {
  const keys: unknown[] = Reflect.getOwnMetadataKeys(target);
  return new Map(keys.map((key) => [key, Reflect.getOwnMetadata(key, target)]));
}

/** Overrides each inherited handler by one that calls it and inherits its metadata. */
function ownHandlers(prototype: object): object[] {
  return new MetadataScanner().getAllMethodNames(prototype).map((name) => {
    const inherited: (...given: unknown[]) => unknown = Reflect.get(prototype, name);
    function handler(this: object, ...given: unknown[]): unknown {
      return Reflect.apply(inherited, this, given);
    }
    Object.setPrototypeOf(handler, inherited);
    Object.defineProperties(handler, { name: { value: name }, length: { value: inherited.length } });
    Object.defineProperty(prototype, name, { value: handler, writable: true, configurable: true });
    return handler;
  });
}
