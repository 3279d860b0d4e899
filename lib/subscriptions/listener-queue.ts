import { setImmediate } from 'node:timers/promises';
import type { IncidentLog } from '../diagnostics/incident-log.js';
import { describeThrown } from '../diagnostics/thrown.js';
import { monotonicClock } from '../time/clock.js';

/** The maximum number of events that wait for one listener; equal to the writer's default limit. */
const MAX_WAITING = 10_000;
/** Milliseconds after which a call is reported. */
const MAX_CALL = 60_000;
/** Milliseconds after which other work of the process comes in between. */
const MAX_BLOCKING = 10;

/** Calls a listener for one event after the other. A call that fails is logged, and not tried again. */
export class ListenerQueue<Event> {
  private waiting: Event[] = [];
  private running: Promise<void> | undefined;
  /** How many events were added, and how many of them are handled. */
  private added = 0;
  private handled = 0;
  /** Called when so many events are handled. */
  private readonly watchers: { count: number; resolve: () => void }[] = [];

  /** @param name of the listener in the log, such as `OrderMailer.notify` */
  constructor(
    private readonly name: string,
    private readonly call: (event: Event) => unknown,
    private readonly incidents: IncidentLog,
  ) {}

  add(event: Event): void {
    if (this.waiting.length >= MAX_WAITING) {
      const reason = `${MAX_WAITING} events are waiting for it`;
      this.incidents.failed(this.slowness, { code: 'OVERFLOW', reason }, 'warn');
      return;
    }
    this.waiting.push(event);
    this.added += 1;
    this.running ??= this.run();
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  /** Resolves when all events that were added before the call are handled. */
  async passed(): Promise<void> {
    if (this.handled >= this.added) return;
    await new Promise<void>((resolve) => this.watchers.push({ count: this.added, resolve }));
  }

  /** @returns how many events are lost */
  drop(): number {
    const dropped = this.waiting.length;
    this.waiting = [];
    this.count(dropped);
    return dropped + (this.running ? 1 : 0);
  }

  private get slowness(): string {
    return `${this.name} is too slow, so that it is not called for all activities`;
  }

  private count(handled: number): void {
    this.handled += handled;
    while (this.watchers[0] && this.watchers[0].count <= this.handled) this.watchers.shift()?.resolve();
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const symptom = `${this.name} failed`;
    // Lets the writer continue first.
    await setImmediate();
    // All other events wait for a call that takes very long.
    const report = setTimeout(() => {
      const reason = `a call takes longer than ${MAX_CALL / 1000} s, and ${this.waiting.length} more wait`;
      this.incidents.failed(this.slowness, { code: 'TIMEOUT', reason }, 'warn');
    }, MAX_CALL).unref();
    let resumedAt = monotonicClock.now();
    for (let event = this.waiting.shift(); event !== undefined; event = this.waiting.shift()) {
      try {
        report.refresh();
        await this.call(event);
        this.incidents.worked(symptom);
      } catch (error) {
        this.incidents.failed(symptom, describeThrown(error));
      }
      this.count(1);
      // Listeners that wait for nothing would otherwise keep the event loop until the queue is empty.
      if (monotonicClock.now() - resumedAt < MAX_BLOCKING) continue;
      await setImmediate();
      resumedAt = monotonicClock.now();
    }
    clearTimeout(report);
    // Without another `await` before it, so that the next event starts a new run.
    this.running = undefined;
    this.incidents.worked(this.slowness);
  }
}
