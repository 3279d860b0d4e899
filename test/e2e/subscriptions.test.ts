import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import {
  type Activity,
  type ActivityHandler,
  ActivitySubscriptions,
  type SubscriptionOptions,
} from '../../lib/index.js';
import { OutboxEntry, SubscriptionState } from '../../lib/store/typeorm/tables/outbox.entity.js';
import { FOUND, type TestDatabase } from '../support/databases.js';
import { Deliveries } from '../support/deliveries.js';
import { type Host, startHost } from '../support/host.js';
import { MemoryStore } from '../support/memory-store.js';
import { until } from '../support/until.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(FOUND)('subscriptions, on %s,', (database) => {
  const hosts: Host[] = [];
  let deliveries: Deliveries;

  beforeEach(() => {
    deliveries = new Deliveries();
  });

  afterEach(async () => {
    // The first one drops the database.
    for (const host of hosts.splice(0).toReversed()) await host.close();
  });

  async function start(
    options: Partial<SubscriptionOptions> = {},
    on: typeof database | TestDatabase = database,
  ): Promise<Host> {
    const subscription = { name: 'test', lease: 2000, handler: deliveries.handler, ...options };
    const host = await startHost({
      adapter: 'express',
      database: on,
      djaffar: { subscriptions: [subscription] },
    });
    hosts.push(host);
    return host;
  }

  const track = (host: Host, name: string, manager?: EntityManager): Promise<void> =>
    host.activities.track({ name, path: '/' }, manager && { manager });

  const statusOf = async (host: Host): ReturnType<ActivitySubscriptions['status']> =>
    host.app.get(ActivitySubscriptions, { strict: false }).status();

  /** Until the outbox is empty. */
  async function untilSettled(host: Host): Promise<void> {
    await until(async () => (await host.dataSource.getRepository(OutboxEntry).count()) === 0);
  }

  /** Also waits for the subscription to be stored, which takes a moment after the start. */
  async function untilParked(host: Host): Promise<void> {
    await until(async () => Boolean((await statusOf(host))[0]?.parkedAt));
  }

  /** A host that stores for a subscription, which only others deliver. */
  async function startWithoutHolder(): Promise<{ second: Host; endThreeTimes: () => Promise<void> }> {
    const second = await startHost({
      adapter: 'express',
      database,
      djaffar: {
        subscriptions: [{ name: 'test', handler: deliveries.handler }],
        statistics: { background: false },
      },
    });
    hosts.push(second);
    await second.store.outbox.register('test', false);
    const repository = second.dataSource.getRepository(SubscriptionState);
    const endThreeTimes = async (): Promise<void> => {
      for (const holder of ['one', 'two', 'three']) {
        await repository.update({ name: 'test' }, { holder, leaseUntil: new Date(1) });
        await second.store.outbox.take('test', `after ${holder}`, 1);
      }
      await repository.update({ name: 'test' }, { holder: null, leaseUntil: new Date(1) });
    };
    return { second, endThreeTimes };
  }

  it('are delivered what is stored from now on, in order, in batches, once', async () => {
    const host = await start({ filter: { name: ['order.*', 'view'] }, maxBatch: 3 });
    for (let i = 0; i < 7; i++) await track(host, `order.${i}`);
    await track(host, 'other');
    await host.post({ date: new Date().toISOString(), path: '/page' });
    await deliveries.until(() => deliveries.names.includes('view'));
    await untilSettled(host);
    expect(deliveries.names).toEqual([...Array.from({ length: 7 }, (_, i) => `order.${i}`), 'view']);
    expect(Math.max(...deliveries.batches.map(({ length }) => length))).toBeLessThanOrEqual(3);
    const [view] = deliveries.batches.flat().slice(-1);
    expect(view).toMatchObject({ path: '/page', session: { bot: true } });
    expect(await statusOf(host)).toEqual([
      {
        name: 'test',
        waiting: 0,
        isCatchingUp: false,
        failures: 0,
        error: null,
        nextTryAt: null,
        parkedAt: null,
      },
    ]);
  });

  it('miss no activity that is committed late, and get none that is rolled back', async () => {
    const host = await start();
    const { dataSource } = host;
    let commit = (): void => {};
    const isOpen = new Promise<void>((resolve) => (commit = resolve));
    let opened = (): void => {};
    const isTracked = new Promise<void>((resolve) => (opened = resolve));
    const late = dataSource.transaction(async (manager) => {
      await track(host, 'late', manager);
      opened();
      await isOpen;
    });
    await isTracked;
    if (database === 'sqlite') {
      // The one connection sees what its own transaction has written.
      await until(async () => (await dataSource.getRepository(OutboxEntry).count()) > 0);
      for (let i = 0; i < 50; i++) await setImmediate();
    } else {
      await dataSource
        .transaction(async (manager) => {
          await track(host, 'lost', manager);
          throw new Error('rolled back');
        })
        .catch(() => {});
      await track(host, 'early');
      await deliveries.until(() => deliveries.names.includes('early'));
    }
    expect(deliveries.names).not.toContain('late');
    commit();
    await late;
    await deliveries.until(() => deliveries.names.includes('late'));
    await track(host, 'last');
    await deliveries.until(() => deliveries.names.includes('last'));
    expect(deliveries.names).toEqual([...(database === 'sqlite' ? [] : ['early']), 'late', 'last']);
  });

  it('miss nothing of concurrent writers who keep transactions open, and keep the order of each', async () => {
    const host = await start({ maxBatch: 7 });
    const other = await start({ maxBatch: 7 }, host.database);
    const expected: string[][] = [];
    const random = seeded(7);
    const write = async (writer: number, { activities, dataSource }: Host): Promise<void> => {
      const committed: string[] = [];
      expected.push(committed);
      for (let i = 0; i < 15; i++) {
        const names = Array.from({ length: 1 + Math.floor(3 * random()) }, (_, n) => `w${writer}.${i}.${n}`);
        const isLost = random() < 0.2;
        const pauses = Math.floor(60 * random());
        if (database === 'sqlite') {
          for (const name of names) await activities.track({ name, path: '/' });
          committed.push(...names);
          continue;
        }
        await dataSource
          .transaction(async (manager) => {
            for (const name of names) {
              await activities.track({ name, path: '/' }, { manager });
              for (let n = 0; n < pauses; n++) await setImmediate();
            }
            if (isLost) throw new Error('rolled back');
          })
          .then(
            () => committed.push(...names),
            () => {},
          );
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, i) => write(i, i % 2 ? host : other)));
    const all = expected.flat();
    await deliveries.until(() => new Set(deliveries.names).size >= all.length);
    await untilSettled(host);
    const delivered = [...new Set(deliveries.names)];
    expect([...delivered].sort()).toEqual([...all].sort());
    for (const [writer, names] of expected.entries())
      expect(delivered.filter((name) => name.startsWith(`w${writer}.`))).toEqual(
        // Those of one transaction have one moment of commit.
        names,
      );
    expect(deliveries.most).toBe(1);
  });

  it('are delivered by one of two instances, and by the other one if that ends', async () => {
    const host = await start();
    const others = new Deliveries();
    const second = await start({ handler: others.handler }, host.database);
    await track(second, 'first');
    await Promise.race([
      deliveries.until(() => deliveries.names.length > 0),
      others.until(() => others.names.length > 0),
    ]);
    await untilSettled(host);
    const [owner, heir] = deliveries.names.length > 0 ? [deliveries, others] : [others, deliveries];
    expect(owner.names).toEqual(['first']);
    expect(heir.names).toEqual([]);
    const [ending, going] = owner === deliveries ? [host, second] : [second, host];
    await ending.app.close();
    await track(going, 'second');
    await heir.until(() => heir.names.length > 0);
    expect(heir.names).toEqual(['second']);
    expect(owner.names).toEqual(['first']);
    await untilSettled(going);
  });

  it('keep their instance while the handler takes longer than the lease', async () => {
    const host = await start({ lease: 1000 });
    const others = new Deliveries();
    await start({ handler: others.handler, lease: 1000 }, host.database);
    const leases: number[] = [];
    const readLease = async (): Promise<number> => {
      const row = await host.dataSource.getRepository(SubscriptionState).findOneByOrFail({ name: 'test' });
      return row.leaseUntil.getTime();
    };
    const untilRenewed = async (): Promise<void> => {
      const first = await readLease();
      await until(async () => {
        const found = await readLease();
        if (found > first + 1000 * (leases.length + 1)) leases.push(found);
        return leases.length >= 2;
      });
    };
    for (const each of [deliveries, others]) each.react = untilRenewed;
    await track(host, 'slow');
    await untilSettled(host);
    expect([...deliveries.names, ...others.names]).toEqual(['slow']);
    expect(leases).toHaveLength(2);
  });

  it('are delivered once, and say so, if the handler blocks the event loop for longer than the lease', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start({ lease: 1000 });
    deliveries.react = async () => {
      const end = performance.now() + 1200;
      while (performance.now() < end);
    };
    await track(host, 'blocking');
    await untilSettled(host);
    deliveries.react = async () => {};
    await track(host, 'next');
    await untilSettled(host);
    expect(deliveries.names).toEqual(['blocking', 'next']);
    expect(warned.mock.calls.map(String)).toContainEqual(
      expect.stringContaining('blocked the event loop for longer than the lease of 1000 ms'),
    );
  });

  it('say that the handler does not end, as long as it does not', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start({ lease: 1000, timeout: 100 });
    let end = (): void => {};
    deliveries.react = () => new Promise<void>((resolve) => (end = resolve));
    await track(host, 'slow');
    await until(async () => (await statusOf(host))[0]?.error === 'TIMEOUT');
    expect(warned.mock.calls.map(String)).toContain(
      'the subscription test cannot be delivered: the handler takes longer than 100 ms',
    );
    end();
    await untilSettled(host);
    expect(await statusOf(host)).toMatchObject([{ error: null, failures: 0 }]);
  });

  it('are delivered again after a failure, with a pause, and parked after several until they are resumed', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start({ maxFailures: 2 });
    const attempts: number[] = [];
    const times: number[] = [];
    let isBroken = true;
    deliveries.react = (_, { attempt }) => {
      attempts.push(attempt);
      times.push(performance.now());
      if (isBroken) throw new TypeError(`ada@example.org has no order`);
    };
    await track(host, 'order.paid');
    await untilParked(host);
    expect(attempts).toEqual([1, 2]);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(740);
    expect(await statusOf(host)).toMatchObject([
      { waiting: 1, failures: 2, error: 'TypeError', nextTryAt: null },
    ]);
    await until(() => logged.mock.calls.length > 0);
    expect(String(logged.mock.calls[0])).toContain("call ActivitySubscriptions.resume('test')");
    expect(warned.mock.calls.map(String)).toContain(
      'the subscription test cannot be delivered: ada@example.org has no order',
    );
    isBroken = false;
    await track(host, 'order.sent');
    const subscriptions = host.app.get(ActivitySubscriptions, { strict: false });
    await expect(subscriptions.resume('tset')).rejects.toThrow('no subscription "tset"; there are: "test"');
    await subscriptions.resume('test');
    await untilSettled(host);
    expect(deliveries.names.slice(-2)).toEqual(['order.paid', 'order.sent']);
    expect(await statusOf(host)).toMatchObject([{ waiting: 0, failures: 0, error: null, parkedAt: null }]);
  });

  it.each([
    ['an object without a text', Object.create(null) as unknown],
    ['an error whose name is no text', Object.assign(new Error('broken'), { name: undefined })],
    ['an error whose name cannot be stored', Object.assign(new Error('broken'), { name: 'a\0b' })],
  ])('are parked if the handler throws %s', async (_, thrown) => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start({ maxFailures: 1 });
    deliveries.react = () => {
      // oxlint-disable-next-line typescript/only-throw-error -- hosts do that
      throw thrown;
    };
    await track(host, 'order.paid');
    await untilParked(host);
    expect(await statusOf(host)).toMatchObject([{ failures: 1, waiting: 1, error: expect.any(String) }]);
    expect(warned.mock.calls.join()).toContain('the subscription test cannot be delivered');
  });

  it('are not delivered a stored activity that does not match, if one with its id does', async () => {
    const id = randomUUID();
    const host = await start({ filter: { name: 'order.*' } });
    const date = new Date().toISOString();
    await host.post({ id, date, path: '/secret' });
    await host.post({ id, date, path: '/', name: 'order.paid' });
    await track(host, 'order.sent');
    await untilSettled(host);
    expect(deliveries.names).toEqual(['order.sent']);
  });

  it('select by users, groups, subjects, addresses and properties as filters do', async () => {
    const host = await start({
      filter: {
        name: { startsWith: 'order.', not: 'order.draft*' },
        user: ['17', '18'],
        subject: ['order', 1],
        group: { not: 'company:2' },
        properties: { total: { gte: 100 } },
        path: '/shop*',
        ip: '10.0.0.1',
      },
    });
    const matching = {
      name: 'order.paid',
      path: '/shop/pay',
      user: { id: 17 },
      group: { type: 'company', id: 1 },
      subject: ['order', 1] as const,
      properties: { total: 100 },
      ip: '10.0.0.1',
    };
    for (const difference of [
      { name: 'order.drafted' },
      { name: 'cart.paid' },
      { user: { id: 19 } },
      { group: { type: 'company', id: 2 } },
      { subject: ['order', 2] as const },
      { properties: { total: 99 } },
      { properties: { total: '100' } },
      { path: '/' },
      { ip: '10.0.0.2' },
      {},
    ])
      await host.activities.track({ ...matching, ...difference });
    await untilSettled(host);
    expect(deliveries.batches.flat()).toMatchObject([
      { name: 'order.paid', path: '/shop/pay', userId: '17', subject: 'order:1', properties: { total: 100 } },
    ]);
  });

  it('get the same batch again after a failure, although more is waiting', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start();
    deliveries.react = async () => {
      if (deliveries.batches.length > 1) return;
      await track(host, 'order.sent');
      throw new Error('broken');
    };
    await track(host, 'order.paid');
    await untilSettled(host);
    expect(deliveries.batches.map((batch) => batch.map(({ name }) => name))).toEqual([
      ['order.paid'],
      ['order.paid'],
      ['order.sent'],
    ]);
  });

  it('are resumed without what has waited, if that is wanted', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start({ maxFailures: 1 });
    deliveries.react = ([activity]) => {
      if (activity?.name === 'poison') throw new Error('poisoned');
    };
    await track(host, 'poison');
    await untilParked(host);
    await host.app.get(ActivitySubscriptions, { strict: false }).resume('test', { from: 'now' });
    await track(host, 'fine');
    await deliveries.until(() => deliveries.names.includes('fine'));
    expect(deliveries.names).toEqual(['poison', 'fine']);
  });

  it('are resumed without the rest of what was stored before, if that is wanted', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const old = await startHost({ adapter: 'express', database });
    hosts.push(old);
    for (let i = 0; i < 3; i++)
      await old.activities.track({ name: `old.${i}`, path: '/', date: new Date(Date.UTC(2026, 0, i + 1)) });
    deliveries.react = ([activity]) => {
      if (activity?.name === 'old.1') throw new Error('poisoned');
    };
    const host = await start({ from: 'beginning', maxBatch: 1, maxFailures: 1 }, old.database);
    await untilParked(host);
    await host.app.get(ActivitySubscriptions, { strict: false }).resume('test', { from: 'now' });
    await track(host, 'new');
    await deliveries.until(() => deliveries.names.includes('new'));
    expect(deliveries.names).toEqual(['old.0', 'old.1', 'new']);
    expect((await statusOf(host))[0]?.isCatchingUp).toBe(false);
  });

  it('are delivered nothing more of what was stored before, if that is left out during a delivery', async () => {
    const old = await startHost({ adapter: 'express', database });
    hosts.push(old);
    for (let i = 0; i < 3; i++)
      await old.activities.track({ name: `old.${i}`, path: '/', date: new Date(Date.UTC(2026, 0, i + 1)) });
    let leaveOut = (): void => {};
    const isLeftOut = new Promise<void>((resolve) => (leaveOut = resolve));
    deliveries.react = async ([activity]) => {
      if (activity?.name !== 'old.1') return;
      await old.app.get(ActivitySubscriptions, { strict: false }).resume('test', { from: 'now' });
      leaveOut();
    };
    const host = await start({ from: 'beginning', maxBatch: 1 }, old.database);
    await isLeftOut;
    await track(host, 'new');
    await deliveries.until(() => deliveries.names.includes('new'));
    expect(deliveries.names).toEqual(['old.0', 'old.1', 'new']);
  });

  it('come again at once after a failure if the clock of the database was set back', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const host = await start();
    let isBroken = true;
    deliveries.react = () => {
      if (isBroken) throw new Error('broken');
    };
    await track(host, 'a');
    await until(async () => Boolean((await statusOf(host))[0]?.nextTryAt));
    isBroken = false;
    const nextTryAt = new Date(Date.now() + 5 * 3_600_000);
    await host.dataSource.getRepository(SubscriptionState).update({ name: 'test' }, { retryAt: nextTryAt });
    await untilSettled(host);
    expect(deliveries.names).toEqual(['a', 'a']);
  });

  it('begin with all that there is, if that is wanted, and go on with what comes', async () => {
    const old = await startHost({ adapter: 'express', database });
    hosts.push(old);
    for (let i = 0; i < 5; i++)
      await old.activities.track({ name: `old.${i}`, path: '/', date: new Date(Date.UTC(2026, 0, 5 - i)) });
    await old.activities.track({ name: 'other', path: '/' });
    const host = await start(
      { from: 'beginning', filter: { name: ['old.*', 'new.*'] }, maxBatch: 2 },
      old.database,
    );
    await track(host, 'new.0');
    await deliveries.until(() => new Set(deliveries.names).size === 6);
    await untilSettled(host);
    const names = [...new Set(deliveries.names)];
    expect(names).toEqual(['old.4', 'old.3', 'old.2', 'old.1', 'old.0', 'new.0']);
    await until(async () => !(await statusOf(host))[0]?.isCatchingUp);
    // It begins once.
    await host.app.close();
    const count = deliveries.batches.length;
    const again = await start({ from: 'beginning' }, old.database);
    await track(again, 'new.1');
    await deliveries.until(() => deliveries.names.includes('new.1'));
    expect(deliveries.batches).toHaveLength(count + 1);
  });

  it('get nothing that was erased, and nothing of it stays', async () => {
    const host = await start({ maxFailures: 1 });
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    deliveries.react = () => {
      throw new Error('broken');
    };
    await host.activities.track({ name: 'a', path: '/', user: { id: 'ada' } });
    await untilParked(host);
    await host.activities.track({ name: 'b', path: '/', user: { id: 'ada' } });
    await host.activities.track({ name: 'c', path: '/', user: { id: 'bob' } });
    expect((await statusOf(host))[0]?.waiting).toBe(3);
    await host.activities.erase({ user: 'ada' });
    expect((await statusOf(host))[0]?.waiting).toBe(1);
    deliveries.react = () => {};
    await host.app.get(ActivitySubscriptions, { strict: false }).resume('test');
    await untilSettled(host);
    expect(deliveries.batches.at(-1)?.map(({ name }) => name)).toEqual(['c']);
  });

  it('are forgotten, with what waits, if no instance has them any more', async () => {
    const host = await start();
    await track(host, 'a');
    await untilSettled(host);
    await host.dataSource.getRepository(SubscriptionState).insert({
      name: 'gone',
      createdAt: new Date(0),
      failures: 0,
      retryAt: new Date(0),
      leaseUntil: new Date(0),
    });
    const rows = Array.from({ length: 1100 }, () => ['gone', '0190163d-8694-739b-aea5-966c26f8ad91']);
    const { tablePath } = host.dataSource.getMetadata(OutboxEntry);
    await host.dataSource.query(
      `INSERT INTO ${tablePath} (subscription, ${host.dataSource.driver.escape('activityId')}) VALUES ${rows
        .map(([name, id]) => `('${name}', '${id}')`)
        .join(', ')}`,
    );
    await host.store.outbox.deleteAbandoned(60_000);
    expect((await statusOf(host)).map(({ name }) => name)).toEqual(['test']);
    expect(await host.dataSource.getRepository(OutboxEntry).count()).toBe(0);
  });

  it('count an instance that ended while it delivered as a failure', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const { second, endThreeTimes } = await startWithoutHolder();
    await track(second, 'poison');
    await endThreeTimes();
    const third = await start({ maxFailures: 2 }, second.database);
    await untilParked(third);
    expect(await statusOf(third)).toMatchObject([{ error: 'the process ended', waiting: 1 }]);
    expect(deliveries.names).toEqual([]);
  });

  it('count no instance that ended while nothing waited, and none while they are parked', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const { second, endThreeTimes } = await startWithoutHolder();
    await endThreeTimes();
    const third = await start({ maxFailures: 2 }, second.database);
    await until(async () => (await statusOf(third))[0]?.failures === 0);
    await track(third, 'good');
    await untilSettled(third);
    expect(deliveries.names).toEqual(['good']);
    await third.app.close();
    const parkedAt = new Date();
    await second.dataSource
      .getRepository(SubscriptionState)
      .update({ name: 'test' }, { parkedAt, failures: 2 });
    await endThreeTimes();
    expect(await statusOf(second)).toMatchObject([{ failures: 2, parkedAt }]);
  });
});

it('a handler can be a provider, which is an error if nobody provides it', async () => {
  const given: string[] = [];
  @Injectable()
  class Mailer implements ActivityHandler {
    handle(activities: Activity[]): void {
      given.push(...activities.map(({ name }) => name));
    }
  }
  const djaffar = { subscriptions: [{ name: 'mails', handler: Mailer }] };
  const host = await startHost({ adapter: 'express', providers: [Mailer], djaffar });
  await host.activities.track({ name: 'order.paid', path: '/' });
  await until(() => given.length > 0);
  expect(given).toEqual(['order.paid']);
  await host.close();
  await expect(startHost({ adapter: 'express', djaffar })).rejects.toThrow(
    'the handler Mailer of the subscription "mails" is no provider of any module',
  );
});

it('a store without transactions refuses subscriptions at the start', async () => {
  const store = { create: () => new MemoryStore() };
  const subscriptions = [{ name: 'test', handler: () => {} }];
  await expect(startHost({ adapter: 'express', djaffar: { store, subscriptions } })).rejects.toThrow(
    'need activities in a TypeORM data source',
  );
});

it('an application ends although a handler does not', async () => {
  const deliveries = new Deliveries();
  let aborted = '';
  deliveries.react = (_, { signal }) =>
    new Promise(() => signal.addEventListener('abort', () => (aborted = String(signal.reason))));
  const host = await startHost({
    adapter: 'express',
    djaffar: { subscriptions: [{ name: 'test', handler: deliveries.handler }], writer: { timeout: 300 } },
  });
  await host.activities.track({ name: 'slow', path: '/' });
  await deliveries.until(() => deliveries.names.length > 0);
  await host.close();
  expect(aborted).toContain('shutting down');
});

it('an application whose subscriptions are delivered by others only notes what is to be delivered', async () => {
  const deliveries = new Deliveries();
  const subscriptions = [{ name: 'test', handler: deliveries.handler }];
  const writer = await startHost({
    adapter: 'express',
    djaffar: { subscriptions, statistics: { background: false } },
  });
  await writer.activities.track({ name: 'a', path: '/' });
  expect(await writer.dataSource.getRepository(OutboxEntry).count()).toBe(1);
  const worker = await startHost({
    adapter: 'express',
    database: writer.database,
    djaffar: { subscriptions },
  });
  await deliveries.until(() => deliveries.names.length > 0);
  await worker.close();
  await writer.close();
});

/** A linear congruential generator, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
