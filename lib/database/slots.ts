interface Waiting {
  begin(): void;
}

/** A semaphore: at most `size` callers have a slot; the others wait in their order. */
export class Slots {
  private taken = 0;
  private readonly queue = new Set<Waiting>();

  constructor(public size: number) {}

  /**
   * Resolves when a slot is free.
   * @returns a function that releases it
   * @throws the signal's reason if it aborts before
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.taken < this.size) this.taken += 1;
    else await this.wait(signal);
    return () => this.release();
  }

  /** Does the work when a slot is free. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.take();
    try {
      return await work();
    } finally {
      release();
    }
  }

  private wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        begin: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.queue.delete(waiting);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.queue.add(waiting);
    });
  }

  /** Passes the slot to the caller that has waited longest. */
  private release(): void {
    const [next] = this.queue;
    if (!next || this.taken > this.size) {
      this.taken -= 1;
      return;
    }
    this.queue.delete(next);
    next.begin();
  }
}
