import { setImmediate } from 'node:timers/promises';
import { AbandonedError, cancellation, cancelledBy } from '../../lib/store/cancellation.js';
import { buildKey, SharedQuestions } from '../../lib/statistics/shared-questions.js';
import { TooSlowError } from '../../lib/store/unavailable.error.js';

interface Asked {
  answer(value: unknown): void;
  fail(error: Error): void;
  signal: AbortSignal | undefined;
}

describe('SharedQuestions', () => {
  let questions: SharedQuestions<unknown>;
  let asked: Asked[];

  const ask = (key = 'a'): Promise<unknown> =>
    questions.ask(
      key,
      () =>
        new Promise((answer, fail) => {
          asked.push({ answer, fail, signal: cancellation() });
        }),
    );

  /** Until whatever may begin has. */
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await setImmediate();
  };

  beforeEach(() => {
    questions = new SharedQuestions();
    asked = [];
  });

  it('asks what is equal once, and each caller has an answer of its own', async () => {
    const answers = [ask(), ask(), ask('b')];
    await turn();
    expect(asked).toHaveLength(2);
    asked[0]?.answer({ value: 1 });
    asked[1]?.answer({ value: 2 });
    const [first, second, other] = await Promise.all(answers);
    expect([first, second, other]).toEqual([{ value: 1 }, { value: 1 }, { value: 2 }]);
    expect(second).not.toBe(first);
  });

  it('asks again for who comes when it has begun, after that', async () => {
    const first = ask();
    await turn();
    const later = [ask(), ask()];
    await turn();
    expect(asked).toHaveLength(1);
    asked[0]?.answer(1);
    expect(await first).toBe(1);
    await turn();
    expect(asked).toHaveLength(2);
    asked[1]?.answer(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
    void ask();
    await turn();
    expect(asked).toHaveLength(3);
  });

  it('fails those who wait with it if its time is over', async () => {
    const first = ask();
    await turn();
    const next = ask();
    asked[0]?.fail(new TooSlowError(1000));
    await expect(first).rejects.toThrow(TooSlowError);
    await expect(next).rejects.toThrow(TooSlowError);
    expect(asked).toHaveLength(1);
    void ask();
    await turn();
    expect(asked).toHaveLength(2);
  });

  it('asks again for those who wait if it fails for another reason', async () => {
    const first = ask();
    await turn();
    const next = [ask(), ask()];
    asked[0]?.fail(new Error('the connection was lost'));
    await expect(first).rejects.toThrow('the connection was lost');
    await turn();
    expect(asked).toHaveLength(2);
    asked[1]?.answer(2);
    expect(await Promise.all(next)).toEqual([2, 2]);
  });

  it('gives up when the last who waits has gone', async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const answers = [cancelledBy(one.signal, () => ask()), cancelledBy(two.signal, () => ask())];
    await turn();
    one.abort();
    await expect(answers[0]).rejects.toThrow(AbandonedError);
    expect(asked[0]?.signal?.aborted).toBe(false);
    two.abort();
    await expect(answers[1]).rejects.toThrow(AbandonedError);
    expect(asked[0]?.signal?.aborted).toBe(true);
    asked[0]?.fail(new AbandonedError());
  });

  it('is not started for a caller who has gone, and answers later callers', async () => {
    const gone = new AbortController();
    gone.abort();
    await expect(cancelledBy(gone.signal, () => ask())).rejects.toThrow(AbandonedError);
    const answer = ask();
    await turn();
    expect(asked).toHaveLength(1);
    asked[0]?.answer(1);
    expect(await answer).toBe(1);
  });
});

describe('the key of a question', () => {
  const key = buildKey(['top', { filter: { user: '17', names: ['a', 'b'] }, limit: 10, after: null }]);

  it('is the same whatever the order of the properties, and for an id that is a number without limits', () => {
    expect(buildKey(['top', { after: null, limit: 10, filter: { names: ['a', 'b'], user: 17n } }])).toBe(key);
  });

  it.each([
    ['question', ['series', { filter: { user: '17', names: ['a', 'b'] }, limit: 10, after: null }]],
    ['user', ['top', { filter: { user: '18', names: ['a', 'b'] }, limit: 10, after: null }]],
    ['order of a list', ['top', { filter: { user: '17', names: ['b', 'a'] }, limit: 10, after: null }]],
    ['number', ['top', { filter: { user: '17', names: ['a', 'b'] }, limit: 100, after: null }]],
    ['property', ['top', { filter: { session: '17', names: ['a', 'b'] }, limit: 10, after: null }]],
    ['value of null', ['top', { filter: { user: '17', names: ['a', 'b'] }, limit: 10, after: 'x' }]],
  ])('is another one with another %s', (_, asked) => {
    expect(buildKey(asked)).not.toBe(key);
  });
});
