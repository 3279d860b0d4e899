import fc from 'fast-check';
import type { WhereExpressionBuilder } from 'typeorm';
import {
  listBuckets,
  inAnyRange,
  mergeRanges,
} from '../../lib/store/typeorm/statistics/rollup/time-ranges.js';
import type { TimeRange } from '../../lib/statistics/time/time-range.js';

const aRange = fc
  .tuple(fc.nat(30), fc.integer({ min: 1, max: 30 }))
  .map(([since, length]) => ({ since, until: since + length }));

/** The moments of ranges. */
function momentsIn(ranges: TimeRange[]): number[] {
  const moments = ranges.flatMap(({ since, until }) =>
    Array.from({ length: until - since }, (_, i) => since + i),
  );
  return [...new Set(moments)].sort((a, b) => a - b);
}

describe('dirty time ranges that are joined', () => {
  it.each<[string, TimeRange[], TimeRange[]]>([
    [
      'a long one that contains a short one',
      [
        { since: 0, until: 100 },
        { since: 10, until: 20 },
      ],
      [{ since: 0, until: 100 }],
    ],
    [
      'that touch, in any order',
      [
        { since: 10, until: 20 },
        { since: 0, until: 10 },
      ],
      [{ since: 0, until: 20 }],
    ],
    [
      'with a gap',
      [
        { since: 0, until: 10 },
        { since: 11, until: 20 },
      ],
      [
        { since: 0, until: 10 },
        { since: 11, until: 20 },
      ],
    ],
  ])('are, of ranges %s, one for each stretch', (_, ranges, expected) => {
    expect(mergeRanges(ranges)).toEqual(expected);
  });

  it('have the same moments as before, and do not touch each other', () => {
    fc.assert(
      fc.property(fc.array(aRange, { maxLength: 8 }), (ranges) => {
        const merged = mergeRanges(ranges);
        expect(momentsIn(merged)).toEqual(momentsIn(ranges));
        for (const [i, { since }] of merged.slice(1).entries())
          expect(since).toBeGreaterThan(merged[i]?.until ?? 0);
      }),
    );
  });

  it('are, as buckets, all that the ranges have a part of', () => {
    const ranges = [
      { since: 12, until: 20 },
      { since: 39, until: 41 },
    ];
    expect(listBuckets(ranges, 10)).toEqual([
      { since: 10, until: 20 },
      { since: 30, until: 50 },
    ]);
  });

  it('are, as buckets, in order, and one if they touch', () => {
    const ranges = [
      { since: 59, until: 61 },
      { since: 12, until: 20 },
      { since: 20, until: 25 },
    ];
    expect(listBuckets(ranges, 10)).toEqual([
      { since: 10, until: 30 },
      { since: 50, until: 70 },
    ]);
  });

  it('are asked for one by one, but many as one that contains all', () => {
    const conditionsOf = (ranges: TimeRange[]): unknown[] => {
      const conditions: unknown[] = [];
      const builder: unknown = {
        orWhere: (sql: string, parameters: object) => conditions.push([sql, parameters]),
      };
      inAnyRange('date', ranges).whereFactory(builder as WhereExpressionBuilder);
      return conditions;
    };
    const ranges = Array.from({ length: 51 }, (_, i) => ({ since: 1000 - 10 * i, until: 1005 - 10 * i }));
    const few = conditionsOf(ranges.slice(0, 50));
    expect(few).toHaveLength(50);
    expect(few.slice(0, 2)).toEqual([
      ['date >= :since0 AND date < :until0', { since0: 1000, until0: 1005 }],
      ['date >= :since1 AND date < :until1', { since1: 990, until1: 995 }],
    ]);
    expect(conditionsOf(ranges)).toEqual([
      ['date >= :since0 AND date < :until0', { since0: 500, until0: 1005 }],
    ]);
  });
});
