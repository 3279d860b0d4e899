import { Observable } from 'rxjs';

/** How many subscribers get a value in one turn of the event loop. */
const BATCH_SIZE = 20;

/**
 * Spreads a value for many subscribers over turns of the event loop, because writing to 500 sockets in one turn would block
 * everything else.
 */
export class Turns {
  private waiting: (() => void)[] = [];
  private isRunning = false;

  /** Emits the same values in the same order, each in a later turn. */
  spread<T>(source: Observable<T>): Observable<T> {
    return new Observable((subscriber) =>
      source.subscribe({
        next: (value) => this.add(() => subscriber.next(value)),
        error: (error: unknown) => this.add(() => subscriber.error(error)),
        complete: () => this.add(() => subscriber.complete()),
      }),
    );
  }

  private add(work: () => void): void {
    this.waiting.push(work);
    if (this.isRunning) return;
    this.isRunning = true;
    setImmediate(() => this.run());
  }

  private run(): void {
    for (const work of this.waiting.splice(0, BATCH_SIZE)) work();
    this.isRunning = this.waiting.length > 0;
    if (this.isRunning) setImmediate(() => this.run());
  }
}
