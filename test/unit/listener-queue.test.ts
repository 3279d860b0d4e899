import { setImmediate } from 'node:timers/promises';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { ListenerQueue } from '../../lib/subscriptions/listener-queue.js';

const logger = { log: jest.fn(), warn: jest.fn(), error: jest.fn() };

function queueOf(call: (event: number) => unknown): ListenerQueue<number> {
  return new ListenerQueue('Mailer.notify', call, new IncidentLog(logger));
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  jest.clearAllMocks();
});

describe('the calls of a listener', () => {
  it('let other work of the process come in between, although the listener waits for nothing', async () => {
    const called: number[] = [];
    const queue = queueOf((event) => {
      const end = performance.now() + 5;
      while (performance.now() < end);
      called.push(event);
    });
    for (let i = 0; i < 20; i++) queue.add(i);
    const seen = new Set<number>();
    while (called.length < 20) {
      await setImmediate();
      seen.add(called.length);
    }
    expect(seen.size).toBeGreaterThanOrEqual(5);
    await queue.idle();
  });

  it('come together in one turn of the event loop if they take no time', async () => {
    jest.spyOn(monotonicClock, 'now').mockReturnValue(1_000_000);
    const called: number[] = [];
    const queue = queueOf((event) => called.push(event));
    for (const event of [1, 2, 3]) queue.add(event);
    await setImmediate();
    expect(called).toEqual([1, 2, 3]);
    await queue.idle();
  });

  it('wait for any object with a method "then", such as a promise of another realm', async () => {
    const steps: string[] = [];
    const queue = queueOf((event) => {
      steps.push(`begun ${event}`);
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- it is tested here
        then: (resolve: () => void) => {
          steps.push(`ended ${event}`);
          resolve();
        },
      };
    });
    queue.add(1);
    queue.add(2);
    await queue.idle();
    expect(steps).toEqual(['begun 1', 'ended 1', 'begun 2', 'ended 2']);
  });

  it('fail one by one: the error is in the log, and the next event is delivered', async () => {
    const called: number[] = [];
    const queue = queueOf((event) => {
      called.push(event);
      if (event === 1) throw new Error('no mail server');
    });
    queue.add(1);
    expect(called).toEqual([]);
    await queue.idle();
    expect(logger.error.mock.calls).toEqual([['Mailer.notify failed: no mail server']]);
    queue.add(2);
    await queue.idle();
    expect(called).toEqual([1, 2]);
    expect(logger.log.mock.calls).toEqual([[expect.stringContaining('Mailer.notify failed')]]);
  });

  it('wait for up to 10,000 events; more are lost, which is in the log until the queue is empty', async () => {
    let called = 0;
    const queue = queueOf(() => (called += 1));
    for (let i = 0; i < 10_000; i++) queue.add(i);
    expect(logger.warn).not.toHaveBeenCalled();
    queue.add(10_000);
    expect(logger.warn.mock.calls).toEqual([
      [
        'Mailer.notify is too slow, so that it is not called for all activities: 10000 events are waiting for it',
      ],
    ]);
    await queue.idle();
    expect(called).toBe(10_000);
    expect(logger.log.mock.calls).toEqual([[expect.stringContaining('Mailer.notify is too slow')]]);
  });

  it('count what is lost when they are dropped, with the event of the call under way', async () => {
    let end = (): void => {};
    const called: number[] = [];
    const queue = queueOf((event) => {
      called.push(event);
      return new Promise<void>((resolve) => (end = resolve));
    });
    for (const event of [1, 2, 3]) queue.add(event);
    while (called.length === 0) await setImmediate();
    expect(queue.drop()).toBe(3);
    end();
    await queue.idle();
    expect(called).toEqual([1]);
    expect(queue.drop()).toBe(0);
  });

  it('have been passed when those that were added before are done, though more were added since', async () => {
    const ends: (() => void)[] = [];
    const steps: string[] = [];
    const queue = queueOf(() => new Promise<void>((resolve) => ends.push(resolve)));
    const passed = async (name: string): Promise<void> => {
      await queue.passed();
      steps.push(name);
    };
    const end = async (): Promise<void> => {
      while (ends.length === 0) await setImmediate();
      ends.shift()?.();
      await setImmediate();
    };
    await passed('none');
    queue.add(1);
    queue.add(2);
    const watchers = [passed('two')];
    queue.add(3);
    watchers.push(passed('three'), passed('three again'));
    await end();
    expect(steps).toEqual(['none']);
    await end();
    expect(steps).toEqual(['none', 'two']);
    await end();
    await Promise.all(watchers);
    expect(steps).toEqual(['none', 'two', 'three', 'three again']);
    await passed('all');
    expect(steps.at(-1)).toBe('all');
  });

  it('have been passed when what was added before is dropped', async () => {
    const queue = queueOf(() => {});
    queue.add(1);
    queue.add(2);
    const passed = queue.passed();
    queue.drop();
    await passed;
    queue.add(3);
    await queue.passed();
    await queue.idle();
    expect(queue.drop()).toBe(0);
  });

  it('are not reported if each takes less than a minute, nor when all are done', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    let end = (): void => {};
    const queue = queueOf(() => new Promise<void>((resolve) => (end = resolve)));
    queue.add(1);
    queue.add(2);
    for (let i = 0; i < 2; i++) {
      await setImmediate();
      await setImmediate();
      jest.advanceTimersByTime(59_000);
      end();
    }
    await queue.idle();
    jest.advanceTimersByTime(120_000);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('are reported if one of them takes more than a minute', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    let end = (): void => {};
    const called: number[] = [];
    const queue = queueOf((event) => {
      called.push(event);
      return new Promise<void>((resolve) => (end = resolve));
    });
    queue.add(1);
    queue.add(2);
    await setImmediate();
    await setImmediate();
    jest.advanceTimersByTime(59_000);
    expect(logger.warn).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1000);
    expect(logger.warn.mock.calls).toEqual([
      [
        'Mailer.notify is too slow, so that it is not called for all activities: a call takes longer than 60 s, and 1 more wait',
      ],
    ]);
    end();
    while (called.length < 2) await setImmediate();
    end();
    await queue.idle();
    expect(queue.drop()).toBe(0);
  });
});
