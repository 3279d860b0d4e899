import { setTimeout as wait } from 'node:timers/promises';
import {
  type Activity,
  ActivityStats,
  type DjaffarOptions,
  InvalidFilterError,
  type StatisticsFilter,
} from '../../lib/index.js';
import { Logger } from '@nestjs/common';
import { RetentionService } from '../../lib/privacy/retention.service.js';
import { planRetention } from '../../lib/privacy/retention-plan.js';
import { STORE } from '../../lib/options/settings.js';
import type { Store } from '../../lib/store/store.js';
import type { RetentionResult } from '../../lib/store/erasure.types.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { dumpOf, FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 27, 13);
const EVER: StatisticsFilter = { from: '2026-01-01T00:00Z', to: '2026-11-28T00:00Z' };
type Policy = NonNullable<DjaffarOptions['retention']>;

const daysAgo = (days: number, hour = 12): Date =>
  new Date(Math.floor(NOW / DAY) * DAY - days * DAY + hour * 3_600_000);
const immediately = (): Promise<void> => Promise.resolve();

describe.each(FOUND)('retention on %s', (database) => {
  let host: Host;
  let stats: ActivityStats;
  let store: Store;

  beforeEach(async () => {
    host = await startHost({ adapter: 'express', database });
    stats = host.app.get(ActivityStats, { strict: false });
    store = host.app.get<Store>(STORE, { strict: false });
  });

  afterEach(() => host.close());

  /** A visit of two views by a user of a session, `days` ago, and an `engagement`. */
  async function visit(days: number, who: string): Promise<void> {
    const date = daysAgo(days);
    const common = {
      user: { id: who, name: `Name of ${who}` },
      session: `s-${who}`,
      visit: `v-${who}-${days}`,
      ip: '192.0.2.1',
    };
    for (const [i, activity] of [
      { path: `/landing?utm_source=news`, properties: { phone: '123', plan: 'pro' } },
      { path: '/next' },
      { path: '/next', name: 'engagement', properties: { duration: 1000 } },
    ].entries())
      await host.activities.track({ ...common, ...activity, date: new Date(+date + i * 60_000) });
  }

  const retain = (policy: Policy): Promise<RetentionResult | undefined> =>
    store.retain(planRetention(policy, NOW), immediately);
  const kept = async (): Promise<Activity[]> => host.stored();
  const readAll = async (question: StatisticsFilter = EVER): Promise<unknown[]> => [
    await stats.overview(question),
    await stats.series('activities', 'day', question),
    await stats.series('sessions', 'month', question),
    await stats.series('users', 'week', question),
    ...(await Promise.all(
      (['path', 'name', 'entry', 'exit', 'referrer', 'utmSource', 'browser'] as const).map((dimension) =>
        stats.top(dimension, question),
      ),
    )),
  ];
  const withoutMoments = (answers: unknown[]): unknown =>
    JSON.parse(
      JSON.stringify(answers, (key, value: unknown) =>
        key === 'asOf' || key === 'frozenUntil' ? undefined : value,
      ),
    );

  it('erases what is too old, and says before how much that is', async () => {
    for (const days of [100, 91, 90, 1]) await visit(days, 'jeff');
    const policy: Policy = { keep: '90 days' };
    expect(await store.previewRetention(planRetention(policy, NOW))).toEqual({ erased: 6, anonymised: 0 });
    expect(await kept()).toHaveLength(12);
    expect(await retain(policy)).toEqual({ erased: 6, anonymised: 0 });
    expect((await kept()).every(({ date }) => date >= daysAgo(90, 0))).toBe(true);
    expect(await kept()).toHaveLength(6);
    expect(await stats.overview(EVER)).toMatchObject({ visits: { value: 2 }, views: { value: 4 } });
    expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    expect(await retain(policy)).toEqual({ erased: 0, anonymised: 0 });
  });

  it('keeps some names for less time', async () => {
    for (const days of [100, 10]) await visit(days, 'jeff');
    expect(await retain({ keep: '1 year', names: { engagement: '30 days' } })).toEqual({
      erased: 1,
      anonymised: 0,
    });
    expect((await kept()).filter(({ name }) => name === 'engagement')).toHaveLength(1);
    expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });

  it('anonymises once, and keeps what was done', async () => {
    for (const days of [100, 10]) await visit(days, 'jeff');
    const policy: Policy = { anonymiseAfter: '3 months', anonymiseProperties: ['phone'] };
    const { visits, views } = await stats.overview(EVER);
    expect(await store.previewRetention(planRetention(policy, NOW))).toEqual({ erased: 0, anonymised: 3 });
    expect(await retain(policy)).toEqual({ erased: 0, anonymised: 3 });
    expect(await kept()).toMatchObject([
      { userId: null, userName: null, session: null, ipAddress: null, properties: { plan: 'pro' } },
      { userId: null },
      { userId: null },
      { userId: 'jeff', properties: { phone: '123', plan: 'pro' } },
      { userId: 'jeff' },
      { userId: 'jeff' },
    ]);
    expect(await stats.overview(EVER)).toMatchObject({ visits, views });
    expect(await retain(policy)).toEqual({ erased: 0, anonymised: 0 });
    expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });

  it('removes what two anonymisations at once are told to, also if the properties were stored by SQL', async () => {
    const keys = ['phone', 'street', 'city'];
    const properties = { plan: 'pro', phone: '1', street: '2', city: '3' };
    for (let i = 0; i < 40; i++) await host.activities.track({ path: '/', properties, date: daysAgo(1) });
    const { driver } = host.dataSource;
    await host.dataSource.query(
      `UPDATE djaffar_activity SET properties = ' { "phone" : "1", "plan": "pro" , "street":"2"}' WHERE ${driver.escape('date')} = ${+daysAgo(1)}`,
    );
    await host.activities.track({ path: '/', properties, date: daysAgo(1) });
    await Promise.all(keys.map((key) => host.activities.anonymise({ path: '/' }, { properties: [key] })));
    expect(new Set((await kept()).map((activity) => JSON.stringify(activity.properties)))).toEqual(
      new Set(['{"plan":"pro"}']),
    );
  });

  describe('with figures: keep', () => {
    const policy: Policy = { keep: '90 days', figures: 'keep' };

    beforeEach(async () => {
      for (const [days, who] of [
        [120, 'jeff'],
        [100, 'jeff'],
        [100, 'ada'],
        [91, 'ada'],
        [50, 'jeff'],
        [50, 'new'],
      ] as const)
        await visit(days, who);
      await host.activities.track({ path: '/nobody', date: daysAgo(99) });
    });

    it('the counts of erased days are exactly those of before, and marked', async () => {
      const before = await readAll();
      const past = { from: '2026-08-01', to: '2026-08-25' };
      const beforeInPast = await readAll(past);
      expect(await retain(policy)).toEqual({ erased: 13, anonymised: 0 });
      expect(await kept()).toHaveLength(6);
      const after = await readAll();
      expect(withoutMoments(after)).toEqual(withoutMoments(before));
      for (const answer of after) expect(answer).toMatchObject({ frozenUntil: daysAgo(90, 0).toISOString() });
      expect(withoutMoments(await readAll(past))).toEqual(withoutMoments(beforeInPast));
      expect(await stats.overview({ from: daysAgo(60) })).not.toHaveProperty('frozenUntil');
      expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('keep nothing that says who it was', async () => {
      await readAll();
      await stats.top('user', EVER);
      await stats.top('property', { ...EVER, property: 'phone' });
      await retain(policy);
      const dump = await dumpOf(host.dataSource);
      for (const trace of ['ada', 's-ada']) expect(dump).not.toContain(`"${trace}"`);
      expect(dump).not.toContain('Name of ada');
      expect(await stats.top('user', { from: daysAgo(80) })).toMatchObject({
        items: [{ value: 'jeff' }, { value: 'new' }],
      });
    });

    it('refuses what only the activities could answer', async () => {
      await retain(policy);
      const refused: (() => Promise<unknown>)[] = [
        () => stats.overview({ ...EVER, path: '/next' }),
        () => stats.overview({ ...EVER, from: '2026-08-01T00:01Z' }),
        () => stats.top('user', EVER),
        () => stats.top('path', { ...EVER, measure: 'visits' }),
        () => stats.top('path', { ...EVER, from: '2026-08-01T06:00Z' }),
        () => stats.top('browser', { ...EVER, measure: 'sessions' }),
        () => stats.top('property', { ...EVER, property: 'plan' }),
        () => stats.funnel([{ path: '/next' }], EVER),
        () => stats.retention(EVER),
        () => stats.journeys(EVER),
        () => stats.visits(EVER),
      ];
      for (const ask of refused) await expect(ask()).rejects.toThrow(InvalidFilterError);
      await expect(stats.visits(EVER)).rejects.toThrow('from must not be before 2026-08-29T00:00:00.000Z');
      const recent = { ...EVER, from: '2026-08-29' };
      expect(await stats.visits(recent)).toMatchObject({ items: [{}, {}] });
      expect(await stats.retention(recent)).toMatchObject({ by: 'user' });
    });

    it('survive a rebuild, late activities, an erasure and the next run', async () => {
      const before = await readAll();
      await retain(policy);
      await store.rebuild();
      expect(withoutMoments(await readAll())).toEqual(withoutMoments(before));
      await visit(100, 'late');
      await visit(50, 'late');
      await host.activities.erase({ user: 'late' });
      expect(withoutMoments(await readAll())).toEqual(withoutMoments(before));
      await visit(110, 'later');
      expect(withoutMoments(await readAll())).toEqual(withoutMoments(before));
      expect(await retain(policy)).toEqual({ erased: 3, anonymised: 0 });
      expect(withoutMoments(await readAll())).toEqual(withoutMoments(before));
      expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      // A visitor whose frozen visit only the next one remembers.
      await host.activities.erase({ visit: 'v-jeff-50' });
      expect(await stats.overview(EVER)).toMatchObject({ users: { value: 3 }, visits: { value: 5 } });
    });

    it('go on to be frozen day by day', async () => {
      const before = await readAll();
      for (let day = 0; day <= 30; day += 10)
        await store.retain(planRetention(policy, NOW - (30 - day) * DAY), immediately);
      expect(withoutMoments(await readAll())).toEqual(withoutMoments(before));
    });
  });

  it('freezes all days that are old enough, also if nothing runs in the background', async () => {
    await host.close();
    host = await startHost({
      adapter: 'express',
      database,
      djaffar: { statistics: { background: false } },
    });
    store = host.app.get<Store>(STORE, { strict: false });
    stats = host.app.get(ActivityStats, { strict: false });
    for (const days of [100, 50, 10]) await visit(days, 'jeff');
    await stats.overview(EVER);
    // It was installed 95 days ago, and nothing has counted paths by days since.
    const state = host.dataSource.getRepository(RollupState);
    await state.update({ id: 1 }, { compactedUntil: daysAgo(95, 0) });
    expect(await retain({ keep: '30 days', figures: 'keep' })).toEqual({ erased: 6, anonymised: 0 });
    expect((await kept()).filter(({ date }) => date < daysAgo(30, 0))).toEqual([]);
    expect(await kept()).toHaveLength(3);
  });

  it('resumes an interrupted run', async () => {
    for (const who of ['a', 'b', 'c']) await visit(100, who);
    const plan = planRetention({ keep: '90 days' }, NOW);
    await expect(store.retain(plan, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    const left = await store.previewRetention(plan);
    const result = await store.retain(plan, immediately);
    expect(result).toEqual(left);
    expect(await kept()).toEqual([]);
  });

  it('is done by one of several instances', async () => {
    for (const who of ['a', 'b']) await visit(100, who);
    const other = await startHost({ adapter: 'express', database: host.database });
    try {
      const plan = planRetention({ keep: '90 days' }, NOW);
      const others = other.app.get<Store>(STORE, { strict: false });
      const seen: unknown[] = [];
      await store.retain(plan, async () => {
        seen.push(await others.retain(plan, immediately));
      });
      expect(seen.length).toBeGreaterThan(0);
      expect(seen.every((result) => result === undefined)).toBe(true);
      expect(await others.retain(plan, immediately)).toEqual({ erased: 0, anonymised: 0 });
    } finally {
      await other.close();
    }
  });

  it('is applied once a day by the app, which logs how much it was', async () => {
    const app = await startHost({
      adapter: 'express',
      database: host.database,
      djaffar: { retention: { keep: '1 year' } },
    });
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation();
    try {
      const service = app.app.get(RetentionService, { strict: false });
      await host.activities.track({ path: '/old', date: '2020-01-01T00:00Z' });
      await service.runIfDue();
      expect(await kept()).toEqual([]);
      await host.activities.track({ path: '/old', date: '2020-01-01T00:00Z' });
      await service.runIfDue();
      expect(await kept()).toHaveLength(1);
      expect(log.mock.calls).toEqual([['retention: 1 activities erased, 0 anonymised']]);
    } finally {
      log.mockRestore();
      await app.close();
    }
  });

  it('does not keep anybody waiting who tracks', async () => {
    for (let i = 0; i < 20; i++) await visit(100, `old-${i}`);
    const running = store.retain(planRetention({ keep: '90 days' }, NOW), () => wait(5));
    for (let i = 0; i < 20; i++)
      expect((await host.post({ date: new Date().toISOString(), path: `/${i}` })).status).toBe(204);
    expect(await running).toEqual({ erased: 60, anonymised: 0 });
    expect(await kept()).toHaveLength(20);
  });
});
