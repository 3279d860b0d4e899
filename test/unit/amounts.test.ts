import { type Amount, formatPercentile, parseAmount } from '../../lib/statistics/amount.js';
import { type AggregateRow, rankAmounts, toAmountValues } from '../../lib/store/aggregates.js';

const amountOf = (aggregate: Amount['aggregate']): Amount => ({ of: { property: 'total' }, aggregate });
const percentileOf = (percent: number): Amount => amountOf({ percentile: percent * 1000 });

describe('a measure of numbers', () => {
  it.each([
    ['sum(total)', 'total', 'sum'],
    ['avg(total)', 'total', 'avg'],
    ['min(total)', 'total', 'min'],
    ['max(a (b)\nc)', 'a (b)\nc', 'max'],
    ['p0(total)', 'total', { percentile: 0 }],
    ['p50(total)', 'total', { percentile: 50_000 }],
    ['p99.999(total)', 'total', { percentile: 99_999 }],
    ['p100(total)', 'total', { percentile: 100_000 }],
  ])('is parsed: %j', (measure, property, aggregate) => {
    expect(parseAmount(measure)).toEqual({ of: { property }, aggregate });
  });

  it.each(['timeOnPage', 'scrollDepth'] as const)('is the median of %s', (measure) => {
    expect(parseAmount(measure)).toEqual({ of: measure, aggregate: { percentile: 50_000 } });
  });

  it.each([
    'views',
    'sum',
    'sum()',
    'sum(total',
    'xsum(total)',
    'sum(total)x',
    'p(total)',
    'p1.2345(total)',
    'p1000(total)',
  ])('is not %j', (measure) => {
    expect(parseAmount(measure)).toBeUndefined();
  });

  it.each(['p100.001(total)', 'p999(total)'])('cannot be %s', (measure) => {
    expect(() => parseAmount(measure)).toThrow('measure must be of a percentile from p0 to p100');
  });

  it.each([
    [0, 'p0(total)'],
    [0.95, 'p95(total)'],
    [0.29, 'p29(total)'],
    [0.99999, 'p99.999(total)'],
    [1, 'p100(total)'],
  ])('is the percentile of a fraction: %d', (fraction, measure) => {
    expect(formatPercentile('total', fraction)).toBe(measure);
  });

  it.each([-0.01, 1.01, 0.123456, Number.NaN])('is no percentile of the fraction %d', (fraction) => {
    expect(() => formatPercentile('total', fraction)).toThrow('fraction must be a number from 0 to 1');
  });
});

describe('the values of a measure', () => {
  /** A row with a whole number and billionths, as the database adds them up in parts. */
  const sumOf = (
    whole: number,
    billionths: number,
    count: number,
    value: string | null = null,
  ): AggregateRow => ({
    n: 0,
    value,
    count,
    first: Math.trunc(whole / 2 ** 26),
    second: String(whole % 2 ** 26),
    third: Math.trunc(billionths / 2 ** 15),
    fourth: String(billionths % 2 ** 15),
  });

  it('are those of each interval; nothing adds up to 0, and has no other aggregate', () => {
    const rows = [
      { n: '2', value: null, count: '3', first: 5 },
      { n: 0, value: null, count: 1, first: '-7' },
    ];
    expect(toAmountValues(amountOf('min'), rows, [0, 1, 2])).toEqual([
      { value: -7, count: 1 },
      { value: null, count: 0 },
      { value: 5, count: 3 },
    ]);
    expect(toAmountValues(amountOf('sum'), [], [0])).toEqual([{ value: 0, count: 0 }]);
    expect(toAmountValues(percentileOf(50), [], [0])).toEqual([{ value: null, count: 0 }]);
  });

  it.each([
    [0, 0, 0],
    [0, 100_000_000, 0.1],
    [0, 1, 1e-9],
    [0, -100_000_000, -0.1],
    [-3, -250_000_000, -3.25],
    [2 ** 40 + 17, 500_000_000, 2 ** 40 + 17.5],
    [Number.MAX_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER],
  ])('are exact sums: %d and %d billionths', (whole, billionths, sum) => {
    const rows = [sumOf(whole, billionths, 2)];
    expect(toAmountValues(amountOf('sum'), rows, [0])).toEqual([{ value: sum, count: 2 }]);
    expect(toAmountValues(amountOf('avg'), rows, [0])).toEqual([{ value: sum / 2, count: 2 }]);
  });

  it.each([
    [0, 3, 10],
    [50, 3, 10],
    [50, 4, 15],
    [25, 4, 17.5],
    [95, 11, 15],
    [100, 4, 10],
  ])('are percentiles between two neighbours: p%d of %d numbers', (percent, count, value) => {
    const rows = [{ n: 0, value: null, count, first: 10, second: 20 }];
    expect(toAmountValues(percentileOf(percent), rows, [0])).toEqual([{ value, count }]);
  });

  it('are ranked by their aggregate, then by value', () => {
    const rows = [sumOf(1, 0, 1, 'b'), sumOf(2, 0, 1, null), sumOf(1, 0, 1, 'a'), sumOf(3, 0, 1, 'z')];
    expect(rankAmounts(amountOf('sum'), rows, 3)).toEqual([
      { value: 'z', count: 3 },
      { value: null, count: 2 },
      { value: 'a', count: 1 },
    ]);
  });
});
