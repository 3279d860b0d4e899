import {
  listCohortStarts,
  comparedRange,
  listIntervals,
  isoIn,
  parseRange,
} from '../../lib/statistics/time/calendar.js';

const iso = (range: ReturnType<typeof parseRange>, instants: number[]): string[] =>
  instants.map((instant) => isoIn(range, instant));

describe('the calendar of a time zone', () => {
  it('has days of 23 and of 25 hours', () => {
    const hours = (from: string, to: string): number =>
      listIntervals(parseRange({ from, to, timeZone: 'Europe/Berlin' }), 'hour').length;
    expect(hours('2026-03-28T23:00Z', '2026-03-29T22:00Z')).toBe(23);
    expect(hours('2026-10-24T22:00Z', '2026-10-25T23:00Z')).toBe(25);
  });

  it('divides a range into at most 5,000 intervals, and at most 366 days, 366 weeks or 1,560 months of cohorts', () => {
    const days = (count: number): ReturnType<typeof parseRange> =>
      parseRange({ from: new Date(0), to: new Date(count * 86_400_000) });
    expect(listIntervals(days(5000), 'day')).toHaveLength(5000);
    expect(() => listIntervals(days(5001), 'day')).toThrow(
      'interval would make more than 5000 points of this range',
    );
    expect(listCohortStarts(days(366), 'day')).toHaveLength(366);
    expect(() => listCohortStarts(days(367), 'day')).toThrow(
      'period would make more than 366 cohorts of this range',
    );
    const from = '1970-01-01';
    expect(listCohortStarts(parseRange({ from, to: '2099-12-31' }), 'month')).toHaveLength(1560);
    expect(() => listCohortStarts(parseRange({ from, to: '2100-01-01' }), 'month')).toThrow(
      'period would make more than 1560 cohorts of this range',
    );
    expect(() => listCohortStarts(days(7 * 366), 'week')).toThrow('more than 366 cohorts');
  });

  it('reads a date without a time as the start of the day, or as its end', () => {
    const range = (from: string, to: string, timeZone?: string): string[] => {
      const { since, until } = parseRange({ from, to, timeZone });
      return [since, until].map((instant) => new Date(instant).toISOString());
    };
    expect(range('2026-11-01', '2026-11-30')).toEqual([
      '2026-11-01T00:00:00.000Z',
      '2026-12-01T00:00:00.000Z',
    ]);
    expect(range('20260329', '20260329', 'Europe/Berlin')).toEqual([
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    // Clocks are put on at midnight.
    expect(range('2026-04-23', '2026-04-24', 'Africa/Cairo')).toEqual([
      '2026-04-22T22:00:00.000Z',
      '2026-04-24T21:00:00.000Z',
    ]);
    expect(range('2026-11-01', '2026-11-01T12:00Z', 'America/New_York')).toEqual([
      '2026-11-01T04:00:00.000Z',
      '2026-11-01T12:00:00.000Z',
    ]);
    expect(() => parseRange({ from: '2026-02-30' })).toThrow('from must be');
    expect(() => parseRange({ from: '2026-02-02', to: '2026-02-01' })).toThrow('before');
  });

  it('begins a day with the first of two midnights if clocks are put back at midnight', () => {
    const range = parseRange({
      from: '2024-11-03T12:00Z',
      to: '2024-11-04T12:00Z',
      timeZone: 'America/Havana',
    });
    expect(iso(range, listIntervals(range, 'day'))).toEqual([
      '2024-11-03T00:00:00.000-04:00',
      '2024-11-04T00:00:00.000-05:00',
    ]);
  });

  it('compares whole days with as many days before, whatever their hours', () => {
    const range = parseRange({
      from: '2026-10-24T22:00Z',
      to: '2026-10-26T23:00Z',
      timeZone: 'Europe/Berlin',
    });
    const before = comparedRange(range, 'previous');
    expect(before && iso(before, [before.since, before.until])).toEqual([
      '2026-10-23T00:00:00.000+02:00',
      '2026-10-25T00:00:00.000+02:00',
    ]);
  });

  it('compares with the same local dates a year ago', () => {
    const range = parseRange({
      from: '2025-11-02T05:00Z',
      to: '2025-11-03T05:00Z',
      timeZone: 'America/Havana',
    });
    const year = comparedRange(range, 'year');
    expect(year && iso(year, [year.since, year.until])).toEqual([
      '2024-11-02T00:00:00.000-04:00',
      '2024-11-03T00:00:00.000-04:00',
    ]);
  });

  it('compares a day that clocks let begin at one with the whole day a year ago', () => {
    const range = parseRange({
      from: '2025-03-09T05:00Z',
      to: '2025-03-10T04:00Z',
      timeZone: 'America/Havana',
    });
    const year = comparedRange(range, 'year');
    expect(year && iso(year, [year.since, year.until])).toEqual([
      '2024-03-09T00:00:00.000-05:00',
      '2024-03-10T01:00:00.000-04:00',
    ]);
  });
});
