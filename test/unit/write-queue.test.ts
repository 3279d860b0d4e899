import type { StoredActivity } from '../../lib/activity/activity.js';
import { type PendingWrite, WriteQueue } from '../../lib/activity/write-queue.js';

const RESERVE = 100;
const START = 1_000_000;

const DATE = new Date(START);

function activities(count: number): StoredActivity[] {
  const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    date: DATE,
    receivedAt: DATE,
    name: 'view',
    path: '/',
    ...nobody,
    ...nowhere,
    ...others,
  }));
}

describe('the queue of writes', () => {
  let refusals: number;
  let queue: WriteQueue;
  let answers: string[];
  let lateErrors: number;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    refusals = 0;
    answers = [];
    lateErrors = 0;
    const onLate = (): Error => {
      lateErrors += 1;
      return new Error('late');
    };
    const onRefused = (): void => void (refusals += 1);
    queue = new WriteQueue(10, RESERVE, { now: Date.now }, onLate, onRefused);
  });

  afterEach(() => jest.useRealTimers());

  /** @param within milliseconds until the deadline */
  function add(name: string, within: number, count = 1): void {
    queue.add(activities(count), undefined, Date.now() + within).then(
      () => answers.push(`${name} written`),
      (error: unknown) => answers.push(`${name} ${error instanceof Error ? error.message : 'failed'}`),
    );
  }

  const lengths = (writes: PendingWrite[]): number[] => writes.map((write) => write.activities.length);

  it('has the earliest deadline first, and those with the same in the order of their arrival', () => {
    add('a', 5000, 1);
    add('b', 4000, 2);
    add('c', 5000, 3);
    add('d', 4500, 4);
    expect(queue.waiting).toBe(10);
    expect(lengths(queue.take())).toEqual([2, 4, 1, 3]);
    expect(queue.length).toBe(0);
    expect(queue.waiting).toBe(10);
  });

  it('gives as many activities as fit into a transaction, and at least one write', () => {
    for (const count of [11, 4, 6, 1]) add('a', 5000, count);
    expect(lengths(queue.take())).toEqual([11]);
    expect(lengths(queue.take())).toEqual([4, 6]);
    expect(lengths(queue.take())).toEqual([1]);
    expect(queue.take()).toEqual([]);
  });

  it('leaves writes with more than twice the time of the first for another transaction', () => {
    add('a', 1000, 1);
    add('b', 2000, 2);
    add('c', 2001, 3);
    expect(lengths(queue.take())).toEqual([1, 2]);
    expect(lengths(queue.take())).toEqual([3]);
  });

  it('refuses what could not be written in time, when it is taken and without that', async () => {
    add('a', RESERVE, 1);
    add('b', RESERVE + 1, 2);
    expect(lengths(queue.take())).toEqual([2]);
    await Promise.resolve();
    expect([answers, refusals, queue.waiting]).toEqual([['a late'], 1, 2]);
    add('c', 1000);
    add('d', 500);
    add('e', 800);
    await jest.advanceTimersByTimeAsync(399);
    expect([answers, refusals]).toEqual([['a late'], 1]);
    await jest.advanceTimersByTimeAsync(1);
    expect([answers, refusals]).toEqual([['a late', 'd late'], 2]);
    await jest.advanceTimersByTimeAsync(300);
    expect([answers, refusals]).toEqual([['a late', 'd late', 'e late'], 3]);
    await jest.advanceTimersByTimeAsync(200);
    expect([answers.at(-1), refusals, queue.length, queue.waiting]).toEqual(['c late', 4, 0, 2]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('refuses in time a write that nobody takes', async () => {
    add('a', 1000);
    await jest.advanceTimersByTimeAsync(899);
    expect(answers).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(answers).toEqual(['a late']);
  });

  it('does not count as late what a slow transaction has written after it was taken back', async () => {
    add('a', 1000);
    const taken = queue.take();
    queue.putBack(taken);
    for (const write of taken) queue.answer(write);
    await jest.advanceTimersByTimeAsync(1000);
    expect([answers, lateErrors, queue.length]).toEqual([['a written'], 0, 0]);
  });

  it('goes on refusing in time what is left after some were taken', async () => {
    add('a', 1000);
    add('b', 2500);
    queue.take();
    await jest.advanceTimersByTimeAsync(2399);
    expect(answers).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(answers).toEqual(['b late']);
  });

  it('takes back what is not answered, in its place', async () => {
    add('a', 1000, 1);
    add('b', 1500, 2);
    const [first, second] = queue.take();
    if (!first || !second) throw new Error('two were taken');
    add('c', 1200, 3);
    queue.answer(first);
    queue.putBack([first, second]);
    expect([queue.length, queue.waiting]).toEqual([2, 5]);
    expect(lengths(queue.take())).toEqual([3, 2]);
    queue.putBack([second]);
    await jest.advanceTimersByTimeAsync(1400);
    expect(answers).toEqual(['a written', 'b late']);
  });

  it('refuses at once what is taken back too late', async () => {
    add('a', 1000);
    const taken = queue.take();
    await jest.advanceTimersByTimeAsync(950);
    expect(answers).toEqual([]);
    queue.putBack(taken);
    await Promise.resolve();
    expect([answers, refusals, queue.length]).toEqual([['a late'], 1, 0]);
  });

  it('answers each write once', async () => {
    add('a', 1000, 2);
    const [write] = queue.take();
    if (!write) throw new Error('one was taken');
    queue.answer(write, new Error('refused'));
    queue.answer(write);
    await Promise.resolve();
    expect([answers, queue.waiting]).toEqual([['a refused'], 0]);
  });
});
