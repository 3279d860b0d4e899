/** A calendar duration, such as `25 months` or `90 days`. */
export type Duration = `${number} ${'day' | 'week' | 'month' | 'year'}${'' | 's'}`;

const DURATION = /^([1-9]\d{0,4}) (day|week|month|year)s?$/;

export function isDuration(value: unknown): value is Duration {
  return typeof value === 'string' && DURATION.test(value);
}

/**
 * Returns the start of the UTC day that is a duration before an instant. From the end of a month, months lead to the last day
 * of a shorter month.
 * @param now milliseconds since 1970
 * @throws Error if it is no duration
 */
export function startOfDayBefore(now: number, duration: string): number {
  const match = DURATION.exec(duration);
  if (!match) throw new Error(`not a duration: ${duration}`);
  const [, digits, unit] = match;
  const count = Number(digits);
  const date = new Date(now);
  date.setUTCHours(0, 0, 0, 0);
  if (unit === 'day' || unit === 'week') {
    date.setUTCDate(date.getUTCDate() - count * (unit === 'week' ? 7 : 1));
    return date.getTime();
  }
  const dayOfMonth = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() - count * (unit === 'year' ? 12 : 1));
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(dayOfMonth, lastDay));
  return date.getTime();
}
