import fc from 'fast-check';
import {
  type ActivityFilter,
  type ActivityStats,
  type ServerActivity,
  type VisitRecord,
  type VisitsOptions,
} from '../../lib/index.js';
import { DIMENSIONS, MEASURES } from '../../lib/statistics/statistics.types.js';
import { STORES } from '../support/databases.js';
import { runs } from '../support/property.js';
import { anActivity, IPS, SESSIONS, USERS, VISITS } from '../support/statistics/arbitrary-activities.js';
import {
  aFunnel,
  aMeasure,
  anOverview,
  anyQuestion,
  aRetention,
  aSeries,
  aSeriesOfAmounts,
  aTop,
  aTopOfAmounts,
  liveOptions,
  someJourneys,
  someVisits,
} from '../support/statistics/arbitrary-questions.js';
import { buildHistory, type History } from '../support/statistics/history.js';
import { live } from '../support/statistics/live.js';
import { answer, ask, type Asked, withoutAsOf } from '../support/statistics/model.js';
import { visits } from '../support/statistics/visits.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

/** In the title, to be given again for the same activities. */
const SEED = Number(process.env.DJAFFAR_TEST_SEED ?? Date.now() % 2 ** 31);

/** Answers of much or little, each with the questions it is asked in. */
const QUESTIONS: [string, fc.Arbitrary<Asked>][] = [
  ['overview', anOverview],
  ...MEASURES.map((measure): [string, fc.Arbitrary<Asked>] => [`series of ${measure}`, aSeries(measure)]),
  ...DIMENSIONS.map((dimension): [string, fc.Arbitrary<Asked>] => [`top of ${dimension}`, aTop(dimension)]),
  ['aggregate of numbers', aMeasure],
  ['series of aggregates of numbers', aSeriesOfAmounts],
  ['top of aggregates of numbers', aTopOfAmounts],
  ['funnel', aFunnel],
  ['retention', aRetention],
  ['journeys', someJourneys],
];

const EVERYTHING = { from: '2020-01-01T00:00Z', to: '2026-01-01T00:00Z', bots: true };

/** Who is counted once, however many visits there were: what is hard to keep up. */
const DAYS_OF_CHANGE = { from: '2025-10-25T00:00Z', to: '2025-10-28T00:00Z', timeZone: 'Europe/Berlin' };
const ALWAYS: Asked[] = [
  ['overview', EVERYTHING, {}],
  ['overview', { ...EVERYTHING, bots: false }, { compareTo: DAYS_OF_CHANGE }],
  ['series', 'users', 'hour', DAYS_OF_CHANGE],
  ['series', 'sessions', 'day', { ...DAYS_OF_CHANGE, bots: true }],
];

const anErasure: fc.Arbitrary<ActivityFilter> = fc.oneof(
  fc.constantFrom(...USERS).map((user) => ({ user })),
  fc.constantFrom(...SESSIONS).map((session) => ({ session })),
  fc.constantFrom(...VISITS).map((visit) => ({ visit })),
  fc.constantFrom(...IPS).map((ip) => ({ ip, name: 'view' })),
  fc.constant({ from: '2025-10-26T00:00Z', to: '2025-10-26T02:30Z' }),
);

describe.each(STORES)(`ActivityStats on %s, of the activities of DJAFFAR_TEST_SEED=${SEED}`, (name) => {
  let database: StoreDatabase;
  let host: StoreHost;
  let stats: ActivityStats;

  /** ClickHouse takes some times as long as the others to write and to ask so few activities; `npm run test:full` makes up for it. */
  const most = (count: number): ReturnType<typeof runs> => runs(name === 'clickhouse' ? count / 4 : count);

  beforeAll(async () => {
    database = await createStore(name);
    host = await database.start();
    stats = host.stats;
  });

  afterAll(async () => {
    await host?.close();
    await database?.drop();
  });

  /** Questions asked in between must not harm what is asked after. */
  async function track(activities: ServerActivity[]): Promise<void> {
    await Promise.all([
      ...activities.map((activity) => host.activities.track(activity)),
      stats.overview(EVERYTHING),
      stats.overview(EVERYTHING),
    ]);
  }

  async function stored(): Promise<History> {
    return buildHistory(await host.stored());
  }

  async function allPages(options: VisitsOptions): Promise<VisitRecord[]> {
    const records: VisitRecord[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await stats.visits({ ...options, after });
      expect(items).toHaveLength(next === null ? items.length : (options.limit ?? 20));
      records.push(...items);
      after = next ?? undefined;
    } while (after !== undefined);
    return records;
  }

  describe('of activities in three portions', () => {
    let history: History;

    beforeAll(async () => {
      const portions = fc.array(fc.array(anActivity, { minLength: 100, maxLength: 150 }), {
        minLength: 3,
        maxLength: 3,
        size: 'max',
      });
      for (const portion of fc.sample(portions, { numRuns: 1, seed: SEED })[0] ?? []) await track(portion);
      history = await stored();
    });

    afterAll(() => host.activities.erase({ from: new Date(0) }));

    it.each(QUESTIONS)('answers as the definitions do: %s', async (_, questions) => {
      await fc.assert(
        fc.asyncProperty(questions, async (asked) => {
          expect(await ask(stats, asked)).toEqual(answer(history, asked));
        }),
        most(20),
      );
    });

    it('gives every visit once, page by page, in order', async () => {
      await fc.assert(
        fc.asyncProperty(someVisits, async (options) => {
          expect(await allPages(options)).toEqual(visits(history, options));
        }),
        most(20),
      );
    });
  });

  it('answers as the definitions do while activities arrive late, out of order, and are erased', async () => {
    const aPortion = fc.record({
      activities: fc.array(anActivity, { maxLength: 60, size: 'max' }),
      erased: fc.option(anErasure, { freq: 2 }),
      questions: fc.array(anyQuestion, { maxLength: 10 }),
    });
    await fc.assert(
      fc
        .asyncProperty(fc.array(aPortion, { minLength: 1, maxLength: 5 }), async (portions) => {
          for (const { activities, erased, questions } of portions) {
            await track(activities);
            if (erased) await host.activities.erase(erased);
            const history = await stored();
            for (const asked of [...ALWAYS, ...questions])
              expect(await ask(stats, asked)).toEqual(answer(history, asked));
            expect(await allPages(EVERYTHING)).toEqual(visits(history, EVERYTHING));
          }
        })
        .afterEach(async () => void (await host.activities.erase({ from: new Date(0) }))),
      most(8),
    );
  });

  it('finds the largest aggregates among more values than a store returns to the process', async () => {
    const date = '2025-10-26T12:00Z';
    const numbers = Array.from({ length: 3000 }, (_, i) => ((i * 7919) % 3001) * 1e6 + (i % 4) / 4);
    const activities = [
      ...numbers.map((n, i) => ({ properties: { key: `k${i}`, n } })),
      ...[-5e9, 1, 5e9].map((n) => ({ properties: { key: 'wide', n } })),
      ...[2e9, 1.5e9, 0.25].map((n) => ({ properties: { key: 'often', n } })),
    ];
    while (activities.length > 0)
      await Promise.all(
        activities.splice(0, 500).map((each) => host.activities.track({ ...each, date, path: '/' })),
      );
    const history = await stored();
    for (const measure of ['sum(n)', 'avg(n)', 'min(n)', 'max(n)', 'p50(n)', 'p75(n)'] as const) {
      const asked: Asked = ['top', 'property', { ...EVERYTHING, property: 'key', measure, limit: 3 }];
      expect(await ask(stats, asked)).toEqual(answer(history, asked));
    }
    await host.activities.erase({ from: new Date(0) });
  });

  it('lists current visitors', async () => {
    const started = Date.now();
    /** Between whole minutes, so that none passes while the test runs; some a little in the future. */
    const now = fc
      .tuple(anActivity, fc.integer({ min: -2, max: 12 }))
      .map(([activity, minutes]) => ({ ...activity, date: new Date(started - minutes * 60_000 - 30_000) }));
    await track(fc.sample(now, { numRuns: 60, seed: SEED }));
    const history = await stored();
    await fc.assert(
      fc.asyncProperty(liveOptions, async (options) => {
        const before = Date.now();
        const answered = await stats.live(options);
        const at = Date.parse(answered.since) + (options.minutes ?? 5) * 60_000;
        expect(at).toBeGreaterThanOrEqual(before);
        expect(at).toBeLessThanOrEqual(Date.now());
        expect(withoutAsOf(answered)).toEqual(live(history, options, at));
      }),
      most(20),
    );
  });
});
