import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { Activity, ActivityStats, djaffarEntities } from '../../lib/index.js';
import { uuidv7 } from '../../lib/activity/random.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

const DAY = 86_400_000;
const MINUTE = 60_000;

/** An activity, and between which moments it was committed. */
interface Committed {
  date: number;
  visit: string;
  sent: number;
  acknowledged: number;
}

interface Range {
  from: Date;
  to: Date;
}

/** Recent ones, late ones, and those of hostile clients. */
const aDate = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }).map((ago) => Date.now() - ago * MINUTE) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 400 }).map((ago) => Date.now() - ago * DAY) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 1, Date.UTC(1999, 11, 31, 23, 59, 59, 999), Date.now() + DAY / 2),
  },
);

const aRange: fc.Arbitrary<Range> = fc
  .oneof(
    fc.constant([500 * DAY, -DAY] as const),
    fc.constant([Date.now(), -DAY] as const),
    fc
      .tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 30 }))
      .map(([ago, days]) => [ago * DAY, (ago - days) * DAY] as const),
    fc.constant([30 * MINUTE, -MINUTE] as const),
  )
  .map(([from, to]) => ({ from: new Date(Date.now() - from), to: new Date(Date.now() - to) }));

const aRound = fc.record({
  written: fc.array(fc.array(aDate, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
  asked: fc.array(fc.tuple(aRange, fc.boolean()), { minLength: 1, maxLength: 6 }),
});

describe.each(FOUND)('asOf on %s', (database) => {
  let patient: Host;
  let hasty: Host;

  beforeAll(async () => {
    patient = await startHost({ adapter: 'fastify', database });
    // It answers from what is there, which another instance may have left half done.
    hasty = await startHost({
      adapter: 'fastify',
      database: patient.database,
      djaffar: { statistics: { maxWait: 1 } },
    });
    // The hasty one cannot answer before anything was computed.
    await statsOf(patient).overview();
  });

  afterAll(async () => {
    await hasty.close();
    await patient.close();
  });

  const statsOf = ({ app }: Host): ActivityStats => app.get(ActivityStats, { strict: false });

  it('is true while two instances write and answer', async () => {
    const all: Committed[] = [];
    let answers = 0;
    let late = 0;

    async function write(host: Host, dates: number[]): Promise<void> {
      for (const date of dates) {
        const visit = uuidv7().replaceAll('-', '').slice(-16);
        const committed = { date, visit, sent: Date.now(), acknowledged: Number.POSITIVE_INFINITY };
        all.push(committed);
        await host.activities.track({ path: '/', date: new Date(date), visit, session: visit });
        committed.acknowledged = Date.now();
      }
    }

    async function ask(host: Host, { from, to }: Range): Promise<void> {
      const { asOf, activities, views, visits, sessions } = await statsOf(host).overview({ from, to });
      const answered = Date.now();
      const inRange = all.filter(({ date }) => date >= +from && date < +to);
      const least = inRange.filter(({ acknowledged }) => acknowledged < Date.parse(asOf)).length;
      const most = inRange.filter(({ sent }) => sent <= answered).length;
      // Each activity is a visit and a session.
      for (const { value } of [activities, views, visits, sessions]) {
        expect(value).toBeGreaterThanOrEqual(least);
        expect(value).toBeLessThanOrEqual(most);
      }
      answers += 1;
      if (least < most) late += 1;
    }

    await fc.assert(
      fc.asyncProperty(aRound, async ({ written, asked }) => {
        const hosts = [patient, hasty];
        const asking = asked.map(async ([range, isHasty]) => ask(isHasty ? hasty : patient, range));
        await Promise.all([
          ...written.map((dates, i) => write(hosts[i % 2] ?? patient, dates)),
          ...asking,
          ...asked.map(([range]) => ask(hasty, range)),
        ]);
      }),
      runs(25),
    );
    expect(answers).toBeGreaterThan(late);
    // When nobody writes, it is now, and the answer has everything.
    const before = Date.now();
    const answer = await statsOf(patient).overview({ from: new Date(0), to: new Date(Date.now() + 2 * DAY) });
    expect(Date.parse(answer.asOf)).toBeGreaterThanOrEqual(before - 1);
    expect(answer.activities.value).toBe(all.length);
    expect(await patient.rollup.check()).toEqual({
      visits: 0,
      sums: 0,
      pages: 0,
    });
  });

  it('does not wait for what a question is not about', async () => {
    const lease = patient.dataSource.getRepository(RollupState);
    await lease.update({ id: 1 }, { leaseHolder: 'frozen', leaseUntil: new Date(Date.now() + 19_000) });
    try {
      await patient.activities.track({ path: '/', date: new Date(Date.now() - 100 * DAY) });
      const range = { from: new Date(Date.now() - 30 * DAY), to: new Date(Date.now() + DAY) };
      const before = Date.now();
      // Else it would wait for a minute.
      const { asOf } = await statsOf(patient).overview(range);
      expect(Date.parse(asOf)).toBeGreaterThanOrEqual(before - 1);
    } finally {
      await lease.update({ id: 1 }, { leaseUntil: new Date(0) });
    }
  });
});

// SQLite has one writer at a time.
const SERVERS = FOUND.filter((name) => name !== 'sqlite');

(SERVERS.length > 0 ? describe.each(SERVERS) : describe.skip.each(['no server']))(
  'asOf on %s of a transaction that commits late',
  (name) => {
    it('is before its commit until it is counted', async () => {
      const database = name as (typeof FOUND)[number];
      const host = await startHost({
        adapter: 'fastify',
        database,
        djaffar: { statistics: { maxWait: 60_000, background: false } },
      });
      const hasty = await startHost({
        adapter: 'fastify',
        database: host.database,
        djaffar: { statistics: { maxWait: 0, background: false } },
      });
      const other = await new DataSource({
        ...host.database.options,
        entities: djaffarEntities,
      }).initialize();
      const range = { from: new Date(Date.now() - DAY), to: new Date(Date.now() + DAY) };
      const ask = (of: Host) => of.app.get(ActivityStats, { strict: false }).overview(range);
      try {
        await host.activities.track({ path: '/' });
        expect((await ask(host)).activities.value).toBe(1);
        const runner = other.createQueryRunner();
        await runner.startTransaction();
        const date = new Date();
        const minute = +date - (+date % MINUTE);
        const { now } = dialectOf(other);
        const activity = { id: uuidv7(), date, receivedAt: date, name: 'view', path: '/' };
        await runner.manager.createQueryBuilder().insert().into(Activity).values(activity).execute();
        await runner.manager
          .createQueryBuilder()
          .insert()
          .into(DirtyRange)
          .values({
            id: uuidv7(),
            createdAt: () => now,
            since: new Date(minute),
            until: new Date(minute + MINUTE),
            visits: '',
            erased: false,
            unbounded: false,
            deferred: false,
          })
          .updateEntity(false)
          .execute();
        // It is exact for what is committed.
        const meanwhile = await ask(host);
        expect(meanwhile.activities.value).toBe(1);
        const committing = Date.now();
        await runner.commitTransaction();
        await runner.release();
        const committed = Date.now();
        expect(Date.parse(meanwhile.asOf)).toBeLessThanOrEqual(committing);
        const lease = host.dataSource.getRepository(RollupState);
        await lease.update({ id: 1 }, { leaseHolder: 'frozen', leaseUntil: new Date(Date.now() + 19_000) });
        expect(Date.parse((await ask(hasty)).asOf)).toBeLessThan(committed);
        await lease.update({ id: 1 }, { leaseUntil: new Date(0) });
        const { asOf, activities } = await ask(host);
        expect(activities.value).toBe(2);
        expect(Date.parse(asOf)).toBeGreaterThanOrEqual(committed);
      } finally {
        await other.destroy();
        await hasty.close();
        await host.close();
      }
    });
  },
);
