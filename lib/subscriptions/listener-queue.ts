import type { IncidentLog } from '../diagnostics/incident-log.js';
import { describeThrown } from '../diagnostics/thrown.js';

/** The maximum number of events that wait for one listener; equal to the writer's default limit. */
const MAX_WAITING = 10_000;

/** Calls a listener for one event after the other. A call that fails is logged, and not tried again. */
export class ListenerQueue<Event> {
  private waiting: Event[] = [];
  private running: Promise<void> | undefined;

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
    this.running ??= this.run();
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  /** @returns how many events are lost */
  drop(): number {
    const lost = this.waiting.length + (this.running ? 1 : 0);
    this.waiting = [];
    return lost;
  }

  private get slowness(): string {
    return `${this.name} is too slow, so that it is not called for all activities`;
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const subject = `${this.name} failed`;
    // Lets the writer continue first.
    await new Promise(setImmediate);
    for (let event = this.waiting.shift(); event !== undefined; event = this.waiting.shift()) {
      try {
        await this.call(event);
        this.incidents.worked(subject);
      } catch (error) {
        this.incidents.failed(subject, describeThrown(error));
      }
    }
    // Without another `await` before it, so that the next event starts a new run.
    this.running = undefined;
    this.incidents.worked(this.slowness);
  }
}
