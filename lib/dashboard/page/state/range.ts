import { TZDateMini } from '@date-fns/tz';
import { keysOf } from './keys.js';

export const RANGES = {
  today: 'Today',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  month: 'This month',
  custom: 'Custom',
} as const;

export type RangeName = keyof typeof RANGES;

export const COMPARISONS = {
  previous: 'vs. before',
  year: 'vs. a year ago',
  none: 'Not compared',
} as const;

export type Comparison = keyof typeof COMPARISONS;

/** From an instant to another, in a time zone. */
export interface Range {
  from: Date;
  to: Date;
  timeZone: string;
}

const DAYS: Partial<Record<RangeName, number>> = { today: 1, '7d': 7, '30d': 30, '90d': 90 };
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?$/;

export function rangeNameOf(address: URLSearchParams): RangeName {
  const given = address.get('range');
  const name = keysOf(RANGES).find((each) => each === given) ?? '30d';
  return name === 'custom' && !customOf(address, timeZoneOf(address)) ? '30d' : name;
}

export function comparisonOf(address: URLSearchParams): Comparison {
  const given = address.get('compare');
  return keysOf(COMPARISONS).find((each) => each === given) ?? 'previous';
}

const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;
/** By what was given: to ask the browser takes a while, and every part of the page asks. */
const zones = new Map<string, string>();

/** The one of the address, or else the browser's. */
export function timeZoneOf(address: URLSearchParams): string {
  const given = address.get('tz');
  if (given === null) return OWN_ZONE;
  let zone = zones.get(given);
  if (zone === undefined) zones.set(given, (zone = zoneOf(given)));
  return zone;
}

function zoneOf(given: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    return OWN_ZONE;
  }
}

/** Days are those of the time zone, and the last of them goes on until now. */
export function rangeOf(address: URLSearchParams, now: Date): Range {
  const timeZone = timeZoneOf(address);
  const name = rangeNameOf(address);
  const custom = name === 'custom' ? customOf(address, timeZone) : undefined;
  if (custom) return custom;
  const from = midnightOf(now, timeZone);
  const days = DAYS[name];
  if (days === undefined) from.setDate(1);
  else from.setDate(from.getDate() - days + 1);
  return { from: new Date(+from), to: now, timeZone };
}

/** What the range is compared to: as much of an earlier one as there has been of this. */
export function comparedOf(address: URLSearchParams, range: Range): string | undefined {
  const comparison = comparisonOf(address);
  if (comparison === 'none') return undefined;
  const name = rangeNameOf(address);
  if (comparison === 'year' || name === 'custom') return comparison;
  const back = (instant: Date): string => {
    const date = new TZDateMini(+instant, range.timeZone);
    const days = DAYS[name];
    if (days !== undefined) date.setDate(date.getDate() - days);
    else {
      const day = date.getDate();
      date.setMonth(date.getMonth() - 1);
      // There is no 31st of each month: its last day then.
      if (date.getDate() !== day) date.setDate(0);
    }
    return new Date(+date).toISOString();
  };
  return `${back(range.from)}/${back(range.to)}`;
}

const two = (number: number): string => String(number).padStart(2, '0');

/** As the address has it: a date alone where it is a midnight. */
export function localOf(instant: Date, timeZone: string): string {
  const date = new TZDateMini(+instant, timeZone);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return +midnightOf(instant, timeZone) === +instant
    ? day
    : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** From a date on, up to a date and with it, or up to a time. */
function customOf(address: URLSearchParams, timeZone: string): Range | undefined {
  const from = parsed(address.get('from'), timeZone);
  const to = parsed(address.get('to'), timeZone);
  if (!from || !to) return undefined;
  if (to.isDay) to.date.setDate(to.date.getDate() + 1);
  return +from.date < +to.date ? { from: new Date(+from.date), to: new Date(+to.date), timeZone } : undefined;
}

function parsed(text: string | null, timeZone: string): { date: Date; isDay: boolean } | undefined {
  const [, year, month, day, hours, minutes] = LOCAL.exec(text ?? '') ?? [];
  if (!year) return undefined;
  const time = [Number(hours ?? 0), Number(minutes ?? 0)] as const;
  const date = new TZDateMini(Number(year), Number(month) - 1, Number(day), ...time, timeZone);
  return Number.isNaN(+date) ? undefined : { date, isDay: hours === undefined };
}

function midnightOf(instant: Date, timeZone: string): Date {
  const date = new TZDateMini(+instant, timeZone);
  date.setHours(0, 0, 0, 0);
  return date;
}

/** A custom range of whole days ends with its last day. */
export function customParameters(from: Date, to: Date, timeZone: string): Record<string, string> {
  const end = localOf(to, timeZone);
  const isDays = !end.includes('T') && !localOf(from, timeZone).includes('T');
  const last = new TZDateMini(+to, timeZone);
  last.setDate(last.getDate() - 1);
  const until = isDays ? localOf(new Date(+last), timeZone) : end.includes('T') ? end : `${end}T00:00`;
  return { range: 'custom', from: localOf(from, timeZone), to: until };
}
