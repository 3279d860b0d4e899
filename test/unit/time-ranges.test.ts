import fc from 'fast-check';
import { bucketsOf, mergeRanges } from '../../lib/store/typeorm/statistics/rollup/time-ranges.js';
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
    expect(bucketsOf(ranges, 10)).toEqual([
      { since: 10, until: 20 },
      { since: 30, until: 50 },
    ]);
  });
});
