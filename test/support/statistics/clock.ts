import type { Interval } from '../../../lib/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** No time zone of today begins its days at another minute. */
const QUARTER = 15 * MINUTE;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  formats.set(timeZone, format);
  return format;
}

/** The clocks of a time zone, understood by looking at them again and again. */
export class Clock {
  private readonly format: Intl.DateTimeFormat;

  constructor(private readonly timeZone = 'UTC') {
    this.format = formatOf(timeZone);
  }

  /** What the clock shows, as if it were UTC. */
  shown(instant: number): Date {
    const parts = this.format.formatToParts(instant).map(({ type, value }) => [type, Number(value)] as const);
    const { year = 0, month = 0, day, hour, minute, second } = Object.fromEntries(parts);
    return new Date(Date.UTC(year, month - 1, day, hour, minute, second, instant % 1000));
  }

  iso(instant: number): string {
    const shown = this.shown(instant).toISOString().slice(0, -1);
    if (this.timeZone === 'UTC') return `${shown}Z`;
    const offset = this.offset(instant);
    const hours = new Date(Math.abs(offset)).toISOString().slice(11, 16);
    return `${shown}${offset < 0 ? '-' : '+'}${hours}`;
  }

  startOf(interval: Interval, instant: number): number {
    const shown = this.shown(instant).getTime();
    if (interval === 'minute') return instant - (shown % MINUTE);
    if (interval === 'hour') return instant - (shown % HOUR);
    let start = this.startOfDay(instant);
    while (!this.isFirst(interval, start)) start = this.startOfDay(start - 1);
    return start;
  }

  /** The start of the interval after the one that starts here. */
  next(interval: Interval, start: number): number {
    if (interval === 'minute') return start + MINUTE;
    if (interval === 'hour') return start + HOUR;
    let next = this.nextDay(start);
    while (!this.isFirst(interval, next)) next = this.nextDay(next);
    return next;
  }

  /** The same time of the same day a year ago; of 29 February 28 February. */
  yearBefore(instant: number): number {
    if (this.startOfDay(instant) === instant) return this.startOfDay(this.sameTimeYearBefore(instant));
    return this.sameTimeYearBefore(instant);
  }

  private sameTimeYearBefore(instant: number): number {
    const before = this.shown(instant);
    const isLeapDay = before.getUTCMonth() === 1 && before.getUTCDate() === 29;
    if (isLeapDay) before.setUTCDate(28);
    before.setUTCFullYear(before.getUTCFullYear() - 1);
    const near = before.getTime();
    const offsets = [instant, near - 24 * HOUR, near + 24 * HOUR].map((at) => this.offset(at));
    const found = offsets.find((offset) => this.shown(near - offset).getTime() === near);
    // Where the clocks leapt over that time, they would have shown it without the leap.
    return near - (found ?? this.offset(near - 24 * HOUR));
  }

  private offset(instant: number): number {
    return this.shown(instant).getTime() - instant;
  }

  private day(instant: number): string {
    return this.shown(instant).toISOString().slice(0, 10);
  }

  private startOfDay(instant: number): number {
    const day = this.day(instant);
    let start = instant - (instant % QUARTER);
    while (this.day(start - 1) === day) start -= QUARTER;
    return start;
  }

  private nextDay(start: number): number {
    // No day is shorter.
    let next = start + 22 * HOUR;
    while (this.day(next) === this.day(start)) next += QUARTER;
    return next;
  }

  private isFirst(interval: Interval, startOfDay: number): boolean {
    if (interval === 'week') return this.shown(startOfDay).getUTCDay() === 1;
    return interval === 'month' ? this.shown(startOfDay).getUTCDate() === 1 : true;
  }
}
