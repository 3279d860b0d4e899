import fc from 'fast-check';
import { parseIsoDate, parseIsoDay } from '../../lib/activity/iso-date.js';
import { LAST_INSTANT } from '../../lib/time/time-zone.js';

const MINUTE = 60_000;

function isoOf(instant: number | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString();
}

describe('an ISO 8601 date and time', () => {
  it.each([
    ['without an offset is UTC', '2026-02-03T04:05:06', '2026-02-03T04:05:06.000Z'],
    ['without seconds', '2026-02-03T04:05Z', '2026-02-03T04:05:00.000Z'],
    ['keeps its milliseconds', '2026-02-03T04:05:06.789Z', '2026-02-03T04:05:06.789Z'],
    ['with tenths of a second', '2026-02-03T04:05:06.7Z', '2026-02-03T04:05:06.700Z'],
    ['with a comma for the point', '2026-02-03T04:05:06,78Z', '2026-02-03T04:05:06.780Z'],
    [
      'is cut where it is finer than a millisecond',
      '2026-02-03T04:05:06.7899999999Z',
      '2026-02-03T04:05:06.789Z',
    ],
    ['in the basic format', '20260203T040506Z', '2026-02-03T04:05:06.000Z'],
    ['with an offset in the basic format', '20260203T040506+0230', '2026-02-03T01:35:06.000Z'],
    ['in lower case', '2026-02-03t04:05:06z', '2026-02-03T04:05:06.000Z'],
    ['with a space for the T', '2026-02-03 04:05:06Z', '2026-02-03T04:05:06.000Z'],
    ['with an offset to the east', '2026-02-03T04:05:06+05:45', '2026-02-02T22:20:06.000Z'],
    ['with an offset to the west', '2026-02-03T04:05:06-03:30', '2026-02-03T07:35:06.000Z'],
    ['with an offset of hours', '2026-02-03T04:05:06+02', '2026-02-03T02:05:06.000Z'],
    ['whose plus a form made a space', '2026-02-03T04:05:06 02:00', '2026-02-03T02:05:06.000Z'],
    ['on a leap day', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['on a leap day of a 400th year', '2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['at the first instant of 1970', '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['at the last instant of 9999', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s: %s', (_, text, instant) => {
    expect(isoOf(parseIsoDate(text))).toBe(instant);
  });

  it.each([
    ['an empty text', ''],
    ['a date without a time', '2026-02-03'],
    ['a time without a date', '04:05:06Z'],
    ['milliseconds since 1970', '1770091506789'],
    ["the text of JavaScript's Date", 'Tue Feb 03 2026 04:05:06 GMT+0000'],
    ['the month 0', '2026-00-03T04:05:06Z'],
    ['the month 13', '2026-13-03T04:05:06Z'],
    ['the day 0', '2026-02-00T04:05:06Z'],
    ['the 29th of February of no leap year', '2026-02-29T04:05:06Z'],
    ['the 29th of February of 2100', '2100-02-29T04:05:06Z'],
    ['the 31st of April', '2026-04-31T04:05:06Z'],
    ['the hour 24', '2026-02-03T24:00:00Z'],
    ['the minute 60', '2026-02-03T04:60:06Z'],
    ['the second 60', '2026-02-03T04:05:60Z'],
    ['an offset of 24 hours', '2026-02-03T04:05:06+24:00'],
    ['an offset of 60 minutes', '2026-02-03T04:05:06+01:60'],
    ['an offset and a Z', '2026-02-03T04:05:06+01:00Z'],
    ['a point without a fraction', '2026-02-03T04:05:06.Z'],
    // JavaScript takes the years 0 to 99 for those of the 20th century.
    ['the year 75', '0075-02-03T04:05:06Z'],
    ['a year before 1970', '1969-12-31T23:59:59.999Z'],
    ['an offset that leads before 1970', '1970-01-01T00:00:00+00:01'],
    ['an offset that leads after 9999', '9999-12-31T23:59:59-00:01'],
    ['a year of five digits', '10000-01-01T00:00:00Z'],
    ['a year with a sign', '+275760-09-13T00:00:00Z'],
    ['a line break at the end', '2026-02-03T04:05:06Z\n'],
    ['a space before it', ' 2026-02-03T04:05:06Z'],
    ['digits that are not ASCII', '２０２６-02-03T04:05:06Z'],
    ['NUL', '2026-02-03T04:05:06Z\0'],
  ])('is not %s: %j', (_, text) => {
    expect(parseIsoDate(text)).toBeUndefined();
  });

  it('of every instant from 1970 to 9999 is read back, with any offset', () => {
    const anInstant = fc.integer({ min: 0, max: LAST_INSTANT });
    const anOffset = fc.integer({ min: -1439, max: 1439 });
    fc.assert(
      fc.property(anInstant, anOffset, (instant, offset) => {
        const local = new Date(instant + offset * MINUTE).toISOString();
        fc.pre(/^\d/.test(local) && local >= '1970');
        const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const sign = offset < 0 ? '-' : '+';
        const text = `${local.slice(0, -1)}${sign}${two(hours)}:${two(minutes)}`;
        expect(parseIsoDate(text)).toBe(instant);
      }),
      { numRuns: 1000 },
    );
  });

  it('is one of the calendar, or nothing', () => {
    const aYear = fc.integer({ min: 1960, max: 2105 });
    const fields = fc.tuple(aYear, fc.nat(13), fc.nat(32), fc.nat(24), fc.nat(60), fc.nat(60));
    fc.assert(
      fc.property(fields, ([year, month, day, hour, minute, second]) => {
        const text = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.000Z`;
        const instant = Date.UTC(year, month - 1, day, hour, minute, second);
        const isReal = year >= 1970 && new Date(instant).toISOString() === text;
        expect(parseIsoDate(text)).toBe(isReal ? instant : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it('never fails to be read or refused, whatever the text', () => {
    const alike = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789-:+.,TtZz \n')),
      maxLength: 40,
    });
    const text = fc.oneof(fc.string({ unit: 'binary' }), alike);
    fc.assert(
      fc.property(text, (any) => {
        const instant = parseIsoDate(any) ?? 0;
        expect(Number.isInteger(instant) && instant >= 0 && instant <= LAST_INSTANT).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a date alone', () => {
  it.each(['2026-11-09', '20261109', '202611-09', '2026-1109'])(
    '%s is the start of that day in UTC',
    (text) => {
      expect(isoOf(parseIsoDay(text))).toBe('2026-11-09T00:00:00.000Z');
    },
  );

  it.each([
    '2026-11-31',
    '1969-12-31',
    '2026-11-09T00:00Z',
    '2026-11-09T00:00',
    '2026-11-09 00:00+',
    '2026-11-09 ',
    ' 2026-11-09',
    '12026-11-09',
    '2026-11-9',
    '',
  ])('%j is none', (text) => {
    expect(parseIsoDay(text)).toBeUndefined();
  });
});

function two(number: number): string {
  return String(number).padStart(2, '0');
}
