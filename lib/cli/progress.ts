import { monotonicClock } from '../time/clock.js';

/** The width of the bar in characters. */
const WIDTH = 40;
/** Milliseconds between two updates. */
const REDRAW = 100;

// Turns off line wrapping: a wrapped line could not be overwritten by the next one.
const BEGIN = '\u001B[?25l\u001B[?7l';
const END = '\r\u001B[2K\u001B[?7h\u001B[?25h';

/** A progress bar on standard error, if that is a terminal. */
export class Progress {
  private readonly begun = monotonicClock.now();
  private isDrawn = false;
  private drawnAt = 0;
  private done = 0;

  /**
   * @param unit what is counted, such as `rows`
   * @param stop restores the terminal at once, because the next signal ends the process
   */
  constructor(
    private readonly total: number,
    private readonly unit: string,
    stop: AbortSignal,
  ) {
    if (!Progress.isShown || total === 0 || stop.aborted) return;
    stop.addEventListener('abort', () => this.stop());
    this.isDrawn = true;
    process.stderr.write(BEGIN);
    this.draw(this.begun);
  }

  /** Whether a bar is shown, so that the total is needed. */
  static get isShown(): boolean {
    return process.stderr.isTTY;
  }

  add(count: number): void {
    this.at(this.done + count);
  }

  at(done: number): void {
    this.done = done;
    const now = monotonicClock.now();
    if (this.isDrawn && now >= this.drawnAt + REDRAW) this.draw(now);
  }

  /** Removes the bar and restores the terminal. */
  stop(): void {
    if (this.isDrawn) process.stderr.write(END);
    this.isDrawn = false;
  }

  private draw(now: number): void {
    this.drawnAt = now;
    const { total, unit } = this;
    const done = Math.min(this.done, total);
    const seconds = (now - this.begun) / 1000;
    const rate = seconds > 0 ? this.done / seconds : 0;
    const filled = Math.round((done / total) * WIDTH);
    const bar = '\u2588'.repeat(filled) + '\u2591'.repeat(WIDTH - filled);
    const left = rate > 0 ? formatDuration(Math.ceil((total - done) / rate)) : 'unknown time';
    process.stderr.write(
      `\r\u001B[2K${bar} ${Math.floor((done / total) * 100)}% | ${done} of ${total} ${unit} | ${Math.round(rate)} a second | ${left} left`,
    );
  }
}

function formatDuration(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
