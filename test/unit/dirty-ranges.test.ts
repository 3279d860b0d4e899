import fc from 'fast-check';
import {
  decodeVisits,
  deferredRanges,
  dirtyDay,
  dirtyRangesForDelete,
  dirtyRangesForInsert,
  isDay,
  newestFirst,
} from '../../lib/store/typeorm/statistics/rollup/dirty-ranges.js';
import type { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOON = Date.UTC(2026, 10, 1, 12);

const at = (milliseconds: number): Date => new Date(NOON + milliseconds);
/** The id of a visit of ours that began then. */
const visitAt = (milliseconds: number): string => `${(NOON + milliseconds).toString(36)}abcdefg`;

function rangeOf(given: Partial<DirtyRange> = {}): DirtyRange {
  return {
    id: 'range',
    createdAt: at(0),
    since: at(0),
    until: at(MINUTE),
    visits: 'large',
    erased: false,
    unbounded: false,
    deferred: false,
    ...given,
  };
}

describe('the dirty ranges of activities', () => {
  it('are one for each minute, with its visits', () => {
    const ranges = dirtyRangesForInsert([
      { date: at(0), visitId: 'a' },
      { date: at(2 * MINUTE), visitId: 'c' },
      { date: at(MINUTE - 1), visitId: 'b' },
      { date: at(1), visitId: 'a' },
      { date: at(MINUTE), visitId: null },
    ]);
    expect(ranges.map(({ since, until, visits }) => [since, until, visits])).toEqual([
      [at(0), at(MINUTE), 'a,b'],
      [at(2 * MINUTE), at(3 * MINUTE), 'c'],
      [at(MINUTE), at(2 * MINUTE), ''],
    ]);
    expect(new Set(ranges.map(({ id }) => id)).size).toBe(3);
    for (const range of ranges) expect(range).toMatchObject({ erased: false, deferred: false });
  });

  it('say whether activities were erased', () => {
    const [range, ...others] = dirtyRangesForDelete([{ date: at(0), visitId: 'a' }]);
    expect(range).toMatchObject({ visits: 'a', erased: true, deferred: false });
    expect(others).toEqual([]);
  });

  it.each<[string, boolean, (string | null)[]]>([
    ['without a visit', false, [null]],
    ['of a visit that says when it began', false, [visitAt(0), null]],
    ['of a visit that began 24 hours earlier', true, [visitAt(-DAY)]],
    ['of a visit whose id says nothing', true, ['visit']],
    ['of which one has such a visit', true, ['visit', visitAt(0)]],
    ['of which the last has such a visit', true, [visitAt(0), null, 'visit']],
  ])('%s: are visits elsewhere possible? %s', (_, unbounded, visits) => {
    const ranges = dirtyRangesForInsert(visits.map((visitId) => ({ date: at(0), visitId })));
    expect(ranges).toMatchObject([{ unbounded }]);
  });

  it('have any ids of visits', () => {
    const anId = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('%', ',', '2', 'C', '5') }));
    fc.assert(
      fc.property(fc.uniqueArray(anId, { minLength: 1 }), (ids) => {
        const [range] = dirtyRangesForInsert(ids.map((visitId) => ({ date: at(0), visitId })));
        expect(decodeVisits(range?.visits ?? null)).toEqual(ids);
      }),
      { examples: [[['']], [['', '%']], [['%2C', ',']], [[',,%%', '%25']]] },
    );
  });

  it('have no visits, or all of their time', () => {
    expect(decodeVisits('')).toEqual([]);
    expect(decodeVisits(null)).toBeUndefined();
  });
});

describe('the ranges that a step leaves', () => {
  const large = new Set(['large', 'larger']);

  it('have only the large visits, and are deferred', () => {
    const [range, ...others] = deferredRanges(
      [
        rangeOf({ visits: 'small,large', until: at(2 * MINUTE) }),
        rangeOf({ visits: 'small', since: at(MINUTE) }),
        rangeOf({ visits: null, since: at(2 * MINUTE) }),
      ],
      large,
    );
    expect(range).toEqual({
      ...rangeOf({ until: at(2 * MINUTE), deferred: true }),
      id: expect.not.stringMatching(/^range$/),
    });
    expect(others).toEqual([]);
  });

  it('are one for each minute, as old as its oldest', () => {
    const ranges = deferredRanges(
      [
        rangeOf({ createdAt: at(2) }),
        rangeOf({ createdAt: at(1), visits: 'larger,large' }),
        rangeOf({ createdAt: at(3) }),
        rangeOf({ createdAt: at(4), since: at(MINUTE), visits: 'larger' }),
      ],
      large,
    );
    expect(ranges).toMatchObject([
      { since: at(0), createdAt: at(1), visits: 'large,larger' },
      { since: at(MINUTE), createdAt: at(4), visits: 'larger' },
    ]);
  });

  it.each([
    [[false, false], false],
    [[true, false], true],
    [[false, true], true],
  ])('keep that visits may be elsewhere: of %j it is %s', (given, unbounded) => {
    expect(
      deferredRanges(
        given.map((each) => rangeOf({ unbounded: each })),
        large,
      ),
    ).toMatchObject([{ unbounded }]);
  });
});

describe('a dirty day', () => {
  it('is all of a day, with all of its visits, whatever was erased', () => {
    expect(dirtyDay(NOON)).toEqual({
      id: expect.any(String),
      since: at(0),
      until: at(DAY),
      visits: null,
      erased: true,
      unbounded: false,
      deferred: false,
    });
  });

  it('is told from a minute, and from a range with some visits', () => {
    expect(isDay({ ...rangeOf(), ...dirtyDay(NOON) })).toBe(true);
    expect(isDay(rangeOf({ visits: null, until: at(2 * DAY) }))).toBe(true);
    expect(isDay(rangeOf({ visits: null, until: at(DAY - 1) }))).toBe(false);
    expect(isDay(rangeOf({ visits: 'a', until: at(DAY) }))).toBe(false);
  });
});

it.each([
  [
    { since: 2, until: 3 },
    { since: 1, until: 9 },
  ],
  [
    { since: 1, until: 9 },
    { since: 1, until: 8 },
  ],
])('dirty ranges are taken from the newest to the oldest: %j before %j', (newer, older) => {
  const [one, other] = [newer, older].map(({ since, until }) =>
    rangeOf({ since: at(since), until: at(until) }),
  );
  if (!one || !other) throw new Error('no ranges');
  expect(newestFirst(one, other)).toBeLessThan(0);
  expect(newestFirst(other, one)).toBeGreaterThan(0);
  expect(newestFirst(one, one)).toBe(0);
});
