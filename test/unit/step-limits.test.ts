import { MAX_RANGES, StepLimits } from '../../lib/store/typeorm/statistics/rollup/step-limits.js';
import type { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';

const DAY = 86_400_000;

const rangeOf = (length: number, visits: string | null): DirtyRange => ({
  id: 'range',
  createdAt: new Date(0),
  since: new Date(0),
  until: new Date(length),
  visits,
  erased: false,
  unbounded: false,
  deferred: false,
});
const minutes = (count: number): DirtyRange[] => Array.from({ length: count }, () => rangeOf(60_000, ''));
const days = (count: number): DirtyRange[] => Array.from({ length: count }, () => rangeOf(DAY, null));

describe('the limits of a step', () => {
  let limits: StepLimits;

  beforeEach(() => {
    limits = new StepLimits();
  });

  it('are 100 ranges or one day at first', () => {
    expect(limits).toMatchObject({ ranges: 100, days: 1 });
  });

  it('double after a step that was full and took less than 250 ms', () => {
    limits.adapt(minutes(100), 249);
    expect(limits).toMatchObject({ ranges: 200, days: 1 });
    limits.adapt(minutes(200), 250);
    expect(limits.ranges).toBe(200);
  });

  it('do not grow after a step that had room for more', () => {
    limits.adapt(minutes(99), 0);
    expect(limits.ranges).toBe(100);
  });

  it('become half after a step that took more than 500 ms, but at least one range', () => {
    limits.adapt(minutes(1), 500);
    expect(limits.ranges).toBe(100);
    for (const ranges of [50, 25, 12, 6, 3, 1, 1]) {
      limits.adapt(minutes(1), 501);
      expect(limits).toMatchObject({ ranges, days: 1 });
    }
  });

  it('grow up to 2,000 ranges', () => {
    for (let i = 0; i < 5; i++) limits.adapt(minutes(MAX_RANGES), 0);
    expect(limits.ranges).toBe(MAX_RANGES);
    expect(MAX_RANGES).toBe(2000);
  });

  it('are adapted for days if one of the ranges is a day, up to 200', () => {
    limits.adapt([...minutes(1), ...days(1)], 0);
    expect(limits).toMatchObject({ ranges: 100, days: 2 });
    for (let i = 0; i < 7; i++) limits.adapt(days(200), 0);
    expect(limits).toMatchObject({ ranges: 100, days: 200 });
    limits.adapt(days(1), 501);
    expect(limits).toMatchObject({ ranges: 100, days: 100 });
  });

  it('shrink if the last commit blocked the process for more than 50 ms, to what takes 50 ms', () => {
    limits.adaptToBlocking(50);
    expect(limits.ranges).toBe(100);
    limits.adaptToBlocking(150);
    expect(limits).toMatchObject({ ranges: 33, days: 1 });
    limits.adaptToBlocking(10_000);
    expect(limits.ranges).toBe(10);
  });

  it('do not grow to ten ranges because a commit of fewer blocked the process', () => {
    limits.useOne();
    limits.adaptToBlocking(60);
    expect(limits.ranges).toBe(1);
  });

  it('do not grow while commits block the process for 25 ms', () => {
    limits.adaptToBlocking(25);
    limits.adapt(minutes(100), 0);
    expect(limits.ranges).toBe(100);
    limits.adaptToBlocking(24);
    limits.adapt(minutes(100), 0);
    expect(limits.ranges).toBe(200);
  });

  it('are one range to find the one that fails', () => {
    limits.adapt(days(1), 0);
    limits.useOne();
    expect(limits).toMatchObject({ ranges: 1, days: 1 });
  });
});
