/** A question that waits for dirty ranges to be recomputed. */
interface Waiting {
  ids: Set<string>;
  done(): void;
}

/** The questions that wait for the statistics to catch up. */
export class WaitingQuestions {
  private readonly waiting = new Set<Waiting>();

  get size(): number {
    return this.waiting.size;
  }

  /** The dirty ranges that questions wait for. */
  get ids(): string[] {
    return [...new Set([...this.waiting].flatMap(({ ids }) => [...ids]))];
  }

  /** Resolves when the ranges are recomputed, or after so many milliseconds. */
  add(ids: string[], milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(waiting);
        resolve();
      };
      const waiting = { ids: new Set(ids), done };
      const timer = setTimeout(done, milliseconds).unref();
      this.waiting.add(waiting);
    });
  }

  /** @param ids of ranges that were recomputed or are deferred */
  notice(ids: string[]): void {
    for (const waiting of this.waiting) {
      for (const id of ids) waiting.ids.delete(id);
      if (waiting.ids.size === 0) waiting.done();
    }
  }

  /** Ends all waits; the queries are answered from the stored rollups. */
  endAll(): void {
    for (const waiting of this.waiting) waiting.done();
  }
}
