import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ActivityService, type NewDevice, OnNewDevice, type ServerActivity } from '../../lib/index.js';
import { CommittedActivities } from '../../lib/activity/committed-activities.js';
import { DjaffarTestingModule, TrackedActivities } from '../../lib/testing/index.js';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse/clickhouse.js';
import { FOUND, STORES } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';
import { until } from '../support/until.js';

const START = Date.UTC(2026, 0, 5);
const MINUTE = 60_000;
const DAY = 86_400_000;
const EVER = { from: '2026-01-01', to: '2026-12-31' };
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';

const at = (day: number, minute = 0): Date => new Date(START + day * DAY + minute * MINUTE);

const claiming = { session: { claim: 'session' } } as const;

let devices: (string | null)[];

@Injectable()
class DeviceListener {
  @OnNewDevice()
  add({ activity }: NewDevice): void {
    devices.push(activity.userId);
  }
}

describe.each(STORES)("with the option session.claim: 'session', on %s,", (name) => {
  let server: ClickHouseServer | undefined;
  let database: StoreDatabase;
  let host: StoreHost;
  let sessions = 0;

  beforeAll(async () => {
    if (name === 'clickhouse') server = await startClickHouse();
  });

  afterAll(() => server?.stop());

  beforeEach(async () => {
    devices = [];
    database = await createStore(name, server);
    host = await database.start(claiming, { providers: [DeviceListener] });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await host.close();
    await database.drop();
  });

  const track = async (...activities: ServerActivity[]): Promise<void> => {
    for (const activity of activities) await host.activities.track(activity);
  };

  const usersOf = async (session: string): Promise<Record<string, string | null>> => {
    const { items } = await host.activities.find({ session });
    return Object.fromEntries(items.map(({ path, userId }) => [path, userId]));
  };

  /** Resolves when the claims of all activities that are stored by now are done, because they are done in their order. */
  async function settled(on = host): Promise<void> {
    // On ClickHouse, the first one may be in the same statement as others, which is not done at once.
    for (let i = 0; i < (name === 'clickhouse' ? 2 : 1); i += 1) {
      const session = `other-${(sessions += 1)}`;
      await on.activities.track({ path: '/before', session, date: at(300) });
      await on.activities.track({ path: '/after', session, date: at(301), user: { id: 'last' } });
      await until(async () => (await on.activities.count({ session, user: 'last' })) >= 2);
    }
  }

  it('earlier visits of a session are the user’s after the login, in every answer', async () => {
    await track(
      { path: '/ad', session: 's', visit: 'v1', date: at(0), userAgent: FIREFOX },
      { path: '/prices', session: 's', visit: 'v2', date: at(1), userAgent: FIREFOX },
      { path: '/other browser', session: 't', visit: 'v3', date: at(1), userAgent: FIREFOX },
      {
        path: '/welcome',
        session: 's',
        visit: 'v4',
        date: at(2),
        user: { id: 'u', name: 'Ada' },
        userAgent: FIREFOX,
      },
    );
    await settled();
    const { items } = await host.activities.find({ user: 'u' });
    expect(items.map(({ path, userName }) => [path, userName])).toEqual([
      ['/welcome', 'Ada'],
      ['/prices', 'Ada'],
      ['/ad', 'Ada'],
    ]);
    expect(await usersOf('t')).toEqual({ '/other browser': null });
    expect(await host.stats.overview({ ...EVER, user: 'u' })).toMatchObject({
      visits: { value: 3 },
      users: { value: 1 },
    });
    expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    expect(await host.activities.erase({ user: 'u' })).toBe(3);
    expect(await host.activities.count({ session: 's' })).toBe(0);
  });

  it('what was done before a later activity of the user is given too, if that one came while new devices are looked for', async () => {
    let goOn = (): void => {};
    const isFree = new Promise<void>((resolve) => (goOn = resolve));
    const page = host.store.page.bind(host.store);
    const lookUp = jest.spyOn(host.store, 'page').mockImplementation(async (...asked) => {
      await isFree;
      return page(...asked);
    });
    const user = { id: 'u' };
    await track({ path: '/welcome', session: 's', user, date: at(1) });
    await until(() => lookUp.mock.calls.length > 0);
    await track(
      { path: '/ad', session: 's', date: at(1, 1) },
      { path: '/again', session: 's', user, date: at(1, 2) },
    );
    goOn();
    await host.app.get(CommittedActivities, { strict: false }).finish(10_000);
    expect(await host.activities.count({ session: 's', user: 'u' })).toBe(3);
  });

  it('a session is seen as a new device of the user before it is claimed', async () => {
    const steps: string[] = [];
    const lookUps: (() => void)[] = [];
    const page = host.store.page.bind(host.store);
    jest.spyOn(host.store, 'page').mockImplementation(async (...asked) => {
      await new Promise<void>((resolve) => lookUps.push(resolve));
      steps.push('looked up');
      return page(...asked);
    });
    const { sessionClaims } = host.store;
    if (!sessionClaims) throw new Error('the store has no claims');
    const claim = sessionClaims.claim.bind(sessionClaims);
    jest.spyOn(sessionClaims, 'claim').mockImplementation((given) => {
      steps.push('claimed');
      return claim(given);
    });
    await track({ path: '/ad', session: 's' }, { path: '/welcome', session: 's', user: { id: 'u' } });
    await until(() => lookUps.length > 0);
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    for (const lookUp of lookUps) lookUp();
    await host.app.get(CommittedActivities, { strict: false }).finish(10_000);
    expect(steps).toEqual(['looked up', 'claimed']);
    expect(devices).toEqual(['u']);
  });

  it('each user has what was done since another one was logged in', async () => {
    await track(
      { path: '/1', session: 's', date: at(0) },
      { path: '/2', session: 's', date: at(1), user: { id: 'first' } },
    );
    await settled();
    await track(
      { path: '/3', session: 's', date: at(2) },
      { path: '/4', session: 's', date: at(3), user: { id: 'second' } },
      { path: '/5', session: 's', date: at(4) },
    );
    await settled();
    expect(await usersOf('s')).toEqual({
      '/1': 'first',
      '/2': 'first',
      '/3': 'second',
      '/4': 'second',
      '/5': null,
    });
  });

  it('what was done before the login is given to the user, although some of it is sent again after the login', async () => {
    const sent = { path: '/ad', session: 's', date: at(0), id: '0190163d-8694-739b-aea5-966c26f8ad91' };
    const user = { id: 'u' };
    await track(sent, { ...sent, user });
    await settled();
    await track({ path: '/welcome', session: 's', date: at(1), user });
    await settled();
    expect(await usersOf('s')).toEqual({ '/ad': 'u', '/welcome': 'u' });
  });

  it('what was done before the login is given to the user, although the latest of it is sent again beside another activity', async () => {
    const sent = { path: '/ad', session: 's', date: at(2), id: '0190163d-8694-739b-aea5-966c26f8ad91' };
    const user = { id: 'u' };
    await track({ path: '/', session: 's', date: at(0) }, sent);
    await Promise.all([
      track({ path: '/welcome', session: 's', date: at(1), user }),
      track({ ...sent, user }),
    ]);
    await settled();
    expect(await usersOf('s')).toEqual({ '/': 'u', '/ad': 'u', '/welcome': 'u' });
  });

  it('bots keep their activities without a user', async () => {
    await track(
      { path: '/1', session: 's', date: at(0), userAgent: BOT },
      { path: '/2', session: 's', date: at(1), user: { id: 'u' }, userAgent: BOT },
    );
    await settled();
    expect(await usersOf('s')).toEqual({ '/1': null, '/2': 'u' });
  });

  it('sessions without a cookie keep their activities without a user, because they may be several people', async () => {
    let isLoggedIn = false;
    const people = await database.start(
      { ...claiming, privacy: 'cookieless' },
      {
        configure: (app) =>
          void app.use((request: { user?: object }, _: object, next: () => void) => {
            if (isLoggedIn) request.user = { id: 'u' };
            next();
          }),
      },
    );
    try {
      const post = (path: string): Promise<Response> =>
        people.post({ date: new Date().toISOString(), path }, { 'User-Agent': FIREFOX });
      expect((await post('/stranger')).status).toBe(204);
      isLoggedIn = true;
      expect((await post('/user')).status).toBe(204);
      await settled(people);
      const stored = await people.stored();
      const [stranger, user] = ['/stranger', '/user'].map((path) =>
        stored.find((each) => each.path === path),
      );
      expect(user).toMatchObject({ userId: 'u', sessionId: stranger?.sessionId });
      expect(stranger).toMatchObject({ userId: null, sessionId: expect.any(String) });
    } finally {
      await people.close();
    }
  });

  it('a process that ended in between leaves it to the next activity of the user', async () => {
    const before = await database.start();
    try {
      await before.activities.track({ path: '/1', session: 's', date: at(0) });
      await before.activities.track({ path: '/2', session: 's', date: at(1), user: { id: 'u' } });
    } finally {
      await before.close();
    }
    await track({ path: '/3', session: 's', date: at(2), user: { id: 'u' } });
    await settled();
    expect(await usersOf('s')).toEqual({ '/1': 'u', '/2': 'u', '/3': 'u' });
  });

  it('more than a thousand activities are claimed', async () => {
    await Promise.all(
      Array.from({ length: 1200 }, (_, i) =>
        host.activities.track({ path: '/', session: 's', date: at(0, i % 60) }),
      ),
    );
    await track({ path: '/login', session: 's', date: at(1), user: { id: 'u' } });
    await settled();
    expect(await host.activities.count({ session: 's', user: 'u' })).toBe(1201);
  });
});

describe.each(FOUND)('a claim in transactions, on %s:', (database) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ adapter: 'fastify', database });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await host.close();
  });

  const track = async (...activities: ServerActivity[]): Promise<void> => {
    for (const activity of activities) await host.activities.track(activity);
  };

  it('what was anonymised in the meantime stays anonymous', async () => {
    const id = '0190163d-8694-739b-aea5-966c26f8ad92';
    await track(
      { path: '/1', session: 's', date: at(0) },
      { id, path: '/2', session: 's', date: at(1), user: { id: 'u' } },
    );
    const dialect = dialectOf(host.dataSource);
    const transact = dialect.transact.bind(dialect);
    const spy = jest.spyOn(dialect, 'transact').mockImplementation(async (...given) => {
      spy.mockRestore();
      expect(await host.activities.anonymise({ session: 's', to: at(0, 1) })).toBe(1);
      return transact(...given);
    });
    const claim = { session: 's', user: 'u', userName: null, activities: [id], until: at(1) };
    expect(await host.store.sessionClaims.claim([claim])).toEqual([true]);
    expect((await host.stored()).find(({ path }) => path === '/1')).toMatchObject({
      userId: null,
      sessionId: null,
    });
  });

  it('a user who was erased in the meantime gets nothing', async () => {
    await track({ path: '/1', session: 's', date: at(0) });
    const id = '0190163d-8694-739b-aea5-966c26f8ad92';
    const claim = { session: 's', user: 'gone', userName: null, activities: [id], until: at(1) };
    expect(await host.store.sessionClaims.claim([claim])).toEqual([false]);
    const dialect = dialectOf(host.dataSource);
    const transact = dialect.transact.bind(dialect);
    await track({ id, path: '/2', session: 's', date: at(1), user: { id: 'gone' } });
    const spy = jest.spyOn(dialect, 'transact').mockImplementation(async (...given) => {
      spy.mockRestore();
      await host.activities.erase({ user: 'gone' });
      return transact(...given);
    });
    expect(await host.store.sessionClaims.claim([claim])).toEqual([true]);
    expect((await host.stored()).map(({ path, userId }) => [path, userId])).toEqual([['/1', null]]);
  });
});

it('claims in memory, too', async () => {
  const testing = await Test.createTestingModule({
    imports: [DjaffarTestingModule.forRoot(claiming)],
  }).compile();
  const activities = testing.get(ActivityService);
  await activities.track({ path: '/1', session: 's', date: at(0), user: { id: 'other' } });
  await activities.track({ path: '/2', session: 's', date: at(1) });
  await activities.track({ path: '/3', session: 's', date: at(2), user: { id: 'u' } });
  await testing.close();
  expect(
    testing
      .get(TrackedActivities)
      .list({ user: 'u' })
      .map(({ path }) => path),
  ).toEqual(['/2', '/3']);
});

it.each(FOUND)('by default, activities before a login stay anonymous (%s)', async (database) => {
  const host = await startHost({ adapter: 'fastify', database });
  try {
    await host.activities.track({ path: '/1', session: 's', visit: 'v', date: at(0) });
    await host.activities.track({ path: '/2', session: 's', visit: 'v', date: at(0, 1), user: { id: 'u' } });
    expect(await host.activities.count({ user: 'u' })).toBe(1);
    expect(await host.activities.countToErase({ user: 'u' })).toBe(2);
  } finally {
    await host.close();
  }
});
