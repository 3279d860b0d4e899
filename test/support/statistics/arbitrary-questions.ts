import fc from 'fast-check';
import type {
  AmountMeasure,
  Dimension,
  FunnelStep,
  LiveOptions,
  Measure,
  OverviewOptions,
  VisitsOptions,
} from '../../../lib/index.js';
import { DIMENSIONS, INTERVALS, MEASURES, TOP_MEASURES } from '../../../lib/statistics/statistics.types.js';
import { KEYS, NAMES } from './arbitrary-activities.js';
import { aFilter, aPath, aQuestion, aRangeIn, aRoute, someProperties, ZONES } from './arbitrary-filters.js';
import type { Asked } from './model.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The longest ranges in days, so that results are computed quickly. */
const MAX_DAYS = { minute: 0.5, hour: 20, day: 60, week: 400, month: 800 };

const OPTIONAL: { requiredKeys: [] } = { requiredKeys: [] };

export const anOverview: fc.Arbitrary<Asked> = fc
  .tuple(
    aQuestion(),
    fc.oneof(
      fc.constantFrom<OverviewOptions[]>({}, { compareTo: undefined }),
      fc.constantFrom<OverviewOptions[]>({ compareTo: 'previous' }, { compareTo: 'year' }),
      aRangeIn().map((compareTo) => ({ compareTo })),
    ),
  )
  .map(([question, options]) => ['overview', question, options]);

/** Aggregates of few and of many numbers, with and without decimals. */
const anAmount: fc.Arbitrary<AmountMeasure> = fc.oneof(
  fc.constantFrom<AmountMeasure[]>('timeOnPage', 'scrollDepth'),
  fc
    .tuple(
      fc.constantFrom('sum', 'avg', 'min', 'max', 'p0', 'p50', 'p95', 'p33.333', 'p100'),
      fc.constantFrom('n', 'n', 'visible', 'scroll', 'plan', '$'),
    )
    .map(([aggregate, key]) => `${aggregate}(${key})` as AmountMeasure),
);

export const aMeasure: fc.Arbitrary<Asked> = fc
  .tuple(anAmount, aQuestion())
  .map(([measure, question]) => ['measure', measure, question]);

export const aSeriesOfAmounts: fc.Arbitrary<Asked> = anAmount.chain(aSeries);

export const aTopOfAmounts: fc.Arbitrary<Asked> = fc
  .tuple(anAmount, fc.constantFrom(...DIMENSIONS).chain(aTop))
  .map(([measure, asked]) => (asked[0] === 'top' ? ['top', asked[1], { ...asked[2], measure }] : asked));

export function aSeries(measure: Measure | AmountMeasure): fc.Arbitrary<Asked> {
  return fc
    .constantFrom(...INTERVALS)
    .chain((interval) =>
      aQuestion(MAX_DAYS[interval]).map((question) => ['series', measure, interval, question]),
    );
}

export function aTop(dimension: Dimension): fc.Arbitrary<Asked> {
  const options = fc.record(
    {
      limit: fc.constantFrom(1, 2, 5, 1000),
      measure: fc.constantFrom(...TOP_MEASURES),
      search: fc.constantFrom(
        'a',
        'A',
        'PRI',
        '/',
        '%',
        '_',
        '\\',
        '!',
        "'",
        '"',
        'XB',
        'go',
        ' ',
        'jef',
        'nothing',
      ),
    },
    OPTIONAL,
  );
  const property =
    dimension === 'property' ? fc.constantFrom(...KEYS).map((key) => ({ property: key })) : fc.constant({});
  return fc
    .tuple(aQuestion(), options, property)
    .map(([question, some, key]) => ['top', dimension, { ...question, ...some, ...key }]);
}

const aStep: fc.Arbitrary<FunnelStep> = fc.oneof(
  aPath.map((path) => ({ path })),
  fc.constantFrom(...NAMES).map((name) => ({ name })),
  someProperties
    .filter((properties) => Object.keys(properties).length > 0)
    .map((properties) => ({ properties })),
  aRoute.map((route) => ({ route })),
  fc.constantFrom(...NAMES).map((name) => ({ name: { not: name } })),
  fc.record({ path: aPath, name: fc.constantFrom(...NAMES) }),
);

export const aFunnel: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.array(aStep, { minLength: 1, maxLength: 4 }),
    aQuestion(),
    fc.record({ within: fc.constantFrom(1, 1000, HOUR / 4, HOUR, DAY, 400 * DAY) }, OPTIONAL),
  )
  .map(([steps, question, options]) => ['funnel', steps, { ...question, ...options }]);

export const aRetention: fc.Arbitrary<Asked> = fc
  .constantFrom(undefined, 'day', 'week', 'month')
  .chain((period) =>
    fc
      .tuple(
        aQuestion(MAX_DAYS[period ?? 'week']),
        fc.record({ by: fc.constantFrom('user', 'session') }, OPTIONAL),
      )
      .map(([question, options]) => ['retention', { ...question, ...options, period }]),
  );

export const someJourneys: fc.Arbitrary<Asked> = fc
  .tuple(
    aQuestion(),
    fc.oneof(
      fc.constant({}),
      fc.constantFrom('/', '/pricing', '/a', '/nothing').map((start) => ({ start })),
      fc.constantFrom('/', '/pricing', '/a', '/nothing').map((end) => ({ end })),
      fc.constant({ by: 'route' as const }),
      aRoute.map((start) => ({ by: 'route' as const, start })),
      aRoute.map((end) => ({ by: 'route' as const, end })),
    ),
    fc.record({ depth: fc.integer({ min: 2, max: 8 }), limit: fc.constantFrom(1, 2, 3, 50) }, OPTIONAL),
  )
  .map(([question, way, options]) => ['journeys', { ...question, ...way, ...options }]);

export const anyQuestion: fc.Arbitrary<Asked> = fc.oneof(
  anOverview,
  fc.constantFrom(...MEASURES).chain(aSeries),
  fc.constantFrom(...DIMENSIONS).chain(aTop),
  aMeasure,
  aSeriesOfAmounts,
  aTopOfAmounts,
  aFunnel,
  aRetention,
  someJourneys,
);

export const someVisits: fc.Arbitrary<VisitsOptions> = fc
  .tuple(
    aQuestion(),
    fc.record({ limit: fc.constantFrom(1, 3, 100), order: fc.constantFrom('asc', 'desc') }, OPTIONAL),
  )
  .map(([question, options]) => ({ ...question, ...options }));

/** Whole minutes, between which there are no activities. */
export const liveOptions: fc.Arbitrary<LiveOptions> = fc
  .tuple(
    aFilter,
    fc.record({ minutes: fc.constantFrom(1, 2, 7, 1440), timeZone: fc.constantFrom(...ZONES) }, OPTIONAL),
  )
  .map(([filter, options]) => ({ ...filter, ...options }));
