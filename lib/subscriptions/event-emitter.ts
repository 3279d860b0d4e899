/** The part of `EventEmitter2` that is used. */
export interface Emitter {
  emit(event: string, value: unknown): boolean;
  hasListeners(event: string): boolean;
}

/** The prefix of event names. */
const PREFIX = 'djaffar.';

/** True for the emitter that `EventEmitterModule` of `@nestjs/event-emitter` provides, which need not be installed. */
export function isEmitter(instance: object): instance is Emitter {
  // Node's own emitter has neither of the last two.
  try {
    return ['emit', 'hasListeners', 'emitAsync', 'onAny'].every(
      (method) => typeof Reflect.get(instance, method) === 'function',
    );
  } catch {
    // Outside of a request, the proxies of `nestjs-cls` throw whatever is read.
    return false;
  }
}

/**
 * @param name of an activity, which a browser may have chosen
 * @returns `undefined` if it must not be emitted: an emitter with wildcards would match a `*` in a name with other names
 */
export function toEventName(name: string): string | undefined {
  return name.includes('*') ? undefined : PREFIX + name;
}
