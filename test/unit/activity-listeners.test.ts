import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import {
  Controller,
  type INestApplicationContext,
  Injectable,
  Logger,
  Module,
  type ModuleMetadata,
  Scope,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Activity, type StoredActivity } from '../../lib/activity/activity.js';
import { InvalidFilterError } from '../../lib/activity/activity.filter.js';
import { CommittedActivities } from '../../lib/activity/committed-activities.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { STORE } from '../../lib/options/settings.js';
import { ActivityListeners } from '../../lib/subscriptions/activity-listeners.js';
import { type NewDevice, OnActivity, OnNewDevice } from '../../lib/subscriptions/on-activity.decorator.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { MemoryStore } from '../support/memory-store.js';

const DATE = new Date('2026-11-03T10:00Z');

function activity(id: string, given: Partial<StoredActivity> = {}): StoredActivity {
  const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  const view = { id, date: DATE, receivedAt: DATE, name: 'view', path: '/' };
  return { ...view, ...nobody, ...nowhere, ...others, ...given };
}

const named = (...names: string[]): StoredActivity[] => names.map((name) => activity(name, { name }));

/** An activity of a user in a session of the same name. */
const activityOf = (user: string): StoredActivity =>
  activity(`of ${user}`, { userId: user, sessionId: user, properties: { total: 1 } });

/** A store in memory that notes its log and the lookups of devices, which a test can hold up. */
class ListenedStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog({
    log: (line: unknown) => void this.lines.push(`log ${String(line)}`),
    warn: (line: unknown) => void this.lines.push(`warn ${String(line)}`),
    error: (line: unknown) => void this.lines.push(`error ${String(line)}`),
  });
  /** The users for whom a device was looked up. */
  readonly lookups: unknown[] = [];
  beforeLookup: (() => Promise<void> | undefined) | undefined;

  override page: MemoryStore['page'] = async ({ user }) => {
    this.lookups.push(user);
    await this.beforeLookup?.();
    return [Object.assign(new Activity(), activityOf(String(user)))];
  };

  override isUserInOtherSession: MemoryStore['isUserInOtherSession'] = async (user) => user === 'ada';
}

/** What the listeners have heard. */
let heard: string[];
/** Called by listeners. */
let react: (event: string) => unknown;

function hear(listener: string, event: string): unknown {
  heard.push(`${listener}: ${event}`);
  return react(event);
}

@Injectable()
class Orders {
  private readonly name = 'orders';

  @OnActivity({ name: 'order.*' })
  paid({ name }: StoredActivity): unknown {
    return hear(this.name, name);
  }

  /** Without a decorator. */
  other({ name }: StoredActivity): unknown {
    return hear('no listener', name);
  }
}

@Injectable()
class All {
  @OnActivity()
  all({ name }: StoredActivity): unknown {
    return hear('all', name);
  }
}

@Injectable()
class Devices {
  @OnNewDevice()
  device({ activity: { userId }, isFirst }: NewDevice): unknown {
    return hear('devices', `${userId} ${isFirst ? 'first' : 'another'}`);
  }
}

describe('listeners', () => {
  let store: ListenedStore;
  let app: INestApplicationContext | undefined;
  let committed: CommittedActivities;
  let listeners: ActivityListeners;

  beforeEach(() => {
    // A queue that has run for some time pauses for a turn of the event loop.
    jest.spyOn(monotonicClock, 'now').mockReturnValue(0);
    store = new ListenedStore();
    heard = [];
    react = () => {};
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    jest.restoreAllMocks();
  });

  async function start(
    providers: NonNullable<ModuleMetadata['providers']>,
    controllers: Type[] = [],
  ): Promise<void> {
    @Module({
      controllers,
      providers: [{ provide: STORE, useValue: store }, CommittedActivities, ActivityListeners, ...providers],
    })
    class App {}
    app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    committed = app.get(CommittedActivities);
    listeners = app.get(ActivityListeners);
  }

  /** Reports activities as committed, and waits for the listeners. */
  async function commit(...activities: StoredActivity[]): Promise<string[]> {
    committed.emit(activities);
    // Nobody waits for them.
    expect(heard).toEqual([]);
    await listeners.finish(60_000);
    return heard.splice(0);
  }

  describe('of activities', () => {
    it('get what matches, in order', async () => {
      await start([Orders]);
      expect(await commit(...named('order.paid', 'view', 'order.sent', 'orders'))).toEqual([
        'orders: order.paid',
        'orders: order.sent',
      ]);
    });

    it('get all activities without a pattern', async () => {
      await start([All]);
      expect(await commit(...named('order.paid', 'view'))).toEqual(['all: order.paid', 'all: view']);
    });

    it('are methods of any provider and controller', async () => {
      @Controller()
      class Shop extends Orders {}
      await start([All, { provide: 'orders', useValue: new Orders() }], [Shop]);
      expect((await commit(...named('order.paid'))).toSorted()).toEqual([
        'all: order.paid',
        'orders: order.paid',
        'orders: order.paid',
      ]);
    });

    it('are called once for each instance, whatever names it is provided by', async () => {
      await start([Orders, { provide: 'orders', useExisting: Orders }]);
      expect(await commit(...named('order.paid'))).toEqual(['orders: order.paid']);
    });

    it('are not looked for in what is no instance of a class', async () => {
      const values = [null, undefined, 'text', 5, Object.create(null), () => {}, Object.create(() => {})];
      await start([Orders, ...values.map((useValue, i) => ({ provide: `value ${i}`, useValue }))]);
      expect(await commit(...named('order.paid'))).toEqual(['orders: order.paid']);
    });

    it('may have several patterns, and listen to devices too', async () => {
      @Injectable()
      class Several {
        @OnActivity({ name: 'a' })
        @OnActivity({ name: 'b' })
        @OnNewDevice()
        any(event: StoredActivity | NewDevice): unknown {
          return hear('several', 'name' in event ? event.name : 'device');
        }
      }
      await start([Several]);
      expect((await commit(...named('a', 'b', 'c'), activityOf('ada'))).toSorted()).toEqual([
        'several: a',
        'several: b',
        'several: device',
      ]);
    });

    it('get copies, which they may change', async () => {
      const totals: unknown[] = [];
      class Changing {
        @OnActivity()
        change({ properties }: StoredActivity): void {
          totals.push(properties?.total);
          Object.assign(properties ?? {}, { total: 2 });
        }
      }
      await start([
        { provide: 'first', useValue: new Changing() },
        { provide: 'second', useValue: new Changing() },
      ]);
      const given = activityOf('ada');
      await commit(given);
      expect([...totals, given.properties]).toEqual([1, 1, { total: 1 }]);
    });

    it('get no activity again that is sent again', async () => {
      await start([All]);
      const first = activity('first');
      expect(await commit(first, { ...first, name: 'again' })).toEqual(['all: view']);
      expect(await commit(first, activity('second', { name: 'second' }))).toEqual(['all: second']);
    });

    it('do not run in the request that has tracked the activity', async () => {
      const requests = new AsyncLocalStorage<string>();
      await start([All]);
      const seen: unknown[] = [];
      react = () => seen.push(requests.getStore());
      requests.run('a request', () => committed.emit(named('view')));
      await listeners.finish(60_000);
      expect(seen).toEqual([undefined]);
    });

    it('do not wait for each other, and an error of one is in the log with its name', async () => {
      await start([Orders, All]);
      let end = (): void => {};
      react = (event) => {
        if (event === 'order.sent') throw new Error('no mail server');
        return heard.length === 1 ? new Promise<void>((resolve) => (end = resolve)) : undefined;
      };
      committed.emit(named('order.paid', 'order.sent'));
      while (heard.length < 3) await setImmediate();
      await setImmediate();
      expect(heard).toEqual(['orders: order.paid', 'all: order.paid', 'all: order.sent']);
      end();
      await listeners.finish(60_000);
      expect(heard.slice(3)).toEqual(['orders: order.sent']);
      expect(store.lines).toEqual([
        'error All.all failed: no mail server',
        'error Orders.paid failed: no mail server',
      ]);
    });

    it('cannot be in a class that is made for each request, which may have other methods', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class Scoped {
        @OnActivity()
        listen(): void {}
      }
      @Injectable({ scope: Scope.REQUEST })
      class Other {
        other(): void {}
      }
      await expect(start([Scoped])).rejects.toThrow(
        'Scoped.listen listens to activities, but its class is request-scoped',
      );
      await start([Other, Orders]);
      expect(await commit(...named('order.paid'))).toEqual(['orders: order.paid']);
    });

    it('are methods only: a decorator of a property does nothing', async () => {
      class Odd {}
      OnActivity()(Odd.prototype, 'property', {});
      await start([{ provide: 'odd', useValue: new Odd() }, All]);
      expect(await commit(...named('view'))).toEqual(['all: view']);
    });

    it('are refused with a pattern that is not understood', () => {
      expect(() => OnActivity({ names: 'x' } as object)).toThrow(InvalidFilterError);
    });
  });

  it.each([
    ['nobody', [], []],
    ['a method', [All], ['view']],
    ['a method for devices', [Devices], ['view']],
  ])('take activities if %s listens', async (_, providers, names) => {
    await start(providers);
    const taken = jest.spyOn(listeners, 'take');
    committed.emit(named('view'));
    expect(taken.mock.calls.flat(2).map(({ name }) => name)).toEqual(names);
    await listeners.finish(60_000);
  });

  describe('of an EventEmitter2', () => {
    /** As that of `@nestjs/event-emitter`. */
    class Emitter extends EventEmitter {
      readonly asked: string[] = [];
      hasListeners(event: string): boolean {
        this.asked.push(event);
        return this.listenerCount(event) > 0;
      }
      emitAsync(): void {}
      onAny(): void {}
    }

    let emitter: Emitter;

    beforeEach(() => {
      emitter = new Emitter();
    });

    it('get a copy of what they listen to', async () => {
      emitter.on('djaffar.order.paid', (event: StoredActivity) => {
        hear('emitter', event.name);
        Object.assign(event.properties ?? {}, { total: 2 });
      });
      const emitted = jest.spyOn(emitter, 'emit');
      await start([{ provide: 'emitter', useValue: emitter }]);
      const given = { ...activityOf('ada'), name: 'order.paid' };
      expect(await commit(given, ...named('order.sent'))).toEqual(['emitter: order.paid']);
      expect(emitted).toHaveBeenCalledTimes(1);
      expect(emitter.asked).toEqual(['djaffar.order.paid', 'djaffar.order.sent']);
      expect(given.properties).toEqual({ total: 1 });
    });

    it('are not asked for a name that a browser has made a wildcard', async () => {
      emitter.hasListeners = (event) => emitter.asked.push(event) > 0;
      const emitted = jest.spyOn(emitter, 'emit');
      await start([{ provide: 'emitter', useValue: emitter }]);
      await commit(...named('order.*', '**', 'order'));
      expect(emitted.mock.calls.map(([event]) => event)).toEqual(['djaffar.order']);
      expect(emitter.asked).toEqual(['djaffar.order']);
    });

    it('fail without an effect on others', async () => {
      emitter.on('djaffar.view', () => {
        throw new Error('no mail server');
      });
      await start([{ provide: 'emitter', useValue: emitter }, All]);
      expect(await commit(...named('view'))).toEqual(['all: view']);
      expect(store.lines).toEqual(['error a listener of EventEmitter2 failed: no mail server']);
    });
  });

  describe('of new devices', () => {
    it('get each new pair of a user and a session once, all of them', async () => {
      @Injectable()
      class Others {
        @OnNewDevice()
        device({ activity: { userId } }: NewDevice): unknown {
          return hear('others', String(userId));
        }
      }
      await start([Devices, Others]);
      expect((await commit(activityOf('ada'), activityOf('bob'))).toSorted()).toEqual([
        'devices: ada another',
        'devices: bob first',
        'others: ada',
        'others: bob',
      ]);
      expect(await commit(activityOf('ada'))).toEqual([]);
      expect(store.lookups).toEqual(['ada', 'bob']);
    });

    it('get none that is no new device', async () => {
      await start([Devices]);
      const later = { ...activityOf('ada'), id: 'a later one' };
      expect(await commit(later, activityOf('bob'))).toEqual(['devices: bob first']);
      expect(store.lookups).toEqual(['ada', 'bob']);
    });

    it('are the only ones for which devices are looked up', async () => {
      await start([All]);
      expect(await commit(activityOf('ada'))).toEqual(['all: view']);
      expect(store.lookups).toEqual([]);
    });

    it('get devices that are looked up one after the other', async () => {
      const ends: (() => void)[] = [];
      store.beforeLookup = () => new Promise((resolve) => ends.push(resolve));
      await start([Devices]);
      committed.emit([activityOf('ada'), activityOf('bob')]);
      while (ends.length === 0) await setImmediate();
      await setImmediate();
      expect(store.lookups).toEqual(['ada']);
      ends.shift()?.();
      while (ends.length === 0) await setImmediate();
      expect(store.lookups).toEqual(['ada', 'bob']);
      ends.shift()?.();
      await listeners.finish(60_000);
      expect(heard).toEqual(['devices: ada another', 'devices: bob first']);
    });

    it('miss a device that cannot be looked up, which is in the log', async () => {
      store.beforeLookup = () => Promise.reject(new Error('no connection'));
      await start([Devices]);
      expect(await commit(activityOf('ada'))).toEqual([]);
      expect(store.lines).toEqual(['error the search for new devices failed: no connection']);
    });

    it('are informed when all lookups of what was committed are done, although the listeners are not', async () => {
      let end = (): void => {};
      store.beforeLookup = () => new Promise((resolve) => (end = resolve));
      let endCall = (): void => {};
      react = () => new Promise<void>((resolve) => (endCall = resolve));
      await start([Devices]);
      committed.emit([activityOf('ada')]);
      let isInformed = false;
      const informed = committed.informed().then(() => (isInformed = true));
      for (let i = 0; i < 5; i++) await setImmediate();
      expect(isInformed).toBe(false);
      end();
      await informed;
      expect(store.lookups).toEqual(['ada']);
      while (heard.length === 0) await setImmediate();
      endCall();
      await listeners.finish(60_000);
    });
  });

  describe('at the end of the application', () => {
    let warned: jest.SpyInstance;

    beforeEach(() => {
      warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    });

    it('are waited for, also if they wait for a lookup', async () => {
      store.beforeLookup = () => setImmediate();
      react = () => setImmediate();
      await start([Devices, All]);
      committed.emit([activityOf('ada'), activityOf('bob')]);
      await listeners.finish(60_000);
      expect(heard.toSorted()).toEqual([
        'all: view',
        'all: view',
        'devices: ada another',
        'devices: bob first',
      ]);
      expect(warned).not.toHaveBeenCalled();
    });

    it('are not waited for any longer than they may, and what is lost is in the log', async () => {
      react = () => new Promise(() => {});
      await start([Devices, All]);
      committed.emit([activityOf('ada'), activityOf('bob')]);
      while (heard.length < 2) await setImmediate();
      const begun = performance.now();
      await listeners.finish(50);
      expect(performance.now() - begun).toBeGreaterThanOrEqual(45);
      expect(heard.toSorted()).toEqual(['all: view', 'devices: ada another']);
      expect(warned.mock.calls).toEqual([
        ['4 calls of listeners were not finished before the application ended'],
      ]);
    });

    it('lose lookups that are not done', async () => {
      store.beforeLookup = () => new Promise(() => {});
      await start([Devices]);
      committed.emit([activityOf('ada'), activityOf('bob')]);
      while (store.lookups.length === 0) await setImmediate();
      await listeners.finish(50);
      expect(warned.mock.calls).toEqual([
        ['2 calls of listeners were not finished before the application ended'],
      ]);
      expect(heard).toEqual([]);
    });
  });
});
