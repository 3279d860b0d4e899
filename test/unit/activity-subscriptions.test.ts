import { Module } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { Activity } from '../../lib/activity/activity.js';
import { CommittedActivities } from '../../lib/activity/committed-activities.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import type { ActivityHandler, SubscriptionOptions } from '../../lib/options/subscription.options.js';
import { toSettings } from '../../lib/options/validation.js';
import type { Outbox } from '../../lib/store/outbox.js';
import { ActivitySubscriptions } from '../../lib/subscriptions/activity-subscriptions.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { MemoryStore as TestingStore } from '../../lib/testing/memory.store.js';

const START = Date.UTC(2026, 10, 28);
const SECOND = 1000;
const HOUR = 3_600_000;

const activityOf = (name: string): Activity =>
  Object.assign(new Activity(), {
    id: name,
    name,
    path: '/',
    date: new Date(START),
    receivedAt: new Date(START),
  });

/** An outbox with one entry for each subscription, which notes its calls and when they were. */
class NotingOutbox implements Outbox {
  readonly calls: string[] = [];
  known = ['mail', 'sales'];
  /** Waits, or fails. */
  sweep = (): Promise<void> => Promise.resolve();
  private readonly delivered = new Set<string>();

  renew: Outbox['renew'] = () => Promise.resolve(true);
  findHistory: Outbox['findHistory'] = () => Promise.resolve({ activities: [], next: null });
  take: Outbox['take'] = () => Promise.resolve({ failures: 0, retryIn: 0, error: null, history: null });

  register: Outbox['register'] = async (name) => this.note('register', name);
  release: Outbox['release'] = async (name) => this.note('release', name);
  discard: Outbox['discard'] = async (name) => this.note('discard', name);

  settle: Outbox['settle'] = async (name) => {
    this.delivered.add(name);
    return true;
  };

  findWaiting: Outbox['findWaiting'] = async (name) => {
    this.note('findWaiting', name);
    return this.delivered.has(name) ? [] : [{ number: 1, activity: activityOf(name) }];
  };

  resume: Outbox['resume'] = async (name, endsHistory) => {
    this.note('resume', name, endsHistory);
    return this.known.includes(name);
  };

  status: Outbox['status'] = async () =>
    this.known.map((name) => ({
      name,
      waiting: 1,
      isCatchingUp: false,
      failures: 0,
      error: null,
      nextTryAt: null,
      parkedAt: null,
    }));

  deleteAbandoned: Outbox['deleteAbandoned'] = (after) => {
    this.note('deleteAbandoned', after);
    return this.sweep();
  };

  callsOf(method: string): string[] {
    return this.calls.filter((call) => call.split(' ')[1] === method);
  }

  private note(...call: unknown[]): void {
    this.calls.push([(Date.now() - START) / SECOND, ...call].join(' '));
  }
}

/** A store whose outbox a test gives. */
class Store extends TestingStore {
  constructor(override readonly outbox: Outbox | undefined) {
    super();
  }
}

/** The subscriptions and batches that were delivered. */
let delivered: string[];

class Mailer implements ActivityHandler {
  private readonly place = 'the mailer';

  handle(activities: Activity[], { attempt }: { attempt: number }): void {
    delivered.push(`${activities.map(({ name }) => name).join()} to ${this.place}, ${attempt}`);
  }
}

/** Its method belongs to each instance. */
class Bound {
  handle = (activities: Activity[]): void =>
    void delivered.push(`${activities.map(({ name }) => name).join()} to an instance`);
}

class Incomplete {
  readonly handle = 'no method';
}

describe('the subscriptions of an application', () => {
  let outbox: NotingOutbox;
  let committed: CommittedActivities;
  let subscriptions: ActivitySubscriptions;
  let moduleRef: ModuleRef;

  @Module({ providers: [Mailer, Bound, Incomplete] })
  class Handlers {}

  @Module({ imports: [Handlers] })
  class App {}

  beforeAll(async () => {
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    moduleRef = app.select(App).get(ModuleRef, { strict: true });
  });

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    jest.spyOn(monotonicClock, 'now').mockImplementation(Date.now);
    outbox = new NotingOutbox();
    delivered = [];
  });

  afterEach(async () => {
    const ended = subscriptions.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(100 * SECOND);
    await ended;
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  const handler = (activities: Activity[]): void =>
    void delivered.push(`${activities.map(({ name }) => name).join()} to a function`);

  function create(options: DjaffarOptions = {}, hasOutbox = true): void {
    const store = new Store(hasOutbox ? outbox : undefined);
    committed = new CommittedActivities(store);
    subscriptions = new ActivitySubscriptions(store, toSettings(options), committed, moduleRef);
  }

  async function start(options: DjaffarOptions = {}): Promise<void> {
    create(options);
    subscriptions.onModuleInit();
    subscriptions.onApplicationBootstrap();
    await pass(0);
  }

  const pass = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

  const deliveredTo = (mail: SubscriptionOptions['handler']): DjaffarOptions => ({
    subscriptions: [{ name: 'mail', handler: mail }],
  });

  it('are delivered from the start of the application on', async () => {
    create(deliveredTo(handler));
    subscriptions.onModuleInit();
    await pass(SECOND);
    expect(outbox.calls).toEqual([]);
    subscriptions.onApplicationBootstrap();
    await pass(0);
    expect(outbox.calls.slice(0, 2)).toEqual(['1 register mail', '1 findWaiting mail']);
    expect(delivered).toEqual(['mail to a function']);
  });

  it('are delivered by this process only if it does background work', async () => {
    await start({ ...deliveredTo(handler), statistics: { background: false } });
    await pass(2 * HOUR);
    expect(outbox.calls).toEqual([]);
  });

  it('are searched at once for what this process commits, if that matches', async () => {
    const filter = { name: 'order.*' };
    await start({
      subscriptions: [
        { name: 'mail', handler },
        { name: 'sales', filter, handler },
      ],
    });
    await pass(100);
    outbox.calls.length = 0;
    committed.emit([activityOf('view')]);
    await pass(0);
    expect(outbox.calls).toEqual(['0.1 findWaiting mail']);
    await pass(100);
    committed.emit([activityOf('view'), activityOf('order.paid')]);
    await pass(0);
    expect(outbox.calls.slice(1)).toEqual(['0.2 findWaiting mail', '0.2 findWaiting sales']);
    await committed.finish(0);
  });

  it('do not ask for what is committed if there are none', async () => {
    create();
    const listened = jest.spyOn(committed, 'listen');
    subscriptions.onModuleInit();
    subscriptions.onApplicationBootstrap();
    expect(listened).not.toHaveBeenCalled();
  });

  describe('have a handler, which', () => {
    it.each<[string, SubscriptionOptions['handler'], string]>([
      ['may be a function', handler, 'mail to a function'],
      [
        'may be a function with the word "class" in it',
        (activities) => {
          class Text {
            text = activities.map(({ name }) => name).join();
          }
          delivered.push(`${new Text().text} to another function`);
        },
        'mail to another function',
      ],
      ['may be a provider', Mailer, 'mail to the mailer, 1'],
      ['may be a provider with a method in each instance', Bound, 'mail to an instance'],
    ])('%s', async (_, given, expected) => {
      await start(deliveredTo(given));
      expect(delivered).toEqual([expected]);
    });

    it.each([
      ['without a prototype', null],
      ['whose prototype has another method', { other: () => {} }],
    ])('may be a function %s', async (_, prototype) => {
      const old = function old(activities: Activity[]): void {
        handler(activities);
      };
      old.prototype = prototype;
      await start(deliveredTo(old));
      expect(delivered).toEqual(['mail to a function']);
    });

    it('may be a class in the style of older compilers', async () => {
      const Old = function Old(): void {};
      Old.prototype.handle = (activities: Activity[]): void => handler(activities);
      expect(() => {
        create(deliveredTo(Old));
        subscriptions.onModuleInit();
      }).toThrow('the handler Old of the subscription "mail" is no provider of any module');
    });

    it.each([
      ['no provider', class Missing extends Mailer {}, 'Missing', expect.anything()],
      [
        'a provider without the method',
        Incomplete as never,
        'Incomplete',
        new TypeError('it has no method "handle"'),
      ],
    ])('must not be %s', (_, given, name, cause) => {
      create(deliveredTo(given));
      let thrown: unknown;
      try {
        subscriptions.onModuleInit();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({
        message: `DjaffarModule: the handler ${name} of the subscription "mail" is no provider of any module`,
        cause,
      });
    });
  });

  describe('without an outbox', () => {
    it('are refused at the start', () => {
      create(deliveredTo(handler), false);
      expect(() => subscriptions.onModuleInit()).toThrow('need activities in a TypeORM data source');
    });

    it('do nothing if there are none', async () => {
      create({}, false);
      subscriptions.onModuleInit();
      subscriptions.onApplicationBootstrap();
      expect(jest.getTimerCount()).toBe(0);
      expect(await subscriptions.status()).toEqual([]);
      await expect(subscriptions.resume('mail')).rejects.toThrow('there is no subscription "mail"');
      await expect(subscriptions.resume('mail', { from: 'now' })).rejects.toThrow('there are: none');
    });
  });

  describe('can be asked for and resumed:', () => {
    beforeEach(() => create());

    it('all that are stored', async () => {
      expect((await subscriptions.status()).map(({ name }) => name)).toEqual(['mail', 'sales']);
    });

    it('with what waits', async () => {
      await subscriptions.resume('mail');
      await subscriptions.resume('mail', {});
      expect(outbox.calls).toEqual(['0 resume mail false', '0 resume mail false']);
    });

    it('without what waits, which is deleted before', async () => {
      await subscriptions.resume('mail', { from: 'now' });
      expect(outbox.calls).toEqual(['0 discard mail', '0 resume mail true']);
    });

    it('none of another name', async () => {
      await expect(subscriptions.resume('other')).rejects.toThrow(
        'there is no subscription "other"; there are: "mail", "sales"',
      );
      outbox.known = [];
      await expect(subscriptions.resume('other')).rejects.toThrow('there are: none');
    });
  });

  describe('that no instance has for a week', () => {
    it('are deleted a minute after the start, and then each hour, also after a failure', async () => {
      outbox.sweep = () => Promise.reject(new Error('no connection'));
      await start();
      await pass(60 * SECOND + 2 * HOUR);
      const week = 7 * 24 * HOUR;
      expect(outbox.calls).toEqual([60, 3660, 7260].map((seconds) => `${seconds} deleteAbandoned ${week}`));
    });

    it('are not searched after the end of the application', async () => {
      await start();
      await subscriptions.beforeApplicationShutdown();
      expect(jest.getTimerCount()).toBe(0);
    });

    it('are not searched again if the application ends during a search', async () => {
      let end = (): void => {};
      outbox.sweep = () => new Promise((resolve) => (end = resolve));
      await start();
      await pass(60 * SECOND);
      await subscriptions.beforeApplicationShutdown();
      end();
      await pass(2 * HOUR);
      expect(outbox.callsOf('deleteAbandoned')).toHaveLength(1);
    });
  });

  describe('at the end of the application', () => {
    it('are given to other instances when their handlers have ended', async () => {
      await start({
        subscriptions: [
          { name: 'mail', handler: () => new Promise((resolve) => setTimeout(resolve, SECOND)) },
          { name: 'sales', handler },
        ],
      });
      let isEnded = false;
      void subscriptions.beforeApplicationShutdown().then(() => (isEnded = true));
      await pass(SECOND - 1);
      expect([isEnded, outbox.callsOf('release')]).toEqual([false, ['0 release sales']]);
      await pass(1);
      expect([isEnded, outbox.callsOf('release')]).toEqual([true, ['0 release sales', '1 release mail']]);
    });

    it('do not hold it up for longer than a write may take', async () => {
      const endless = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60 * SECOND));
      await start({ ...deliveredTo(endless), writer: { timeout: 2000 } });
      let isEnded = false;
      void subscriptions.beforeApplicationShutdown().then(() => (isEnded = true));
      await pass(1999);
      expect(isEnded).toBe(false);
      await pass(1);
      expect(isEnded).toBe(true);
    });
  });
});
