import { setImmediate } from 'node:timers/promises';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { ListenerQueue } from '../../lib/subscriptions/listener-queue.js';

const logger = { log: jest.fn(), warn: jest.fn(), error: jest.fn() };

function queueOf(call: (event: number) => unknown): ListenerQueue<number> {
  return new ListenerQueue('Mailer.notify', call, new IncidentLog(logger));
}

afterEach(() => {
  jest.useRealTimers();
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

  it('are reported if one of them takes more than a minute', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    let end = (): void => {};
    const queue = queueOf(() => new Promise<void>((resolve) => (end = resolve)));
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
    await setImmediate();
    end();
    await queue.idle();
    expect(queue.drop()).toBe(0);
  });
});
