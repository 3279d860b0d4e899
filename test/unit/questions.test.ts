import { DataSource } from 'typeorm';
import { Questions } from '../../lib/database/questions.js';
import { Slots } from '../../lib/database/slots.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { AbandonedError, cancelledBy } from '../../lib/store/cancellation.js';
import { LateError, TooSlowError, UnavailableError } from '../../lib/store/unavailable.error.js';
import { monotonicClock } from '../../lib/time/clock.js';

/** Never connected. */
const POSTGRES = new DataSource({ type: 'postgres' });

const failureOf = (code: string): Error => Object.assign(new Error(`failure ${code}`), { code });

let lines: string[];
let questions: Questions;

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(monotonicClock, 'now').mockImplementation(Date.now);
  lines = [];
  const incidents = new IncidentLog({
    log: (line: string) => lines.push(line),
    warn: (line: string) => lines.push(`warn ${line}`),
    error: (line: string) => lines.push(`error ${line}`),
  });
  questions = new Questions(POSTGRES, incidents);
  questions.timeout = 1000;
  questions.statementTimeout = 400;
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** A database that does not answer, and notes when a question is cancelled. */
class SilentDatabase {
  readonly signals: AbortSignal[] = [];
  private readonly answers: ((value: string) => void)[] = [];

  readonly ask = (signal: AbortSignal): Promise<string> => {
    this.signals.push(signal);
    return new Promise((resolve) => this.answers.push(resolve));
  };

  answer(): void {
    for (const resolve of this.answers.splice(0)) resolve('late');
  }
}

/** Returns the outcome of a promise that is settled later: what it rejects with, or the text `pending`. */
function outcomeOf(promise: Promise<unknown>): () => unknown {
  let outcome: unknown = 'pending';
  promise.then(
    (value) => (outcome = value),
    (error: unknown) => (outcome = error),
  );
  return () => outcome;
}

describe('a question', () => {
  it('is answered, and ends an incident', async () => {
    await expect(questions.ask(() => Promise.reject(failureOf('08006')))).rejects.toThrow(UnavailableError);
    expect(lines).toEqual(['warn activities cannot be read: failure 08006']);
    expect(await questions.ask(() => Promise.resolve(17))).toBe(17);
    expect(lines[1]).toMatch(/^over after .*: activities cannot be read$/);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is cancelled when its time is over, and keeps its slot until the database has noticed', async () => {
    const database = new SilentDatabase();
    questions.slots.size = 1;
    const outcome = outcomeOf(questions.ask(database.ask));
    await jest.advanceTimersByTimeAsync(999);
    expect(outcome()).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(outcome()).toBeInstanceOf(LateError);
    expect(outcome()).toMatchObject({
      message:
        'the database did not answer within 1000 ms (statistics.timeout): ask for a shorter range (from, to), or with fewer filters',
    });
    expect(database.signals[0]?.aborted).toBe(true);
    expect(lines).toEqual([expect.stringMatching(/^warn activities cannot be read: /)]);
    const next = outcomeOf(questions.ask(() => Promise.resolve(17)));
    await jest.advanceTimersByTimeAsync(10);
    expect(next()).toBe('pending');
    database.answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(next()).toBe(17);
  });

  it('that gets no slot in time says that others are running', async () => {
    const database = new SilentDatabase();
    questions.slots.size = 2;
    for (let i = 0; i < 2; i++) outcomeOf(questions.ask(database.ask));
    const outcome = outcomeOf(questions.ask(database.ask, { timeout: 5000 }));
    await jest.advanceTimersByTimeAsync(1000);
    expect(outcome()).toMatchObject({
      name: 'LateError',
      message:
        'the database did not answer within 1000 ms (statistics.timeout): 2 other questions are running (statistics.concurrency)',
    });
    expect(database.signals).toHaveLength(2);
  });

  it('may have less time, and other slots', async () => {
    const database = new SilentDatabase();
    questions.slots.size = 1;
    outcomeOf(questions.ask(database.ask));
    const outcome = outcomeOf(questions.ask(database.ask, { timeout: 300, slots: new Slots(1) }));
    await jest.advanceTimersByTimeAsync(300);
    expect(outcome()).toMatchObject({ message: 'the database did not answer within 300 ms' });
    expect(database.signals).toHaveLength(2);
  });

  it('that asks several times has one deadline for all', async () => {
    const database = new SilentDatabase();
    const deadline = questions.deadline();
    await jest.advanceTimersByTimeAsync(600);
    const outcome = outcomeOf(questions.ask(database.ask, { deadline }));
    await jest.advanceTimersByTimeAsync(399);
    expect(outcome()).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(outcome()).toBeInstanceOf(LateError);
  });

  it('of a command has all the time that it needs', async () => {
    questions.timeout = Number.POSITIVE_INFINITY;
    const database = new SilentDatabase();
    const outcome = outcomeOf(questions.ask(database.ask));
    await jest.advanceTimersByTimeAsync(100_000_000);
    expect(outcome()).toBe('pending');
    database.answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(outcome()).toBe('late');
  });

  it('is cancelled when its caller does not wait any more, which is no incident', async () => {
    const database = new SilentDatabase();
    const caller = new AbortController();
    const outcome = outcomeOf(cancelledBy(caller.signal, () => questions.ask(database.ask)));
    await jest.advanceTimersByTimeAsync(10);
    caller.abort();
    await jest.advanceTimersByTimeAsync(0);
    expect(outcome()).toBeInstanceOf(AbandonedError);
    expect(database.signals[0]?.aborted).toBe(true);
    const removed = jest.spyOn(AbortSignal.prototype, 'removeEventListener');
    await cancelledBy(new AbortController().signal, () => questions.ask(() => Promise.resolve(17)));
    expect(removed).toHaveBeenCalled();
    expect(lines).toEqual([]);
  });

  it('of which one statement takes too long says so', async () => {
    const database = new SilentDatabase();
    const outcome = outcomeOf(questions.ask(database.ask));
    await jest.advanceTimersByTimeAsync(0);
    questions.cancelSlow(database.signals[0])?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(outcome()).toMatchObject({ name: 'TooSlowError', message: expect.stringContaining('400 ms') });
    expect(questions.cancelSlow(database.signals[0])).toBeUndefined();
    expect(questions.cancelSlow(undefined)).toBeUndefined();
    expect(lines).toEqual([expect.stringMatching(/^warn a question took too long: /)]);
  });

  it('whose statement was cancelled by the server says the same', async () => {
    const cancelled = failureOf('57014');
    const asked = questions.ask(() => Promise.reject(cancelled), { symptom: null });
    await expect(asked).rejects.toMatchObject({ name: 'TooSlowError', cause: cancelled });
    await expect(asked).rejects.toBeInstanceOf(TooSlowError);
    expect(lines).toEqual([]);
  });

  it('is cancelled when the application ends, which is no incident', async () => {
    const database = new SilentDatabase();
    const outcomes = [1, 2].map(() => outcomeOf(questions.ask(database.ask)));
    await jest.advanceTimersByTimeAsync(0);
    const closing = new UnavailableError('the application is shutting down');
    questions.abort(closing);
    await jest.advanceTimersByTimeAsync(0);
    expect(outcomes.map((outcome) => outcome())).toEqual([closing, closing]);
    expect(lines).toEqual([]);
  });

  it('is logged under another symptom, or not at all', async () => {
    const fail = (): Promise<never> => Promise.reject(failureOf('08006'));
    await expect(questions.ask(fail, { symptom: null })).rejects.toThrow(UnavailableError);
    expect(lines).toEqual([]);
    await expect(questions.ask(fail, { symptom: 'the view cannot be read' })).rejects.toThrow(
      'failure 08006',
    );
    expect(lines).toEqual(['warn the view cannot be read: failure 08006']);
  });

  it.each([
    ['a value that the database refuses', failureOf('22021')],
    ['something else than the database', new TypeError('undefined is not a function')],
  ])('fails with the error of %s', async (_, error) => {
    const fail = (): Promise<never> => {
      throw error;
    };
    await expect(questions.ask(fail)).rejects.toBe(error);
    expect(lines).toEqual([]);
    questions.slots.size = 1;
    expect(await questions.ask(() => Promise.resolve(17))).toBe(17);
  });
});
