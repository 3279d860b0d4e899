import { setTimeout as pause } from 'node:timers/promises';
import { Activity, ActivityStats, Session, type StatisticsFilter } from '../../lib/index.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { cookieOf, type Host, startHost } from '../support/host.js';

const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const EVER: StatisticsFilter = { from: '2026-01-01T00:00Z', to: '2100-01-01T00:00Z' };

describe.each(FOUND)('a session that another instance has erased, on %s,', (name) => {
  let database: TestDatabase;
  let tracking: Host;
  let erasing: Host;

  beforeEach(async () => {
    database = await createMigratedDatabase(name);
    erasing = await startHost({ adapter: 'express', database });
  });

  afterEach(async () => {
    await erasing.close();
    await database.drop();
  });

  async function start(background = true): Promise<void> {
    tracking = await startHost({
      adapter: 'express',
      database,
      djaffar: { statistics: { maxWait: 60_000, background } },
    });
  }

  /** @returns the cookie of the session, and its id */
  async function trackAndErase(): Promise<{ cookie: string; id: string }> {
    const cookie = await track('/first', '');
    const { items } = await erasing.activities.find({ path: '/first' });
    const id = items[0]?.session?.id ?? '';
    expect(await erasing.activities.erase({ session: id })).toBe(1);
    expect(await sessions()).toEqual([]);
    return { cookie, id };
  }

  async function track(path: string, cookie: string): Promise<string> {
    const response = await tracking.post(
      { date: new Date().toISOString(), path },
      { 'User-Agent': BOT, ...(cookie && { cookie }) },
    );
    expect(response.status).toBe(204);
    return cookieOf(response) || cookie;
  }

  async function sessions(): Promise<Pick<Session, 'id' | 'bot'>[]> {
    const found = await erasing.dataSource.getRepository(Session).find();
    return found.map(({ id, bot }) => ({ id, bot }));
  }

  async function countPeople(host: Host): Promise<number | null> {
    const { activities } = await host.app.get(ActivityStats, { strict: false }).overview(EVER);
    return activities.value;
  }

  function check(): Promise<void> {
    return tracking.app.get(ActivityWriter, { strict: false }).sessions.check();
  }

  it('is stored again soon after its next activity', async () => {
    await start();
    const { cookie, id } = await trackAndErase();
    await track('/second', cookie);
    let stored: Activity[];
    do {
      await pause(20);
      stored = await erasing.stored();
    } while (!stored[0]?.session);
    expect(stored).toMatchObject([{ path: '/second', session: { id, bot: true, userAgent: BOT } }]);
    await tracking.close();
  });

  it('is a bot in the statistics, also if they have counted it as a person before', async () => {
    await start();
    const { cookie } = await trackAndErase();
    await track('/second', cookie);
    await countPeople(tracking);
    await check();
    for (const host of [tracking, erasing]) expect(await countPeople(host)).toBe(0);
    const rollup = erasing.rollup;
    expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    await tracking.close();
  });

  it('stays erased without activities', async () => {
    await start();
    const cookie = await track('/first', '');
    await track('/second', cookie);
    expect(await erasing.activities.erase({ from: '2026-01-01T00:00Z' })).toBe(2);
    await check();
    expect(await sessions()).toEqual([]);
    await tracking.close();
  });

  it('is stored again by activities in a transaction of the host', async () => {
    await start();
    const { id } = await trackAndErase();
    await tracking.dataSource.transaction((manager) =>
      tracking.activities.track({ path: '/second', session: id, userAgent: BOT }, { manager }),
    );
    await check();
    expect(await sessions()).toEqual([{ id, bot: true }]);
    await tracking.close();
  });

  it('is stored again before the application has shut down', async () => {
    await start();
    const { cookie, id } = await trackAndErase();
    await track('/second', cookie);
    await tracking.close();
    expect(await sessions()).toEqual([{ id, bot: true }]);
  });

  it('is stored again before the answer if nothing may run in the background', async () => {
    await start(false);
    const { cookie, id } = await trackAndErase();
    await track('/second', cookie);
    expect(await sessions()).toEqual([{ id, bot: true }]);
    await tracking.close();
  });

  it('is looked for again if the database has failed', async () => {
    await start();
    const { cookie, id } = await trackAndErase();
    await track('/second', cookie);
    const { dataSource } = tracking;
    const failing = jest.spyOn(dataSource, 'createQueryRunner').mockImplementation(() => {
      throw new Error('no connection');
    });
    await check();
    failing.mockRestore();
    await check();
    expect(await sessions()).toEqual([{ id, bot: true }]);
    await tracking.close();
  });
});
