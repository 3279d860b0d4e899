import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { StoredActivity } from '../../lib/activity/activity.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { uuidv7 } from '../../lib/activity/random.js';
import { RollupLease } from '../../lib/store/typeorm/statistics/rollup/rollup-lease.js';
import { PathRollup } from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { Visit } from '../../lib/store/typeorm/statistics/rollup/tables/visit.entity.js';
import { LARGE_VISIT } from '../../lib/store/typeorm/statistics/rollup/visit-builder.js';
import { connectionsOf } from '../../lib/database/connections.js';
import { ActivityStats } from '../../lib/index.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { fetchAsAda, startSample } from '../support/sample.js';

const HOUR = 3_600_000;
const DAY = 86_400_000;
const ever = { from: '1970-01-01T00:00Z', to: '2100-01-01T00:00Z' };
const NOTHING = { visits: 0, sums: 0, pages: 0 };

describe.each(FOUND)('the rollup on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      adapter: 'fastify',
      database,
      djaffar: { statistics: { maxWait: 240_000, background: false } },
    });
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));

  afterAll(() => host.close());

  const view = (date: Date, path: string, visitId: string | null = null): StoredActivity => ({
    id: uuidv7(),
    date,
    receivedAt: new Date(),
    name: 'view',
    path,
    referer: null,
    properties: null,
    userId: null,
    userName: null,
    sessionId: visitId,
    visitId,
    ipAddress: null,
    route: null,
    subject: null,
    groupId: null,
    groupName: null,
    interactive: null,
  });

  const views = async () => (await host.app.get(ActivityStats, { strict: false }).overview(ever)).views.value;
  const check = () => host.rollup.check();
  const state = () => host.dataSource.getRepository(RollupState);

  it('counts, and forgets, more pages in a past minute than a statement has parameters', async () => {
    // For the other databases it would be 65,536.
    const pages = database === 'sqlite' ? 33_000 : 3000;
    expect(await views()).toBe(0);
    const writer = host.app.get(ActivityWriter, { strict: false });
    const minute = Math.floor((Date.now() - 5 * DAY) / 60_000) * 60_000;
    const activity = (i: number): StoredActivity => view(new Date(minute + (i % 60_000)), `/crawled/${i}`);
    for (let at = 0; at < pages; at += 500)
      await writer.write(Array.from({ length: 500 }, (_, i) => activity(at + i)));
    expect(await views()).toBe(pages);
    expect(await check()).toEqual(NOTHING);
    expect(await host.activities.erase({ path: '/crawled/*' })).toBe(pages);
    expect(await host.dataSource.getRepository(PathRollup).count()).toBe(0);
    expect(await check()).toEqual(NOTHING);
  });

  it.each(['a,b', '%2C', ',', '%'])('knows a visit whose id is %s', async (visit) => {
    await host.activities.runAs({ session: 's', visit }, () => host.activities.track({ path: '/' }));
    expect(await views()).toBe(1);
    expect((await host.app.get(ActivityStats, { strict: false }).overview(ever)).visits.value).toBe(1);
    expect(await check()).toEqual(NOTHING);
  });

  // One that is frozen in a transaction locks the file of SQLite until it is thawed.
  const signals = database === 'sqlite' ? (['SIGKILL'] as const) : (['SIGKILL', 'SIGSTOP'] as const);
  it.each(signals)('continues after a %s in the middle of a step', async (signal) => {
    expect(await views()).toBe(0);
    const dates = Array.from({ length: 400 }, (_, i) => new Date(Date.now() - (i % 80) * DAY));
    const trackAll = () =>
      Promise.all(dates.map((date, i) => host.activities.track({ path: '/', date, visit: `v${i}` })));
    const sample = await startSample({ DATABASE_URL: host.database.url });
    try {
      const isDirty = async (): Promise<boolean> =>
        sample.process.exitCode === null && (await host.dataSource.getRepository(DirtyRange).count()) > 0;
      const isWorking = async (): Promise<boolean> =>
        (await state().findOneByOrFail({ id: 1 })).leaseHolder !== null;
      let question: Promise<unknown> = Promise.resolve();
      let isSeen = false;
      let rounds = 0;
      // Again if it was done before anybody looked.
      for (; rounds < 10 && !isSeen; rounds++) {
        await trackAll();
        question = fetchAsAda(sample, 'stats/overview?from=1970-01-01&to=2100-01-01').catch(() => {});
        do {
          // SQLite answers within the turn: without this, the question would never be sent.
          await pause(1);
          isSeen = await isWorking();
        } while (!isSeen && (await isDirty()));
      }
      expect(isSeen).toBe(true);
      sample.process.kill(signal);
      // As if the seconds of its lease had passed.
      await state().update({ id: 1 }, { leaseUntil: new Date(0) });
      expect(await views()).toBe(rounds * dates.length);
      // What it still does when it is thawed does no harm.
      sample.process.kill('SIGCONT');
      await question;
      expect(await check()).toEqual(NOTHING);
    } finally {
      await sample.end('SIGKILL');
    }
  });

  it('takes over from an instance that is gone, and lets its late step do no harm', async () => {
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(1);
    await state().update({ id: 1 }, { leaseHolder: 'gone', leaseUntil: new Date(Date.now() + 1500) });
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(2);
    // What the other one would still commit is of an older version.
    const { leaseHolder, version } = await state().findOneByOrFail({ id: 1 });
    expect(leaseHolder).not.toBe('gone');
    const late = await state().update({ id: 1, version: version - 1 }, { version });
    expect(late.affected).toBe(0);
  });

  it('is asked to wait for an instance that is gone for 3 s at most, and for one that works for as long', async () => {
    expect(await views()).toBe(0);
    const lease = new RollupLease(host.dataSource);
    const leaseUntil = async (): Promise<number> =>
      (await state().findOneByOrFail({ id: 1 })).leaseUntil.getTime();
    const turn = await lease.take();
    expect(turn?.isOurs).toBe(true);
    const taken = await leaseUntil();
    expect(taken).toBeGreaterThan(turn?.now ?? 0);
    // Rounded to a millisecond.
    expect(taken - Date.now()).toBeLessThanOrEqual(3001);
    await lease.during(async () => {
      while ((await leaseUntil()) <= taken) await pause(20);
    });
    expect((await state().findOneByOrFail({ id: 1 })).leaseHolder).toBe(lease.holder);
    await lease.release();
    expect((await state().findOneByOrFail({ id: 1 })).leaseHolder).toBeNull();
  });

  it('keeps its lease while questions have all their places', async () => {
    expect(await views()).toBe(0);
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    const questions = Array.from({ length: DEFAULTS.statistics.concurrency }, () =>
      connectionsOf(host.dataSource).ask(() => opened),
    );
    const lease = new RollupLease(host.dataSource);
    const leaseUntil = async (): Promise<number> =>
      (await state().findOneByOrFail({ id: 1 })).leaseUntil.getTime();
    expect((await lease.take())?.isOurs).toBe(true);
    const taken = await leaseUntil();
    await lease.during(async () => {
      while ((await leaseUntil()) <= taken) await pause(20);
    });
    gate.emit('open');
    // None was given up meanwhile.
    await Promise.all(questions);
    await lease.release();
  });

  it('does not wait for a lease that a clock ahead has given', async () => {
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(1);
    await state().update({ id: 1 }, { leaseHolder: 'ahead', leaseUntil: new Date(Date.now() + 365 * DAY) });
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(2);
  });

  it.each([
    ['a second: the others wait for its lease', 1000, false],
    ['an hour: another one takes over', HOUR, true],
  ])('has one instance at work if the clock of the database goes back by %s', async (_, back, isFree) => {
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(1);
    const [first, second] = [new RollupLease(host.dataSource), new RollupLease(host.dataSource)];
    // The instance of the test may still have it from the question.
    while (!(await first.take())?.isOurs) await pause(20);
    // The deadline is further ahead of the clock then.
    const { leaseUntil } = await state().findOneByOrFail({ id: 1 });
    await state().update({ id: 1 }, { leaseUntil: new Date(leaseUntil.getTime() + back) });
    expect((await second.take())?.isOurs).toBe(isFree);
    expect((await first.take())?.isOurs).toBe(!isFree);
    await first.release();
    await second.release();
    await host.activities.track({ path: '/' });
    expect(await views()).toBe(2);
  });

  it('links a visit only with its neighbours if its session has very many', async () => {
    const visits = 1200;
    const start = Date.UTC(2025, 10, 1);
    const visit = (i: number, date = new Date(start + i * 1000)): Promise<void> =>
      host.activities.track({ path: '/', date, session: 'large', visit: `v${i}`, user: { id: 'ada' } });
    for (let at = 0; at < visits; at += 400) {
      await Promise.all(Array.from({ length: 400 }, (_, i) => visit(at + i)));
      expect(await views()).toBe(at + 400);
    }
    // Between two others, before all, after all, and a visit that begins earlier than it did.
    await visit(6001, new Date(start + 800_001));
    await visit(6002, new Date(start - 1));
    await visit(6003, new Date(start + 6_000_000));
    await visit(1100, new Date(start + 1_098_999));
    expect(await views()).toBe(visits + 4);
    await host.activities.erase({ visit: 'v100' });
    expect(await views()).toBe(visits + 3);
    const first = await host.dataSource.getRepository(Visit).findOneByOrFail({ id: 'v0' });
    expect(first.previousSessionVisitAt).toBe(start - 1);
    expect(await check()).toEqual(NOTHING);
  });

  it('does not read a visit of very many activities again for each new one', async () => {
    const activities = LARGE_VISIT + 1;
    const start = Date.now() - 3_600_000;
    const writer = host.app.get(ActivityWriter, { strict: false });
    const stats = host.app.get(ActivityStats, { strict: false });
    const rollup = host.rollup;
    const stored = async () =>
      (await host.dataSource.getRepository(Visit).findOneByOrFail({ id: 'large' })).activities;
    for (let at = 0; at < activities; at += 500) {
      const count = Math.min(500, activities - at);
      await writer.write(
        Array.from({ length: count }, (_, i) => view(new Date(start + at + i), '/', 'large')),
      );
    }
    expect(await views()).toBe(activities);
    expect(await stored()).toBe(activities);
    expect((await state().findOneByOrFail({ id: 1 })).largeFrom.getTime()).toBeGreaterThan(start);

    // It goes on, out of order too, in the same transactions as other visits.
    const queries = jest.spyOn(host.dataSource.logger, 'logQuery');
    for (let i = 1; i <= 3; i++) {
      const date = new Date(i === 2 ? start : Date.now());
      await state().update({ id: 1 }, { largeFrom: new Date(Date.now() + 50_000) });
      await writer.write([view(date, '/late', 'large'), view(date, '/', `other${i}`)]);
      const acknowledged = Date.now();
      const { asOf, ...found } = await stats.overview(ever);
      expect(found).toMatchObject({ views: { value: activities + 2 * i }, visits: { value: 1 + i } });
      expect(Date.parse(asOf)).toBeLessThanOrEqual(acknowledged);
    }
    expect(await stored()).toBe(activities);
    const read = queries.mock.calls.flatMap(([sql, parameters]) =>
      /^SELECT.*djaffar_activity/s.test(sql) && parameters?.includes('large') ? sql : [],
    );
    expect(read).toEqual([]);
    queries.mockRestore();

    // What is erased is gone at once.
    expect(await host.activities.erase({ visit: 'large', path: '/late' })).toBe(3);
    expect(await stored()).toBe(activities);
    await writer.write([view(new Date(), '/late', 'large')]);
    // As if a clock had been ahead.
    await state().update({ id: 1 }, { largeFrom: new Date(Date.now() + 365 * DAY) });
    // The question does not wait for it, but begins it, as nothing else would.
    await stats.overview(ever);
    while ((await stored()) < activities + 1) await pause(20);
    await rollup.recomputeDeferred();
    const before = Date.now();
    expect(Date.parse((await stats.overview(ever)).asOf)).toBeGreaterThanOrEqual(before - 1);

    // A step that fails is not tried again at once.
    expect(await check()).toEqual(NOTHING);
    if (database !== 'sqlite') return;
    const isBroken = `NEW.id = 'large' BEGIN SELECT RAISE(ABORT, 'broken'); END`;
    await host.dataSource.query(`CREATE TRIGGER broken BEFORE INSERT ON djaffar_visit WHEN ${isBroken}`);
    await host.dataSource.query(`CREATE TRIGGER broken_too BEFORE UPDATE ON djaffar_visit WHEN ${isBroken}`);
    await writer.write([view(new Date(), '/late', 'large')]);
    await state().update({ id: 1 }, { largeFrom: new Date(Date.now() + 50_000) });
    await stats.overview(ever);
    await rollup.recomputeDeferred();
    await state().update({ id: 1 }, { largeFrom: new Date(0) });
    const begun = Date.now();
    await rollup.recomputeDeferred();
    expect(await stored()).toBe(activities + 1);
    expect((await state().findOneByOrFail({ id: 1 })).largeFrom.getTime()).toBeGreaterThan(begun + 59_000);
    await host.dataSource.query('DROP TRIGGER broken');
    await host.dataSource.query('DROP TRIGGER broken_too');

    // The rest counts from the end of a step, here one of 70 s.
    await state().update({ id: 1 }, { largeFrom: new Date(0) });
    const end = Date.now() + 70_000;
    const now = monotonicClock.now.bind(monotonicClock);
    let ahead = 0;
    const clock = jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + ahead);
    const log = jest.spyOn(host.dataSource.logger, 'logQuery').mockImplementation((sql, parameters) => {
      if (/^SELECT.*djaffar_activity/s.test(sql) && parameters?.includes('large')) ahead = 70_000;
    });
    // What has just failed is left alone for a second.
    for (; (await stored()) < activities + 2; await pause(20)) await rollup.recomputeDeferred();
    log.mockRestore();
    clock.mockRestore();
    expect((await state().findOneByOrFail({ id: 1 })).largeFrom.getTime()).toBeGreaterThanOrEqual(
      end + 60_000,
    );
    expect(await check()).toEqual(NOTHING);
  });
});

it('an erasure that cannot end its lease has erased all the same, and the log says why', async () => {
  const lines: string[] = [];
  const log = (line: unknown): void => void lines.push(String(line));
  const host = await startHost({
    adapter: 'fastify',
    application: { logger: { log, warn: log, error: log } },
    djaffar: { statistics: { maxWait: 240_000, background: false } },
  });
  const views = async () => (await host.app.get(ActivityStats, { strict: false }).overview(ever)).views.value;
  await host.activities.track({ path: '/' });
  expect(await views()).toBe(1);
  await host.dataSource.query(
    `CREATE TRIGGER kept BEFORE UPDATE ON djaffar_rollup_state WHEN NEW.leaseHolder IS NULL
     BEGIN SELECT RAISE(ABORT, 'the lease is kept'); END`,
  );
  expect(await host.activities.erase({ path: '/' })).toBe(1);
  expect(lines).toContainEqual(
    expect.stringMatching(/^the statistics cannot be brought up to date: .*the lease is kept/),
  );
  expect(await views()).toBe(0);
  await host.close();
});
