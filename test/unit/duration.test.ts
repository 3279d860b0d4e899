import { isDuration, startOfDayBefore } from '../../lib/time/duration.js';

const before = (now: string, duration: string): string =>
  new Date(startOfDayBefore(Date.parse(now), duration)).toISOString();

describe('a duration', () => {
  it.each([
    ['2026-11-27T13:00Z', '1 day', '2026-11-26'],
    ['2026-11-27T00:00Z', '90 days', '2026-08-29'],
    ['2026-11-27T23:59Z', '2 weeks', '2026-11-13'],
    ['2026-11-27T13:00Z', '25 months', '2024-10-27'],
    ['2026-03-31T13:00Z', '1 month', '2026-02-28'],
    ['2024-02-29T13:00Z', '1 year', '2023-02-28'],
    ['2026-01-15T13:00Z', '13 months', '2024-12-15'],
    ['2026-11-27T13:00Z', '2 years', '2024-11-27'],
    ['2026-12-31T13:00Z', '1 month', '2026-11-30'],
    ['2026-05-30T13:00Z', '3 months', '2026-02-28'],
    ['2026-11-27T12:34:56.789Z', '1 month', '2026-10-27'],
  ])('before %s, %s, begins on %s', (now, duration, day) => {
    expect(before(now, duration)).toBe(`${day}T00:00:00.000Z`);
  });

  it.each(['1 day', '1 days', '90 days', '1 week', '52 weeks', '25 months', '1 year', '99999 years'])(
    'is %j',
    (value) => {
      expect(isDuration(value)).toBe(true);
    },
  );

  it.each([
    '',
    '0 days',
    '-1 days',
    '1.5 days',
    '3 hours',
    '1day',
    ' 1 day',
    '1 day ',
    '100000 days',
    5,
    null,
    ['1 day'],
  ])('is not %j', (value) => {
    expect(isDuration(value)).toBe(false);
  });

  it('has no start if it is none', () => {
    for (const wrong of ['', '3 hours', ' 1 day'])
      expect(() => startOfDayBefore(0, wrong)).toThrow(`not a duration: ${wrong}`);
  });
});
