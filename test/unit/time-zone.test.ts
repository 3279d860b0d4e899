import fc from 'fast-check';
import { DateTime } from 'luxon';
import { comparedRange, listIntervals, parseRange } from '../../lib/statistics/time/calendar.js';
import { isTimeZone, toInstant, toISO, toLocalTime } from '../../lib/time/time-zone.js';
import { runs } from '../support/property.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Clocks that are changed at midnight, by half an hour, by a day, to offsets with seconds, or twice within weeks. */
const ODD = [
  'America/Havana',
  'America/Asuncion',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Kwajalein',
  'Africa/Monrovia',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Europe/Berlin',
  'UTC',
];

const timeZones = fc.oneof(fc.constantFrom(...ODD), fc.constantFrom(...Intl.supportedValuesOf('timeZone')));
const anyInstant = fc.integer({ min: 0, max: Date.UTC(2100, 0) });

/** The last hour before clocks are changed, in the two years after an instant; the instant if they are not. */
function changeAfter(instant: number, timeZone: string): number {
  const offset = toLocalTime(instant, timeZone) - instant;
  let before = instant;
  while (
    before < instant + 730 * DAY &&
    toLocalTime(before + 7 * DAY, timeZone) - before - 7 * DAY === offset
  )
    before += 7 * DAY;
  if (before >= instant + 730 * DAY) return instant;
  while (toLocalTime(before + HOUR, timeZone) - before - HOUR === offset) before += HOUR;
  return before;
}

/** Half of them within four hours of a change of clocks. */
const moments = fc
  .record({
    timeZone: timeZones,
    instant: anyInstant,
    near: fc.boolean(),
    minutes: fc.integer({ min: -240, max: 240 }),
  })
  .map(({ timeZone, instant, near, minutes }) => ({
    timeZone,
    instant: near ? changeAfter(instant, timeZone) + minutes * 60_000 : instant,
  }))
  .filter(({ instant }) => instant >= 0);

const luxon = (instant: number, timeZone: string): DateTime =>
  DateTime.fromMillis(instant, { zone: timeZone });

const first = (date: DateTime): number => Math.min(...date.getPossibleOffsets().map(Number));

/** What clocks show, as the digits of a date in UTC. */
const digits = (date: DateTime): number => +date.setZone('UTC', { keepLocalTime: true });

const iso = (instants: number[]): string[] => instants.map((instant) => new Date(instant).toISOString());

describe('a time zone', () => {
  it.each(['UTC', 'europe/berlin', 'America/Argentina/Buenos_Aires'])('%s is known', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  it.each(['', 'Berlin', 'Europe/Berlin ', 'local', '../UTC', 'x'.repeat(100_000)])('%p is none', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });

  it('shows what luxon says, in every zone, near every kind of change', () => {
    fc.assert(
      fc.property(moments, ({ timeZone, instant }) => {
        const date = luxon(instant, timeZone);
        expect(toLocalTime(instant, timeZone)).toBe(digits(date));
        expect(toISO(instant, timeZone)).toBe(date.toISO());
      }),
      runs(400),
    );
  });

  it.each([
    ['UTC', '9999-12-31T23:59:59.999Z'],
    ['Asia/Tokyo', '9999-12-31T23:59:59.999+09:00'],
    ['America/New_York', '9999-12-31T19:00:00.000-05:00'],
  ])('shows the end of the year 9999 in %s as RFC 3339 can', (timeZone, expected) => {
    expect(toISO(Date.UTC(10_000, 0, 1), timeZone)).toBe(expected);
  });

  it('shows a local time for the first time when luxon says, or skips it as luxon does', () => {
    fc.assert(
      fc.property(moments, ({ timeZone, instant: localTime }) => {
        const date = luxon(localTime, 'UTC').setZone(timeZone, { keepLocalTime: true });
        expect(iso([toInstant(localTime, timeZone)])).toEqual(iso([first(date)]));
      }),
      runs(400),
    );
  });

  it('shows a local time that clocks skip as much later as they skip', () => {
    const skipped = Date.UTC(2026, 2, 29, 2, 30);
    expect(iso([toInstant(skipped, 'Europe/Berlin')])).toEqual(['2026-03-29T01:30:00.000Z']);
  });

  it.each([
    ['Europe/Berlin', Date.UTC(2026, 9, 25, 2, 30), '2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'],
    ['Australia/Sydney', Date.UTC(2026, 3, 5, 2, 30), '2026-04-04T15:30:00.000Z', '2026-04-04T16:30:00.000Z'],
  ])(
    'shows a local time twice in %s, of which the first counts, or the one that is near',
    (timeZone, twice, earlier, later) => {
      expect(iso([toInstant(twice, timeZone)])).toEqual([earlier]);
      expect(iso([toInstant(twice, timeZone, Date.parse(later))])).toEqual([later]);
    },
  );

  it('has an offset with seconds if its clocks had one', () => {
    const new1971 = Date.UTC(1971, 0, 1);
    expect(toLocalTime(new1971, 'Africa/Monrovia') - new1971).toBe(-(44 * 60 + 30) * 1000);
  });

  it.each([
    ['UTC', 'Z'],
    ['utc', 'Z'],
    ['GMT', 'Z'],
    ['Etc/UTC', '+00:00'],
    ['GMT0', '+00:00'],
    ['Asia/Kathmandu', '+05:45'],
    ['America/St_Johns', '-03:30'],
  ])('has in %s the offset %s', (timeZone, offset) => {
    expect(toISO(Date.UTC(2026, 0, 1), timeZone).slice('2026-01-01T00:00:00.000'.length)).toBe(offset);
  });

  it('shows a local time the second time when clocks are set as they are then', () => {
    fc.assert(
      fc.property(moments, ({ timeZone, instant }) => {
        expect(toInstant(toLocalTime(instant, timeZone), timeZone, instant)).toBe(instant);
      }),
      runs(400),
    );
  });

  it('has the intervals that luxon makes', () => {
    const intervals = fc.constantFrom('minute', 'hour', 'day', 'week', 'month');
    const LENGTH = { minute: 60_000, hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY };
    fc.assert(
      fc.property(
        moments,
        intervals,
        fc.integer({ min: 1, max: 50 }),
        ({ timeZone, instant }, interval, count) => {
          const until = instant + count * LENGTH[interval];
          const isTime = interval === 'minute' || interval === 'hour';
          const startOf = (date: DateTime): number =>
            isTime ? +date.startOf(interval) : first(date.startOf(interval));
          const start = luxon(startOf(luxon(instant, timeZone)), timeZone);
          const expected = new Set<number>();
          for (let i = 0, next = +start; next < until; next = startOf(start.plus({ [interval]: ++i })))
            expected.add(next);
          const range = parseRange({ from: new Date(instant), to: new Date(until), timeZone });
          expect(iso(listIntervals(range, interval))).toEqual(iso([...expected]));
        },
      ),
      runs(300),
    );
  });

  it('compares with the year before, on the same date', () => {
    fc.assert(
      fc.property(moments, ({ timeZone, instant }) => {
        fc.pre(instant > 400 * DAY);
        const range = parseRange({ from: new Date(instant), to: new Date(instant + DAY), timeZone });
        const date = luxon(instant, timeZone);
        const before = date.minus({ years: 1 });
        const isStart = instant === first(date.startOf('day'));
        const expected = first(isStart ? before.startOf('day') : before);
        expect(iso([comparedRange(range, 'year')?.since ?? NaN])).toEqual(iso([expected]));
      }),
      runs(300),
    );
  });
});
