import { Progress } from '../../lib/cli/progress.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { CapturedStream, replaceStream } from '../support/streams.js';

/** Hides the cursor, and ends line wrapping. */
const BEGIN = '\u001b[?25l\u001b[?7l';
/** Undoes both, and clears the line. */
const END = '\r\u001b[2K\u001b[?7h\u001b[?25h';
/** Clears the line. */
const LINE = '\r\u001b[2K';

const never = (): AbortSignal => new AbortController().signal;

let now: number;
let terminal: CapturedStream;
let restore: () => void;

function useStandardError(stream: CapturedStream): void {
  terminal = stream;
  restore = replaceStream('stderr', stream);
}

beforeEach(() => {
  now = 1000;
  jest.spyOn(monotonicClock, 'now').mockImplementation(() => now);
  useStandardError(new CapturedStream(true));
});

afterEach(() => {
  restore();
  jest.restoreAllMocks();
});

const bar = (filled: number): string => '█'.repeat(filled) + '░'.repeat(40 - filled);

describe('a progress bar', () => {
  it('is shown at once', () => {
    const progress = new Progress(200, 'rows', never());
    expect(terminal.take()).toBe(
      `${BEGIN}${LINE}${bar(0)} 0% | 0 of 200 rows | 0 a second | unknown time left`,
    );
    progress.stop();
    expect(terminal.take()).toBe(END);
  });

  it.each<[done: number, ms: number, line: string]>([
    [50, 10_000, `${bar(10)} 25% | 50 of 200 rows | 5 a second | 30s left`],
    [51, 10_000, `${bar(10)} 25% | 51 of 200 rows | 5 a second | 30s left`],
    [199, 100_000, `${bar(40)} 99% | 199 of 200 rows | 2 a second | 1s left`],
    [200, 1000, `${bar(40)} 100% | 200 of 200 rows | 200 a second | 0s left`],
    [250, 1000, `${bar(40)} 100% | 200 of 200 rows | 250 a second | 0s left`],
    [100, 59_000, `${bar(20)} 50% | 100 of 200 rows | 2 a second | 59s left`],
    [100, 60_000, `${bar(20)} 50% | 100 of 200 rows | 2 a second | 1m0s left`],
    [100, 151_000, `${bar(20)} 50% | 100 of 200 rows | 1 a second | 2m31s left`],
    [0, 10_000, `${bar(0)} 0% | 0 of 200 rows | 0 a second | unknown time left`],
  ])('shows how much is done and how long the rest takes: %i of 200 after %i ms', (done, ms, line) => {
    const progress = new Progress(200, 'rows', never());
    terminal.take();
    now += ms;
    progress.at(done);
    expect(terminal.take()).toBe(LINE + line);
  });

  it('adds up what is done', () => {
    const progress = new Progress(200, 'bytes', never());
    progress.add(20);
    progress.add(30);
    terminal.take();
    now += 1000;
    progress.add(50);
    expect(terminal.take()).toContain('| 100 of 200 bytes | 100 a second |');
  });

  it('is drawn ten times a second at most', () => {
    const progress = new Progress(200, 'rows', never());
    const drawnAfter = (ms: number): boolean => {
      terminal.take();
      now += ms;
      progress.add(1);
      return terminal.take() !== '';
    };
    expect([99, 1, 99, 1].map(drawnAfter)).toEqual([false, true, false, true]);
  });

  it('is removed once, and not drawn again', () => {
    const progress = new Progress(200, 'rows', never());
    progress.stop();
    terminal.take();
    progress.stop();
    now += 1000;
    progress.add(1);
    expect(terminal.take()).toBe('');
  });

  it('leaves the terminal as it was as soon as the command is interrupted', () => {
    const stop = new AbortController();
    const progress = new Progress(200, 'rows', stop.signal);
    terminal.take();
    stop.abort();
    expect(terminal.take()).toBe(END);
    progress.stop();
    expect(terminal.take()).toBe('');
  });
});

describe('no progress bar is shown', () => {
  /** Returns what is shown of some work. */
  function work(total: number, stop = never()): string {
    const progress = new Progress(total, 'rows', stop);
    now += 1000;
    progress.add(1);
    progress.stop();
    return terminal.text;
  }

  it('if the total is unknown', () => {
    expect(work(0)).toBe('');
  });

  it('if the command was interrupted before', () => {
    expect(work(200, AbortSignal.abort())).toBe('');
  });

  it('if standard error is no terminal', () => {
    expect(Progress.isShown).toBe(true);
    restore();
    useStandardError(new CapturedStream());
    expect(Progress.isShown).toBe(false);
    expect(work(200)).toBe('');
  });
});
