import { isNearStart, isVisitorId } from '../../lib/activity/visit-id.js';

const DAY = 86_400_000;
const FIRST = Date.UTC(2025, 0, 1);
const START = Date.UTC(2026, 1, 3, 4, 5, 6, 789);

const idOf = (start: number): string => `${start.toString(36)}ab-_9Zz`;

describe('an activity', () => {
  it.each([
    [0, true],
    [DAY - 1, true],
    [DAY, false],
    [1 - DAY, true],
    [-DAY, false],
  ])('%i ms after the start that the id of its visit contains is near: %s', (after, isNear) => {
    expect(isNearStart(idOf(START), new Date(START + after))).toBe(isNear);
  });

  it('is near no start from before Djaffar, which only looks like one', () => {
    expect(isNearStart(idOf(FIRST), new Date(FIRST))).toBe(true);
    expect(isNearStart(idOf(FIRST - 1), new Date(FIRST))).toBe(false);
  });

  it.each([
    ['that is too long', `00${idOf(START)}`],
    ['that goes on', `${START.toString(36)}-abcdef8`],
    ['of another program', '8f14e45f-ceea-467f-a9f4-0123456789ab'],
    ['without anything', ''],
  ])('is near no start if the id is one %s', (_, id) => {
    expect(isNearStart(id, new Date(START))).toBe(false);
    expect(isNearStart(id, new Date(0))).toBe(false);
  });
});

describe('the id of a visitor', () => {
  it.each(['a', 'aZ09_-', 'a'.repeat(16)])('may be %s', (id) => {
    expect(isVisitorId(id, 16)).toBe(true);
  });

  it.each(['', 'a b', 'a\n', '!a', 'ä', 'a'.repeat(17), 1, null, undefined, ['a']])('is not %j', (id) => {
    expect(isVisitorId(id, 16)).toBe(false);
  });
});
