/**
 * A value that is kept with a request, as a property of it. A `WeakMap` that gets an entry for each request would take a quarter of a
 * small request's time, because the garbage collector has to look through all its entries.
 */
export class RequestValue<T> {
  private readonly key: symbol;

  /** @param name for debuggers */
  constructor(name: string) {
    this.key = Symbol(`Djaffar ${name}`);
  }

  get(request: object): T | undefined {
    const value: T | undefined = Reflect.get(request, this.key);
    return value;
  }

  set(request: object, value: T): void {
    Reflect.set(request, this.key, value);
  }
}
