import { TZDateMini } from '@date-fns/tz';
import { typedKeys } from './keys.js';

export const RANGES = {
  today: 'Today',
  yesterday: 'Yesterday',
  week: 'This week',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  month: 'This month',
  lastMonth: 'Last month',
  '12m': 'Last 12 months',
  all: 'All time',
  custom: 'Custom',
} as const;

export type RangeName = keyof typeof RANGES;

const DEFAULT: RangeName = '30d';

export const COMPARISONS = {
  previous: 'Previous period',
  year: 'Previous year',
  none: 'No comparison',
} as const;

export type Comparison = keyof typeof COMPARISONS;

/** A range of time (the end is exclusive) in a time zone. */
export interface Range {
  from: Date;
  to: Date;
  timeZone: string;
}

interface Step {
  days?: number;
  months?: number;
}

/** The distance to the previous range. All time has no previous range; for a custom range it is its length. */
const STEPS: Partial<Record<RangeName, Step>> = {
  today: { days: 1 },
  yesterday: { days: 1 },
  week: { days: 7 },
  '7d': { days: 7 },
  '30d': { days: 30 },
  '90d': { days: 90 },
  month: { months: 1 },
  lastMonth: { months: 1 },
  '12m': { months: 12 },
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?$/;

export function parseRangeName(url: URLSearchParams): RangeName {
  const given = url.get('range');
  return typedKeys(RANGES).find((each) => each === given) ?? DEFAULT;
}

/** Returns the URL parameters of a named range. */
export const rangeParameters = (name: RangeName): Record<string, string | null> => ({
  range: name === DEFAULT ? null : name,
  from: null,
  to: null,
});

/** Returns the comparison of the URL; none for all time. */
export function parseComparison(url: URLSearchParams): Comparison {
  const given = url.get('compare');
  if (parseRangeName(url) === 'all') return 'none';
  return typedKeys(COMPARISONS).find((each) => each === given) ?? 'previous';
}

export const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Caches time zones by name, because looking one up is slow and every part of the page does it. */
const zones = new Map<string, string | undefined>();

/** Returns the canonical name of a time zone, if the browser knows it. */
function findZone(name: string): string | undefined {
  if (!zones.has(name)) {
    try {
      zones.set(name, new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone);
    } catch {
      zones.set(name, undefined);
    }
  }
  return zones.get(name);
}

/** Returns the time zone of the URL, otherwise the browser's. */
export function parseTimeZone(url: URLSearchParams): string {
  return findZone(url.get('tz') ?? OWN_ZONE) ?? OWN_ZONE;
}

/** Returns an error message if the range of the URL is invalid. */
export function findRangeProblem(url: URLSearchParams): string | undefined {
  const zone = url.get('tz');
  if (zone !== null && findZone(zone) === undefined) return `“${zone}” is not a known time zone.`;
  const given = url.get('range');
  if (given !== null && parseRangeName(url) !== given) return `“${given}” is not a known range.`;
  if (given !== 'custom') return undefined;
  const [from, to] = [url.get('from'), url.get('to')];
  for (const [name, text] of Object.entries({ from, to }))
    if (!parseDate(text, OWN_ZONE))
      return text === null
        ? `The range has no “${name}” date.`
        : `“${text}” is not a date such as 2026-11-30.`;
  return parseCustomRange(url, parseTimeZone(url))
    ? undefined
    : `The range ends before it begins: from ${from} to ${to}.`;
}

/**
 * Returns the range of the URL. It ends now if it includes today.
 * @param since the date of the first activity, which is the start of all time
 */
export function parseRange(url: URLSearchParams, now: Date, since: string | null): Range {
  const timeZone = parseTimeZone(url);
  const name = parseRangeName(url);
  if (name === 'custom') {
    const custom = parseCustomRange(url, timeZone);
    if (custom) return custom;
  }
  const { from, to } = wholeRange(name === 'custom' ? DEFAULT : name, now, timeZone, since);
  return { from, to: +to > +now ? now : to, timeZone };
}

/** Returns a named range, up to the end of its last day. */
function wholeRange(name: RangeName, now: Date, timeZone: string, since: string | null): Range {
  const today = startOfDay(now, timeZone);
  const from = new TZDateMini(+today, timeZone);
  const to = new TZDateMini(+today, timeZone);
  to.setDate(to.getDate() + 1);
  const days = STEPS[name]?.days ?? 1;
  switch (name) {
    case 'yesterday':
      from.setDate(from.getDate() - 1);
      to.setTime(+today);
      break;
    case 'week':
      // Weeks start on Monday, as in statistics.
      from.setDate(from.getDate() - ((from.getDay() + 6) % 7));
      to.setTime(+from);
      to.setDate(to.getDate() + 7);
      break;
    case 'month':
    case 'lastMonth':
    case '12m':
      from.setDate(1);
      to.setTime(+from);
      if (name === 'lastMonth') from.setMonth(from.getMonth() - 1);
      else to.setMonth(to.getMonth() + 1);
      if (name === '12m') from.setMonth(from.getMonth() - 11);
      break;
    case 'all':
      if (since !== null) from.setTime(+startOfDay(new Date(since), timeZone));
      break;
    default:
      from.setDate(from.getDate() - days + 1);
  }
  return { from: new Date(+from), to: new Date(+to), timeZone };
}

/** Returns the parameter `compareTo`: the earlier range, up to the same point as this one. */
export function computeComparedRange(url: URLSearchParams, range: Range): string | undefined {
  const comparison = parseComparison(url);
  if (comparison === 'none') return undefined;
  const step = STEPS[parseRangeName(url)];
  if (comparison === 'year' || !step) return comparison;
  const back = (instant: Date): string => move(instant, step, -1, range.timeZone).toISOString();
  return `${back(range.from)}/${back(range.to)}`;
}

/** Moves an instant; a day that the month does not have becomes its last day. */
function move(instant: Date, { days = 0, months = 0 }: Step, direction: 1 | -1, timeZone: string): Date {
  const date = new TZDateMini(+instant, timeZone);
  date.setDate(date.getDate() + direction * days);
  const day = date.getDate();
  date.setMonth(date.getMonth() + direction * months);
  if (date.getDate() !== day) date.setDate(0);
  return new Date(+date);
}

/**
 * Returns the parameters of the previous or next range.
 * @returns undefined if it would start after now, or the range is all time
 */
export function neighbourParameters(
  url: URLSearchParams,
  now: Date,
  direction: 1 | -1,
): Record<string, string | null> | undefined {
  const name = parseRangeName(url);
  const timeZone = parseTimeZone(url);
  const range = name === 'custom' ? parseCustomRange(url, timeZone) : wholeRange(name, now, timeZone, null);
  if (name === 'all' || !range) return undefined;
  const step = STEPS[name] ?? measureLength(range);
  const shift = (instant: Date): Date =>
    step
      ? move(instant, step, direction, timeZone)
      : new Date(+instant + direction * (+range.to - +range.from));
  const [from, to] = [shift(range.from), shift(range.to)];
  if (+from >= +now) return undefined;
  const named = typedKeys(STEPS).find((each) => {
    const other = wholeRange(each, now, timeZone, null);
    return +other.from === +from && +other.to === +to;
  });
  return named ? rangeParameters(named) : customParameters(from, to, timeZone);
}

/** Returns the length of a range in days or months; undefined if it starts or ends within a day. */
function measureLength({ from, to, timeZone }: Range): Step | undefined {
  const [first, last] = [new TZDateMini(+from, timeZone), new TZDateMini(+to, timeZone)];
  if (+startOfDay(from, timeZone) !== +from || +startOfDay(to, timeZone) !== +to) return undefined;
  if (first.getDate() === 1 && last.getDate() === 1)
    return { months: 12 * (last.getFullYear() - first.getFullYear()) + last.getMonth() - first.getMonth() };
  // Rounds, because days may have 23 or 25 hours.
  return { days: Math.round((+to - +from) / DAY) };
}

const two = (number: number): string => String(number).padStart(2, '0');

/** Formats an instant for the URL: a date alone if it is midnight. */
function formatLocal(instant: Date, timeZone: string): string {
  const date = new TZDateMini(+instant, timeZone);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return +startOfDay(instant, timeZone) === +instant
    ? day
    : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Parses a custom range: its end is a date (inclusive) or a time (exclusive). */
function parseCustomRange(url: URLSearchParams, timeZone: string): Range | undefined {
  const from = parseDate(url.get('from'), timeZone);
  const to = parseDate(url.get('to'), timeZone);
  if (!from || !to) return undefined;
  if (to.isDay) to.date.setDate(to.date.getDate() + 1);
  return +from.date < +to.date ? { from: new Date(+from.date), to: new Date(+to.date), timeZone } : undefined;
}

function parseDate(text: string | null, timeZone: string): { date: Date; isDay: boolean } | undefined {
  const [, year, month, day, hours, minutes] = LOCAL.exec(text ?? '') ?? [];
  if (!year) return undefined;
  const time = [Number(hours ?? 0), Number(minutes ?? 0)] as const;
  const date = new TZDateMini(Number(year), Number(month) - 1, Number(day), ...time, timeZone);
  // Rejects dates such as 31 April.
  const isReal = date.getDate() === Number(day) && date.getMonth() === Number(month) - 1;
  return isReal ? { date, isDay: hours === undefined } : undefined;
}

function startOfDay(instant: Date, timeZone: string): Date {
  const date = new TZDateMini(+instant, timeZone);
  date.setHours(0, 0, 0, 0);
  return date;
}

/** Returns the URL parameters of a custom range; whole days end with the last day (inclusive). */
export function customParameters(from: Date, to: Date, timeZone: string): Record<string, string> {
  const end = formatLocal(to, timeZone);
  const isDays = !end.includes('T') && !formatLocal(from, timeZone).includes('T');
  const last = new TZDateMini(+to, timeZone);
  last.setDate(last.getDate() - 1);
  const until = isDays ? formatLocal(new Date(+last), timeZone) : end.includes('T') ? end : `${end}T00:00`;
  return { range: 'custom', from: formatLocal(from, timeZone), to: until };
}
