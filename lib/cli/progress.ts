import cliProgress from 'cli-progress';
import { monotonicClock } from '../time/clock.js';

/** How far a command is, on standard error where that is a terminal. */
export class Progress {
  private bar: cliProgress.SingleBar | undefined;
  private readonly begun = monotonicClock.now();
  private done = 0;

  /**
   * @param unit what is counted, such as `rows`
   * @param stop restores the terminal at once, because the next signal ends the process
   */
  constructor(
    private readonly total: number,
    unit: string,
    stop: AbortSignal,
  ) {
    if (!Progress.isShown || total === 0 || stop.aborted) return;
    stop.addEventListener('abort', () => this.stop(), { once: true });
    this.bar = new cliProgress.SingleBar({
      stream: process.stderr,
      format: `{bar} {percentage}% | {value} of {total} ${unit} | {rate} a second | {eta_formatted} left`,
      hideCursor: true,
      clearOnComplete: true,
    });
    this.bar.start(total, 0, { rate: 0 });
  }

  /** Whether it is worth to find out the total. */
  static get isShown(): boolean {
    return process.stderr.isTTY;
  }

  add(count: number): void {
    this.at(this.done + count);
  }

  at(done: number): void {
    this.done = done;
    const seconds = (monotonicClock.now() - this.begun) / 1000;
    this.bar?.update(Math.min(done, this.total), { rate: seconds > 0 ? Math.round(done / seconds) : 0 });
  }

  /** Leaves the terminal to what is said next. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
