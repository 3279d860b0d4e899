import type { Interval } from '../../../lib/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** All current time zones start days and change offsets at a multiple of this. */
const QUARTER = 15 * MINUTE;

/** Reads local times by `Intl`, and caches the offset from UTC for each quarter of an hour. */
class Offsets {
  private readonly format: Intl.DateTimeFormat;
  private readonly known = new Map<number, number>();

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  at(instant: number): number {
    const quarter = instant - (instant % QUARTER);
    const offset = this.known.get(quarter) ?? this.read(quarter) - quarter;
    this.known.set(quarter, offset);
    return offset;
  }

  /** Returns the local time as if it were UTC. */
  private read(instant: number): number {
    // 10/26/2025, 01:59:00
    const parts = this.format.format(instant).match(/\d+/g)?.map(Number);
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts ?? [];
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }
}

const zones = new Map<string, Offsets>();

/** A time zone, found by reading local times only; an independent check of the library's calendar. */
export class Clock {
  private readonly offsets: Offsets;

  constructor(private readonly timeZone = 'UTC') {
    this.offsets = zones.get(timeZone) ?? new Offsets(timeZone);
    zones.set(timeZone, this.offsets);
  }

  /** Returns the local time as if it were UTC. */
  shown(instant: number): Date {
    return new Date(instant + this.offset(instant));
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

  /** Returns the start of the next interval. */
  next(interval: Interval, start: number): number {
    if (interval === 'minute') return start + MINUTE;
    if (interval === 'hour') return start + HOUR;
    let next = this.nextDay(start);
    while (!this.isFirst(interval, next)) next = this.nextDay(next);
    return next;
  }

  /** Returns the same time of the same day a year before; 28 February for 29 February. */
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
    // If the clocks skipped that local time, uses the offset before the change.
    return near - (found ?? this.offset(near - 24 * HOUR));
  }

  private offset(instant: number): number {
    return this.offsets.at(instant);
  }

  private day(instant: number): number {
    return Math.floor((instant + this.offset(instant)) / DAY);
  }

  private startOfDay(instant: number): number {
    const day = this.day(instant);
    let start = instant - (instant % QUARTER);
    while (this.day(start - 1) === day) start -= QUARTER;
    return start;
  }

  private nextDay(start: number): number {
    // No day is shorter than 22 hours.
    let next = start + 22 * HOUR;
    while (this.day(next) === this.day(start)) next += QUARTER;
    return next;
  }

  private isFirst(interval: Interval, startOfDay: number): boolean {
    if (interval === 'week') return this.shown(startOfDay).getUTCDay() === 1;
    return interval === 'month' ? this.shown(startOfDay).getUTCDate() === 1 : true;
  }
}
