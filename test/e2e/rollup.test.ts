import { type ColumnType, DataSource } from 'typeorm';
import { Activity, ActivityStats, type Store } from '../../lib/index.js';
import { STORE } from '../../lib/options/settings.js';
import { cancellation } from '../../lib/store/cancellation.js';
import { BucketCounts } from '../../lib/store/typeorm/statistics/rollup/bucket-counts.js';
import { RollupLease } from '../../lib/store/typeorm/statistics/rollup/rollup-lease.js';
import { Visit } from '../../lib/store/typeorm/statistics/rollup/tables/visit.entity.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const ever = { from: '1970-01-01T00:00Z', to: '2100-01-01T00:00Z' };

function anotherValue(value: unknown, type: ColumnType): unknown {
  if (value instanceof Date) return new Date(value.getTime() + 1);
  if (typeof value === 'boolean') return !value;
  if (type === 'bigint' || type === 'int') return Number(value) + 1;
  return value === 'x' ? 'y' : 'x';
}

describe.each(FOUND)('the rollup on %s', (database) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ adapter: 'fastify', database });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await host.close();
  });

  const statsOf = ({ app }: Host): ActivityStats => app.get(ActivityStats, { strict: false });

  const viewsIn = async (asked: Host, range: { from: Date | string; to: Date | string } = ever) =>
    (await statsOf(asked).overview(range)).views.value;

  const state = () => host.dataSource.getRepository(RollupState).findOneByOrFail({ id: 1 });

  /** Tracks without a pause until the work is done; resolves with how often. */
  async function during(work: Promise<unknown>): Promise<number> {
    let tracked = 0;
    const done = new AbortController();
    const client = async (): Promise<void> => {
      while (!done.signal.aborted) {
        // Each in a minute of its own, so that there is always a dirty range.
        const date = new Date(Date.UTC(2025, 10, 1) + 60_000 * (tracked += 1));
        await host.activities.track({ path: '/', date });
      }
    };
    await Promise.all([work.finally(() => done.abort()), client(), client()]);
    return tracked;
  }

  it('answers while activities arrive without an end', async () => {
    await host.activities.track({ path: '/' });
    const answers = (async () => {
      const views: (number | null)[] = [];
      for (let i = 0; i < 5; i++) views.push(await viewsIn(host));
      return views;
    })();
    const tracked = await during(answers);
    const views = await answers;
    expect(views).toEqual(views.toSorted((a, b) => Number(a) - Number(b)));
    expect(await viewsIn(host)).toBe(tracked + 1);
  });

  it('does its steps for all questions: none of them cancels one', async () => {
    const signals = new Set<AbortSignal | undefined>();
    jest.spyOn(RollupLease.prototype, 'during').mockImplementation((work) => {
      signals.add(cancellation());
      return work();
    });
    await host.activities.track({ path: '/' });
    expect(await viewsIn(host)).toBe(1);
    expect(signals).toEqual(new Set([undefined]));
  });

  it('leaves nothing of pages that are erased, although it takes several steps', async () => {
    const start = Date.UTC(2025, 10, 1);
    // More than a step takes.
    const days = Array.from({ length: 150 }, (_, i) => new Date(start + i * DAY));
    await Promise.all(
      days.flatMap((date) =>
        ['/a', '/b', '/c'].map((path) => host.activities.track({ path, date, name: 'view' })),
      ),
    );
    expect(await viewsIn(host)).toBe(450);
    const other = await startHost({ adapter: 'fastify', database: host.database });
    try {
      expect(await other.activities.erase({ from: new Date(start) })).toBe(450);
      expect(await other.app.get<Store>(STORE, { strict: false }).check()).toEqual({
        visits: 0,
        sums: 0,
        pages: 0,
      });
    } finally {
      await other.close();
    }
  });

  it('check notices a visit that differs in any column, is missing, or should not be there', async () => {
    for (const path of ['/a', '/b'])
      await host.activities.track({ path, session: 's', visit: 'v', date: '2026-11-02T12:00Z' });
    const visits = host.dataSource.getRepository(Visit);
    const wrongVisits = async (): Promise<number> => (await host.rollup.check()).visits;
    expect(await wrongVisits()).toBe(0);
    const right = await visits.findOneByOrFail({ id: 'v' });
    const unnoticed: string[] = [];
    for (const { propertyName, type } of visits.metadata.nonVirtualColumns) {
      if (propertyName === 'id') continue;
      const value: unknown = Reflect.get(right, propertyName);
      await visits.update({ id: 'v' }, { [propertyName]: anotherValue(value, type) });
      if ((await wrongVisits()) !== 1) unnoticed.push(propertyName);
      await visits.save(right);
    }
    expect(unnoticed).toEqual([]);
    expect(await wrongVisits()).toBe(0);
    await visits.save({ ...right, id: 'w' });
    expect(await wrongVisits()).toBe(1);
    await visits.delete({ id: 'v' });
    expect(await wrongVisits()).toBe(2);
    await host.rollup.rebuild();
    expect(await wrongVisits()).toBe(0);
  });

  it('lets several instances share the work', async () => {
    const others = await Promise.all(
      [1, 2].map(() => startHost({ adapter: 'fastify', database: host.database })),
    );
    try {
      const asked = [host, ...others].map(async (each) => {
        for (let i = 0; i < 5; i++) await viewsIn(each);
      });
      const tracked = await during(Promise.all(asked));
      expect(await Promise.all([host, ...others].map((each) => viewsIn(each)))).toEqual(
        [host, ...others].map(() => tracked),
      );
    } finally {
      for (const other of others) await other.close();
    }
  });

  it('waits no longer than maxWait, then answers from what is there', async () => {
    const hasty = await startHost({
      adapter: 'fastify',
      database: host.database,
      djaffar: { statistics: { maxWait: 0 } },
    });
    try {
      await host.activities.track({ path: '/' });
      expect(await viewsIn(host)).toBe(1);
      // Another instance is frozen in the middle of a step.
      const lease = host.dataSource.getRepository(RollupState);
      await lease.update({ id: 1 }, { leaseHolder: 'frozen', leaseUntil: new Date(Date.now() + 15_000) });
      await host.activities.track({ path: '/' });
      const acknowledged = Date.now();
      const { views, asOf } = await statsOf(hasty).overview(ever);
      expect(views.value).toBe(1);
      expect(Date.parse(asOf)).toBeLessThanOrEqual(acknowledged);
      await lease.update({ id: 1 }, { leaseUntil: new Date(0) });
      const later = await statsOf(host).overview(ever);
      expect(later.views.value).toBe(2);
      expect(Date.parse(later.asOf)).toBeGreaterThanOrEqual(acknowledged);
    } finally {
      await hasty.close();
    }
  });

  it('does not step through days without anything', async () => {
    await host.activities.track({ path: '/', date: new Date(0) });
    await host.activities.track({ path: '/', date: '2025-11-01T10:00Z' });
    await host.activities.track({ path: '/' });
    expect(await viewsIn(host)).toBe(3);
    const { version } = await state();
    expect(version).toBeLessThanOrEqual(10);
    // As after a year without a question.
    await host.dataSource.getRepository(RollupState).update({ id: 1 }, { compactedUntil: new Date(DAY) });
    await host.rollup.rebuild();
    expect((await state()).version - version).toBeLessThanOrEqual(10);
    expect((await state()).compactedUntil.getTime()).toBeGreaterThan(DAY);
    expect(await host.rollup.check()).toEqual({
      visits: 0,
      sums: 0,
      pages: 0,
    });
  });

  it('does not take fewer ranges because the bucket that they share is large', async () => {
    let counting = 0;
    const now = monotonicClock.now.bind(monotonicClock);
    jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + counting);
    const nameChanges = Reflect.get(BucketCounts.prototype, 'nameChanges');
    jest.spyOn(BucketCounts.prototype, 'nameChanges').mockImplementation(function (
      this: BucketCounts,
      ranges,
    ) {
      counting += 600;
      return nameChanges.call(this, ranges);
    });
    for (let i = 0; i < 300; i++) {
      const visit = `v${i}`;
      await host.activities.track({ path: '/', date: '2025-11-01T10:00Z', session: visit, visit });
    }
    expect(await viewsIn(host)).toBe(300);
    // On a busy machine the visits alone can make steps smaller.
    expect((await state()).version).toBeLessThan(60);
  });

  it('bounds a visit of many years, and forgets at a rebuild how long it was', async () => {
    const track = (date: string, visit: string, path = '/'): Promise<void> =>
      host.activities.track({ date, visit, path, session: visit, name: 'bought', user: { id: visit } });
    await track('1970-01-01T00:00Z', 'forged');
    await track('2025-11-10T10:00Z', 'forged', '/late');
    // As SQL of the host may do; server code and imports cannot.
    await host.dataSource.getRepository(Activity).update({ path: '/late' }, { visitId: 'forged' });
    await track('2025-11-10T09:00Z', 'real');
    await track('2025-11-10T09:30Z', 'real');
    const stats = statsOf(host);
    const day = { from: '2025-11-10T00:00Z', to: '2025-11-11T00:00Z' };
    expect(await stats.overview(ever)).toMatchObject({
      visits: { value: 2 },
      visitDuration: { value: 44_100 },
    });
    // As a filter of visits, and as one of activities.
    expect(await stats.overview({ ...day, user: 'forged' })).toMatchObject({ activities: { value: 1 } });
    expect(await stats.overview({ ...day, entry: '/' })).toMatchObject({ activities: { value: 3 } });
    expect((await stats.top('path', { ...day, entry: '/', measure: 'visits' })).items).toEqual([
      { value: '/', count: 1 },
      { value: '/late', count: 1 },
    ]);
    expect((await state()).maxVisitDuration).toBe(30 * 60_000);
    await host.activities.erase({ visit: 'forged' });
    const rollup = host.rollup;
    await rollup.rebuild();
    expect(await state()).toMatchObject({ maxVisitDuration: 30 * 60_000, maxMixedDuration: 0 });
    expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });

  it('puts days together in quarters of an hour again that a clock ahead took for past', async () => {
    const now = Date.now();
    const dates = [now - 30 * HOUR, now - 4 * HOUR, now - 2 * HOUR];
    for (const date of dates) await host.activities.track({ path: '/', date: new Date(date) });
    await viewsIn(host);
    const rollup = host.rollup;
    // The clock of the database was ahead for a moment.
    await host.dataSource
      .getRepository(RollupState)
      .update({ id: 1 }, { compactedUntil: new Date(now - (now % DAY) + 365 * DAY) });
    await host.activities.track({ path: '/', date: new Date(now - 2 * HOUR), name: 'bought' });
    await viewsIn(host);
    const range = { from: new Date(now - 4 * HOUR - 1), to: new Date(now + 1) };
    expect((await statsOf(host).top('path', range)).items).toEqual([{ value: '/', count: 2 }]);
    await rollup.rebuild();
    expect((await state()).compactedUntil.getTime()).toBeLessThanOrEqual(now - DAY);
    expect((await statsOf(host).top('path', range)).items).toEqual([{ value: '/', count: 2 }]);
    expect(await host.rollup.check()).toEqual({
      visits: 0,
      sums: 0,
      pages: 0,
    });
  });
});

(FOUND.includes('postgres') ? describe : describe.skip)('statistics on a PostgreSQL that', () => {
  const ask = (host: Host): Promise<Response> =>
    host.fetch('/djaffar/stats/overview?from=1970-01-01T00:00Z&to=2100-01-01T00:00Z');
  const djaffar = {
    api: { guards: [{ canActivate: () => true }] },
    // The statistics are what the latest question has made of them.
    statistics: { background: false, maxWait: 240_000, timeout: 240_000 },
  };
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ adapter: 'express', database: 'postgres', djaffar });
  });

  afterEach(() => host.close());

  it('is read-only are answered from what is kept, or 503', async () => {
    const { database } = host;
    const readOnly = await startHost({
      adapter: 'fastify',
      database: {
        ...database,
        options: { ...database.options, extra: { options: '-c default_transaction_read_only=on' } },
      },
      djaffar,
    });
    try {
      await host.activities.track({ path: '/' });
      const refused = await ask(readOnly);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await refused.json()).toMatchObject({
        message: 'the database does not answer: the statistics were never computed',
      });
      expect((await ask(host)).status).toBe(200);
      await host.activities.track({ path: '/' });
      expect(await (await ask(readOnly)).json()).toMatchObject({ views: { value: 1 } });
      expect(await (await ask(host)).json()).toMatchObject({ views: { value: 2 } });
    } finally {
      await readOnly.close();
    }
  });

  it('is read-only are answered without a cache of days, which is only logged', async () => {
    const date = new Date(Date.now() - 3 * DAY);
    await host.activities.track({ path: '/', date, visit: 'visit' });
    expect((await ask(host)).status).toBe(200);
    const lines: string[] = [];
    const log = (line: unknown): void => void lines.push(String(line));
    const { database } = host;
    const readOnly = await startHost({
      adapter: 'fastify',
      database: {
        ...database,
        options: { ...database.options, extra: { options: '-c default_transaction_read_only=on' } },
      },
      djaffar,
      application: { logger: { log, warn: log, error: log } },
    });
    const stats = readOnly.app.get(ActivityStats, { strict: false });
    for (const limit of [1, 2])
      expect((await stats.top('browser', { ...ever, limit })).items).toEqual([{ value: null, count: 1 }]);
    await readOnly.close();
    expect(lines.filter((line) => /cannot be (read|cached|brought)/.test(line))).toEqual([
      expect.stringMatching(/^counts of past days cannot be cached: .*cannot execute UPDATE/),
    ]);
  });

  it('ends the connection are 503, and answered when asked again', async () => {
    await host.activities.track({ path: '/' });
    expect((await ask(host)).status).toBe(200);
    const other = await new DataSource(host.database.options).initialize();
    try {
      const lock = other.createQueryRunner();
      await lock.startTransaction();
      await lock.query('LOCK TABLE djaffar_visit');
      const asked = ask(host);
      const ended =
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()';
      await until(
        async () => (await other.query<unknown[]>(`${ended} AND wait_event_type = 'Lock'`)).length > 0,
      );
      const answer = await asked;
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        message: expect.stringMatching(/^the database does not answer: (terminating|it has ended)/),
      });
      await lock.rollbackTransaction();
      await lock.release();
      expect((await ask(host)).status).toBe(200);
    } finally {
      await other.destroy();
    }
  });
});

describe('the rollup of days of which the newest cannot be computed', () => {
  it('computes the others, and these once they can be', async () => {
    const host = await startHost({ adapter: 'fastify', djaffar: { statistics: { background: false } } });
    try {
      const [oldest = 0, ...others] = [1, 2, 3].map((day) => Date.UTC(2025, 10, day, 12));
      for (const date of [oldest, ...others])
        await host.activities.track({ path: '/', date: new Date(date), session: 's', visit: `v${date}` });
      await host.dataSource.query(
        `CREATE TRIGGER broken BEFORE INSERT ON djaffar_visit WHEN NEW."startedAt" > ${oldest} BEGIN SELECT RAISE(ABORT, 'broken'); END`,
      );
      const rollup = host.rollup;
      const computed = async (): Promise<number[]> => {
        const visits = await host.dataSource.getRepository(Visit).find({ order: { startedAt: 'ASC' } });
        return visits.map(({ startedAt }) => startedAt.getTime());
      };
      // After three failures in a row it stops: it may not be because of the days.
      await expect(rollup.run()).resolves.toBe(false);
      await expect(rollup.run()).resolves.toBe(false);
      expect(await computed()).toEqual([oldest]);
      await host.dataSource.query('DROP TRIGGER broken');
      while (!(await rollup.run()));
      expect(await computed()).toEqual([oldest, ...others]);
    } finally {
      await host.close();
    }
  });
});
