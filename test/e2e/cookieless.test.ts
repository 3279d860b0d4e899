import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Post, Req } from '@nestjs/common';
import {
  type ActivityContext,
  ActivityService,
  consentCookie,
  type DjaffarOptions,
  Session,
  Track,
  VisitorService,
} from '../../lib/index.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { computePeriod } from '../../lib/privacy/salt.js';
import { Salts } from '../../lib/privacy/salts.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse/clickhouse.js';
import { createMigratedDatabase, STORES } from '../support/databases.js';
import { behindProxy, cookieOf, type Host, startHost } from '../support/host.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;
const MINUTE = 60_000;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/** Emits when a request is in the slow handler. */
const entered = new EventEmitter();

@Controller('orders')
class OrdersController {
  constructor(private readonly activities: ActivityService) {}

  @Post()
  async order(): Promise<void> {
    await this.activities.track({ name: 'ordered', path: '/orders' });
  }

  @Post('of-customer')
  async orderOf(): Promise<void> {
    await this.activities.track({ name: 'ordered', user: { id: 'customer' }, ip: '192.0.2.17' });
  }

  @Post('tracked')
  async tracked(): Promise<{ error?: string }> {
    try {
      await this.activities.track({ name: 'ordered' });
      return {};
    } catch (error) {
      return { error: String(error) };
    }
  }

  @Post('slow')
  @Track('ordered')
  async slow(@Req() { headers, socket }: IncomingMessage): Promise<void> {
    entered.emit('entered');
    if (headers['x-leaves']) await once(socket, 'close');
  }

  @Post('context')
  context(): ActivityContext | undefined {
    return this.activities.context();
  }

  @Post('context-after-track')
  async contextAfterTrack(): Promise<ActivityContext | undefined> {
    await this.activities.track({ name: 'ordered' });
    return this.activities.context();
  }
}

const user = ({ headers }: { headers: Record<string, string | undefined> }): { id: string } | null =>
  headers['x-user'] ? { id: headers['x-user'] } : null;

describe.each(STORES)('without a cookie, on %s', (name) => {
  let server: ClickHouseServer | undefined;
  let database: StoreDatabase;
  let hosts: StoreHost[];

  beforeAll(async () => {
    if (name === 'clickhouse') server = await startClickHouse();
  });

  afterAll(() => server?.stop());

  beforeEach(async () => {
    database = await createStore(name, server);
    hosts = [];
  });

  afterEach(async () => {
    for (const host of hosts) await host.close();
    await database.drop();
  });

  async function start(options: DjaffarOptions = {}): Promise<StoreHost> {
    const adapter = name === 'mariadb' ? 'fastify' : 'express';
    const host = await database.start(
      // Generous, because a busy machine must not cause a 503.
      { privacy: 'cookieless', user, writer: { timeout: 60_000 }, ...options },
      { adapter, controllers: [OrdersController], ...behindProxy(adapter) },
    );
    hosts.push(host);
    return host;
  }

  const track = (
    host: StoreHost,
    at: number,
    { ip = '192.0.2.17', agent = FIREFOX, ...headers }: Record<string, string> = {},
    activity: object = {},
  ): Promise<Response> =>
    host.post(
      { date: new Date(at).toISOString(), path: '/', ...activity },
      { 'User-Agent': agent, 'X-Forwarded-For': ip, ...headers },
    );

  async function visitsOf(host: StoreHost): Promise<[sessions: number, visits: number]> {
    const stored = await host.stored();
    return [
      new Set(stored.map(({ sessionId }) => sessionId)).size,
      new Set(stored.map(({ visitId }) => visitId)).size,
    ];
  }

  it('nothing is set, and a visit lasts until nothing was done for 30 minutes', async () => {
    const host = await start();
    const now = Date.now();
    for (const minutes of [120, 100, 71, 40, 9]) {
      const response = await track(host, now - minutes * MINUTE);
      expect(response.status).toBe(204);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(await visitsOf(host)).toEqual([1, 3]);
    expect((await host.stored())[0]).toMatchObject({
      ipAddress: '192.0.2.0',
      session: { browser: 'Firefox' },
    });
  });

  it('a visitor who has left before the handler ends is the one who stayed before', async () => {
    const host = await start();
    const order = (headers: Record<string, string>, signal?: AbortSignal): Promise<Response> =>
      fetch(`${host.url}/orders/slow`, {
        method: 'POST',
        headers: { 'User-Agent': FIREFOX, ...headers },
        signal: signal ?? null,
      });
    expect((await order({})).status).toBe(201);
    const leaving = new AbortController();
    const isIn = once(entered, 'entered');
    const answer = order({ 'X-Leaves': 'yes' }, leaving.signal).catch(() => {});
    await isIn;
    leaving.abort();
    await answer;
    await until(async () => (await host.stored()).length >= 2);
    expect((await host.stored()).map(({ ipAddress }) => ipAddress)).toEqual(['127.0.0.0', '127.0.0.0']);
    expect(await visitsOf(host)).toEqual([1, 1]);
  });

  it('distinguishes visitors by address, browser and host, but not by the last octet of the address', async () => {
    const host = await start();
    const now = Date.now();
    await track(host, now, { ip: '192.0.2.17' });
    await track(host, now, { ip: '192.0.2.200' });
    expect(await visitsOf(host)).toEqual([1, 1]);
    await track(host, now, { ip: '192.0.3.17' });
    await track(host, now, { agent: CHROME });
    await track(host, now, { 'X-Forwarded-Host': 'other.example' });
    expect(await visitsOf(host)).toEqual([4, 4]);
    await track(host, now, { cookie: 'djaffar_session=chosen' });
    expect(await visitsOf(host)).toEqual([4, 4]);
  });

  it('has one visit of requests that come at once to several instances', async () => {
    const [one, other] = [await start(), await start()];
    const now = Date.now();
    const requests = Array.from({ length: 24 }, (_, i) => track(i % 2 === 0 ? one : other, now - i * 1000));
    for (const response of await Promise.all(requests)) expect(response.status).toBe(204);
    expect(await one.activities.count()).toBe(24);
    expect(await visitsOf(one)).toEqual([1, 1]);
    expect(await one.stats.overview()).toMatchObject({
      visits: { value: 1 },
      sessions: { value: 1 },
      activities: { value: 24 },
    });
  });

  /** An instance that has the salt of yesterday, as if it had loaded it then. */
  async function startYesterday(): Promise<StoreHost> {
    const host = await start();
    const loadSalts = host.store.loadSalts.bind(host.store);
    jest
      .spyOn(host.store, 'loadSalts')
      .mockImplementation((next, timeout) => loadSalts((now) => next(now - DAY), timeout));
    return host;
  }

  it('continues when the salt changes, of which only the last two are stored', async () => {
    const yesterday = await startYesterday();
    const period = computePeriod(Date.now(), 'day');
    const old = [period - 4, period - 3, period - 2].map((each) => ({
      period: each,
      secret: randomUUID().padEnd(43, 'x'),
    }));
    for (const salt of old) await yesterday.store.loadSalts(() => salt, 5000);
    expect(await yesterday.dump()).toContain(old[1]?.secret);

    const id = randomUUID();
    await track(yesterday, Date.now() - MINUTE, {}, { id });
    const before = await yesterday.stored();
    const today = await start();
    await track(today, Date.now());
    await track(today, Date.now(), {}, { id });
    const stored = await today.stored();
    expect(stored).toHaveLength(2);
    expect(new Set(stored.map(({ sessionId }) => sessionId))).toEqual(new Set([before[0]?.sessionId]));
    const salts = await today.store.loadSalts(
      (now) => ({ period: computePeriod(now, 'day'), secret: '' }),
      5000,
    );
    expect(salts.map((salt) => salt.period).sort((a, b) => a - b)).toEqual([period - 1, period]);
    const dump = await today.dump();
    for (const { secret } of old) expect(dump).not.toContain(secret);
  });

  it('starts another session when the salt has changed and no visit continues', async () => {
    const yesterday = await startYesterday();
    await track(yesterday, Date.now() - DAY);
    await track(await start(), Date.now());
    expect(await visitsOf(yesterday)).toEqual([2, 2]);
  });

  it('has one salt of instances that make it at the same moment', async () => {
    const instances = await Promise.all([start(), start(), start()]);
    const loaded = await Promise.all(
      instances.flatMap(({ store }) =>
        [1, 2, 3].map(() => store.loadSalts(() => ({ period: 7, secret: randomUUID() }), 30_000)),
      ),
    );
    expect(new Set(loaded.map(([salt]) => salt?.secret)).size).toBe(1);
  });

  if (name !== 'sqlite') {
    it('has salts by the clock of the database, as that of an instance may be ahead', async () => {
      const one = await start();
      await track(one, Date.now());
      const before = await one.app.get(Salts, { strict: false }).current();
      const { app } = await start();
      const ahead = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3 * DAY);
      const salts = app.get(Salts, { strict: false });
      await salts.look();
      ahead.mockRestore();
      expect(await salts.current()).toEqual(before);
      const [stored] = await one.stored();
      expect(await one.store.findReservedVisits([stored?.sessionId ?? ''], 5000)).toHaveLength(1);
    });
  }

  /**
   * Stores visits that ended three days ago.
   * @returns a function that counts those that are still there
   */
  async function storeOldVisits({ store }: StoreHost, count: number): Promise<() => Promise<number>> {
    const old = new Date(Date.now() - 3 * DAY);
    const visits = Array.from({ length: count }, (_, i) => {
      return { sessionId: `old-${i}`, visitId: 'visit', startedAt: old, lastSeen: old, user: '', version: 0 };
    });
    for (const some of [visits.slice(0, 500), visits.slice(500, 1000), visits.slice(1000)])
      if (some.length > 0) await store.reserveVisits(some, 30_000);
    const sessions = visits.map(({ sessionId }) => sessionId);
    return async () => (await store.findReservedVisits(sessions, 30_000)).length;
  }

  it('deletes visits that are over in the background, in batches, also within a month', async () => {
    const host = await start({ cookieless: { rotate: 'month' } });
    await track(host, Date.now());
    const count = await storeOldVisits(host, 1500);
    const { store } = host;
    const limits: number[] = [];
    const deleteReservedVisits = store.deleteReservedVisits.bind(store);
    jest.spyOn(store, 'deleteReservedVisits').mockImplementation((limit, timeout) => {
      limits.push(limit);
      return deleteReservedVisits(limit, timeout);
    });
    await track(host, Date.now());
    expect(await count()).toBe(1500);
    await host.app.get(Salts, { strict: false }).look();
    expect(limits).toEqual([1000, 1000]);
    expect(await count()).toBe(0);
    expect(await visitsOf(host)).toEqual([1, 1]);
  });

  it('deletes some visits when it loads the salts, without background work, and needs no success', async () => {
    const filling = await start();
    const count = await storeOldVisits(filling, 300);
    await track(await start({ statistics: { background: false } }), Date.now());
    expect(await count()).toBe(name === 'clickhouse' ? 0 : 100);
    const failing = await start({ statistics: { background: false } });
    const { store } = failing;
    jest.spyOn(store, 'deleteReservedVisits').mockRejectedValue(new Error('locked'));
    expect((await track(failing, Date.now())).status).toBe(204);
  });

  it('answers 503 in time to all requests of one visitor whose visit cannot be reserved', async () => {
    const host = await start({ writer: { timeout: 500 } });
    await track(host, Date.now());
    const { store } = host;
    const timeouts: number[] = [];
    jest.spyOn(store, 'reserveVisits').mockImplementation(async (_, timeout) => {
      timeouts.push(timeout);
      await wait(timeout);
      throw new UnavailableError('locked');
    });
    const requests = Array.from({ length: 8 }, () => track(host, Date.now()));
    for (const { status } of await Promise.all(requests)) expect(status).toBe(503);
    // Each had a time-out for all of it, not one from its turn on.
    expect(timeouts.reduce((sum, each) => sum + each, 0)).toBeLessThan(1000);
  });

  it('answers 503 at once when too many requests wait for their turns', async () => {
    const host = await start({ writer: { maxWaiting: 2, timeout: 60_000 } });
    await track(host, Date.now());
    const { store } = host;
    const reserveVisits = store.reserveVisits.bind(store);
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    jest.spyOn(store, 'reserveVisits').mockImplementation(async (...args) => {
      await gate;
      return reserveVisits(...args);
    });
    const requests = Array.from({ length: 3 }, () => track(host, Date.now()));
    expect((await Promise.race(requests)).status).toBe(503);
    open();
    expect((await Promise.all(requests)).map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      204, 204, 503,
    ]);
  });

  it('has the same session for what server code tracks in the request', async () => {
    const host = await start({ requestContext: true });
    const headers = { 'User-Agent': FIREFOX };
    await host.post({ date: new Date().toISOString(), path: '/' }, headers);
    const answer = await fetch(`${host.url}/orders`, { method: 'POST', headers });
    expect(answer.status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await host.stored()).map((activity) => activity.name).sort()).toEqual(['ordered', 'view']);
    expect(await visitsOf(host)).toEqual([1, 1]);
  });

  it('leaves nothing in a dump after an erasure', async () => {
    const host = await start();
    await track(host, Date.now(), { 'X-User': 'jeff' });
    const [stored] = await host.stored();
    const sessionId = stored?.sessionId ?? 'none';
    expect(await host.dump()).toContain(sessionId);
    await host.activities.erase({ user: 'jeff' });
    // ClickHouse removes the rows from the disk in the background.
    await until(async () => !(await host.dump()).includes(sessionId));
  });

  it('is one of the modes that a function chooses for each request', async () => {
    const host = await start({
      privacy: ({ headers }: { headers: Record<string, string> }) =>
        headers['x-country'] === 'FR' ? 'cnil' : headers['x-country'] === 'DE' ? 'cookieless' : 'identified',
    });
    const cookies = async (headers: Record<string, string>): Promise<number> =>
      (await track(host, Date.now(), { 'X-User': 'jeff', ...headers })).headers.getSetCookie().length;
    expect(await cookies({})).toBe(1);
    expect(await cookies({ 'X-Country': 'DE' })).toBe(0);
    expect(await cookies({ 'X-Country': 'FR' })).toBe(1);
    const stored = await host.stored();
    expect(stored.map(({ userId, ipAddress }) => [userId, ipAddress])).toEqual([
      ['jeff', '192.0.2.17'],
      ['jeff', '192.0.2.0'],
      [null, '192.0.2.0'],
    ]);
  });

  it('is how visitors are recognized until they consent', async () => {
    const host = await start({ privacy: 'identified', consent: consentCookie, onWithdrawal: 'erase' });
    const before = await track(host, Date.now() - 2 * MINUTE);
    expect(before.headers.getSetCookie()).toEqual([]);
    const agreed = await track(host, Date.now() - MINUTE, { Cookie: 'djaffar_consent=1' });
    expect(agreed.headers.getSetCookie()).toHaveLength(1);
    expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([false, true]);
    expect((await track(host, Date.now(), { Cookie: cookieOf(agreed) })).status).toBe(204);
    expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([false, false]);
    expect(await visitsOf(host)).toEqual([1, 1]);
  });
});

describe('the mode', () => {
  let host: Host;

  afterEach(() => host.close());

  const start = async (djaffar: DjaffarOptions): Promise<void> => {
    host = await startHost({ adapter: 'express', djaffar: { user, ...djaffar } });
  };

  const startContext = async (djaffar: DjaffarOptions): Promise<void> => {
    host = await startHost({
      adapter: 'express',
      djaffar: { user, requestContext: true, ...djaffar },
      controllers: [OrdersController],
    });
  };

  const view = (headers: Record<string, string> = {}): Promise<Response> =>
    host.post({ date: new Date().toISOString(), path: '/' }, { 'User-Agent': FIREFOX, ...headers });

  it('"cnil" knows no user and no whole address, and keeps a session for 13 months and activities for 25', async () => {
    await start({ privacy: 'cnil' });
    await view({ 'X-User': 'jeff' });
    expect(await host.stored()).toMatchObject([{ userId: null, userName: null, ipAddress: '127.0.0.0' }]);
    await host.close();
    await expect(start({ privacy: 'cnil', session: { absoluteMaxAge: 400 * DAY } })).rejects.toThrow(
      `option "session.absoluteMaxAge" is ${400 * DAY}; allowed: at most 13 months with the option "privacy" 'cnil'`,
    );
    await start({ privacy: 'cnil' });
  });

  it.each<[string, object, RegExp]>([
    [
      'an unknown mode',
      { privacy: () => 'off' },
      /"privacy" returned 'off'; allowed: 'identified', 'cookieless', 'cnil'/,
    ],
    [
      'an unknown mode that is promised',
      { privacy: async () => 'off' },
      /"privacy" returned 'off'; allowed: 'identified', 'cookieless', 'cnil'/,
    ],
    [
      'consent that fails',
      { consent: () => Promise.reject(new Error('the CMP is down')) },
      /the CMP is down/,
    ],
    [
      'consent and a mode that fail, one later',
      {
        consent: () => Promise.reject(new Error('the CMP is down')),
        privacy: () => {
          throw new Error('no country');
        },
      },
      /no country/,
    ],
  ])('stores nothing with %s, and says what is wrong', async (_, functions, message) => {
    // As JavaScript can give them.
    await startContext(Object.assign<DjaffarOptions, object>({}, functions));
    const answer = await view();
    expect(answer.status).toBe(500);
    expect(answer.headers.getSetCookie()).toEqual([]);
    const ofServer = await host.fetch('/orders/tracked', { method: 'POST' });
    expect(await ofServer.json()).toEqual({ error: expect.stringMatching(message) });
    expect(await host.stored()).toEqual([]);
  });

  it.each<[string, DjaffarOptions]>([
    ['at once', { privacy: () => 'cnil' }],
    ['later', { privacy: async () => Promise.resolve('cnil') }],
  ])('a function may decide %s', async (_, options) => {
    await startContext(options);
    expect((await view({ 'X-User': 'jeff' })).headers.getSetCookie()).toHaveLength(1);
    await host.fetch('/orders/tracked', { method: 'POST', headers: { 'X-User': 'jeff' } });
    const kept = { userId: null, ipAddress: '127.0.0.0', sessionId: expect.any(String) };
    expect(await host.stored()).toMatchObject([kept, kept]);
  });

  it('gives nothing of a visitor to code that has not waited for the decision', async () => {
    await startContext({
      consent: async ({ headers }: { headers: Record<string, string> }) =>
        Promise.resolve(headers['x-agreed'] === 'yes'),
    });
    const agreed = { 'X-Agreed': 'yes' };
    const Cookie = cookieOf(await view(agreed));
    const ask = async (path: string): Promise<unknown> =>
      (await host.fetch(path, { method: 'POST', headers: { ...agreed, Cookie, 'X-User': 'jeff' } })).json();
    expect(await ask('/orders/context')).toMatchObject({
      session: null,
      visit: null,
      user: null,
      ip: '127.0.0.0',
    });
    expect(await ask('/orders/context-after-track')).toMatchObject({
      session: expect.any(String),
      visit: expect.any(String),
      user: { id: 'jeff' },
    });
  });

  it('without consent, "cnil" has no cookie and no user either', async () => {
    await start({ privacy: 'cnil', consent: consentCookie });
    expect((await view({ 'X-User': 'jeff' })).headers.getSetCookie()).toEqual([]);
    await view({ 'X-User': 'jeff', Cookie: 'djaffar_consent=1' });
    const kept = { userId: null, userName: null, ipAddress: '127.0.0.0', sessionId: expect.any(String) };
    expect(await host.stored()).toMatchObject([kept, kept]);
  });

  it('takes only true for consent', async () => {
    await start(Object.assign<DjaffarOptions, object>({}, { consent: () => 'no' }));
    expect((await view()).headers.getSetCookie()).toEqual([]);
  });

  describe('of what server code gives', () => {
    const given = { path: '/jobs', user: { id: 'jeff', name: 'Jeff' }, ip: '192.0.2.17' };
    const stored = async (): Promise<unknown[]> =>
      (await host.stored()).map(({ userId, userName, ipAddress }) => [userId, userName, ipAddress]);

    it.each<[DjaffarOptions, unknown[]]>([
      [{ privacy: 'cnil' }, [null, null, '192.0.2.0']],
      [{ privacy: 'cnil', ip: 'none' }, [null, null, null]],
      [{ privacy: 'cookieless' }, ['jeff', 'Jeff', '192.0.2.0']],
      [{}, ['jeff', 'Jeff', '192.0.2.17']],
    ])('with %j keeps what it allows, outside of a request too', async (options, kept) => {
      await start(options);
      await host.activities.track(given);
      await host.activities.runAs(given, () => host.activities.track({ path: '/jobs' }));
      expect(await stored()).toEqual([kept, kept]);
    });

    it.each<[string, DjaffarOptions]>([
      ["'cnil'", { privacy: 'cnil' }],
      ["a function that returns 'cnil'", { privacy: () => 'cnil' }],
    ])('in a request knows no user with %s', async (_, options) => {
      await startContext(options);
      const answer = await fetch(`${host.url}/orders/of-customer`, {
        method: 'POST',
        headers: { 'X-User': 'jeff' },
      });
      expect(answer.status).toBe(201);
      expect(await stored()).toEqual([[null, null, '192.0.2.0']]);
    });
  });

  describe('with consent', () => {
    const agreed = { cookie: 'djaffar_consent=1' };

    it('begins a new session with a cookie, and removes the cookie when it is withdrawn', async () => {
      await start({ consent: consentCookie });
      expect((await view()).headers.getSetCookie()).toEqual([]);
      const given = await view(agreed);
      expect(given.headers.getSetCookie()).toEqual([expect.stringMatching(/^djaffar_session=[\w-]/)]);
      const cookie = cookieOf(given);
      await view({ cookie: `${cookie}; djaffar_consent=1` });
      const [before, ...after] = (await host.stored()).map(
        ({ sessionId, visitId }) => [sessionId, visitId] as const,
      );
      expect(after[0]).toEqual(after[1]);
      expect(after[0]?.[0]).not.toBe(before?.[0]);
      expect(after[0]?.[1]).not.toBe(before?.[1]);
      const withdrawn = await view({ cookie: `${cookie}; djaffar_consent=0` });
      expect(withdrawn.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^djaffar_session=; Max-Age=0; Path=\/; HttpOnly/),
      ]);
    });

    it('stores with a session whether it was given, and says so in exports', async () => {
      await startContext({ consent: consentCookie });
      await view();
      await host.fetch('/orders/tracked', { method: 'POST', headers: { ...agreed, 'User-Agent': CHROME } });
      await view(agreed);
      const consents = (await host.stored()).map(({ session }) => session?.consent);
      expect(consents).toEqual([false, true, true]);
      await host.close();
      await start({});
      await view();
      expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([null]);
    });

    it.each(['keep', 'erase'] as const)('that is withdrawn: %s', async (onWithdrawal) => {
      await start({ consent: consentCookie, onWithdrawal });
      const cookie = cookieOf(await view(agreed));
      await view({ cookie: `${cookie}; ${agreed.cookie}` });
      const other = cookieOf(await view(agreed));
      const kept = (await host.stored()).map(({ id }) => id);
      // A signature that is wrong erases nothing.
      await view({ cookie: `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}` });
      const answers = await Promise.all([1, 2, 3].map(() => view({ cookie })));
      for (const answer of answers)
        expect(answer.headers.getSetCookie()).toEqual([
          expect.stringMatching(/^djaffar_session=; Max-Age=0/),
        ]);
      const left = (await host.stored()).map(({ id }) => id).filter((id) => kept.includes(id));
      expect(left).toEqual(onWithdrawal === 'keep' ? kept : kept.slice(2));
      expect(other).toMatch(/^djaffar_session=/);
    });

    it('erases what is about to be stored when it is withdrawn', async () => {
      await start({ consent: consentCookie, onWithdrawal: 'erase' });
      const cookie = cookieOf(await view(agreed));
      const writer = host.app.get(ActivityWriter, { strict: false });
      const [lend, settle] = [host.store.lendWriter.bind(host.store), writer.waitForSession.bind(writer)];
      const released = new EventEmitter();
      jest.spyOn(host.store, 'lendWriter').mockImplementationOnce(async (work, cancel) => {
        released.emit('held');
        await once(released, 'released');
        await lend(work, cancel);
      });
      const held = once(released, 'held');
      const sent = view({ cookie: `${cookie}; ${agreed.cookie}` });
      await held;
      jest.spyOn(writer, 'waitForSession').mockImplementation((session) => {
        const settled = settle(session);
        released.emit('released');
        return settled;
      });
      expect((await view({ cookie })).status).toBe(204);
      expect((await sent).status).toBe(204);
      // The one that withdraws is stored without an agreement.
      expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([false]);
      jest.restoreAllMocks();
    });

    it('erases no session of the time before it was asked for', async () => {
      const database = await createMigratedDatabase('sqlite');
      const begin = async (djaffar: DjaffarOptions): Promise<void> => {
        host = await startHost({ adapter: 'express', database, djaffar });
      };
      await begin({});
      const cookie = cookieOf(await view());
      await host.close();
      await begin({ consent: consentCookie, onWithdrawal: 'erase' });
      expect((await view({ cookie })).headers.getSetCookie()).toEqual([expect.stringMatching(/Max-Age=0/)]);
      expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([null, false]);
      await database.drop();
    });

    it('gives each of the people behind one address a session of their own', async () => {
      await start({ privacy: 'cookieless', consent: consentCookie });
      await view();
      const [one, two] = [cookieOf(await view(agreed)), cookieOf(await view(agreed))];
      const visitors = host.app.get(VisitorService, { strict: false });
      const of = (cookie: string): { session?: string; visit?: string } =>
        visitors.of({ headers: { cookie: `${cookie}; ${agreed.cookie}` } });
      const before = (await host.stored())[0];
      const sessions = [before?.sessionId, of(one).session, of(two).session];
      expect(new Set(sessions).size).toBe(3);
      expect(new Set([before?.visitId, of(one).visit, of(two).visit]).size).toBe(3);
    });

    it('stores nothing before it with withoutConsent: nothing', async () => {
      await start({ consent: consentCookie, withoutConsent: 'nothing' });
      const answer = await view();
      expect(answer.status).toBe(204);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(await host.stored()).toEqual([]);
      expect(await host.dataSource.getRepository(Session).count()).toBe(0);
      await view(agreed);
      expect(await host.stored()).toHaveLength(1);
    });
  });

  it.each([
    [{}, false],
    [{ privacy: 'cnil' }, false],
    [{ privacy: 'cookieless' }, true],
    [{ consent: () => true }, true],
  ] as [DjaffarOptions, boolean][])(
    '%j tells the tracker where its queue may be',
    async (options, isMemory) => {
      await start(options);
      const script = await (await host.fetch('/djaffar/tracker.js')).text();
      expect(script.includes('storage:"memory"')).toBe(isMemory);
    },
  );
});
