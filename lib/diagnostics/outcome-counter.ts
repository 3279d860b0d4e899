import { HOUR } from '../time/units.js';

/** The count of a cause in an hour. */
export interface OutcomeCount {
  /** The beginning of the hour, in milliseconds since 1970. */
  hour: number;
  /** The cause, as passed to {@link OutcomeCounter.count}. */
  cause: string;
  count: number;
}

/** A refused request to the tracking route, without its body and without the address that it came from. */
export interface Refusal {
  /** ISO 8601, by the clock of this process. */
  at: string;
  status: number;
  /** The cause under which it is counted. */
  cause: string;
  method: string;
  /** The media type of the body. */
  contentType: string | null;
  /** The `Origin` header: the site whose page has sent it. */
  origin: string | null;
}

/** The maximum number of hours and causes that wait while the database is unavailable. Older hours and additional causes are dropped. */
const MAX_HOURS = 48;
const MAX_CAUSES = 100;
const MAX_REFUSALS = 50;

/**
 * Counts what becomes of activities and requests, by hour and cause, in memory. Causes of activities are `stored`, `transform`
 * (dropped by the option), `signal` (dropped by the option `respect`) and `consent` (not stored without consent); those of stored
 * ones that are marked are `bot` and `unknown`. Causes of refused requests are their status, such as `503`; with the first wrong
 * property, such as `400.date`; `401.host` and `403.host` if the host's own guards turned it away; `cors` for a preflight
 * request that nobody answers.
 */
export class OutcomeCounter {
  private hours = new Map<number, Map<string, number>>();
  private current = new Map<string, number>();
  private currentHour = Number.NaN;
  private refusals: Refusal[] = [];
  /** The counts since the start of the process, by cause. */
  readonly totals = new Map<string, number>();
  /** Called when there is something to store. */
  onCount: () => void = () => {};
  /** Awaited before an activity that was stored is answered; it never rejects. `undefined` if nothing is to be done. */
  beforeAnswer: (() => Promise<void>) | undefined;
  /** When this process stored an activity for the last time, in milliseconds since 1970. */
  storedAt: number | undefined;

  count(cause: string, times = 1): void {
    if (times === 0) return;
    const now = Date.now();
    if (!(now >= this.currentHour && now < this.currentHour + HOUR)) this.enter(now - (now % HOUR));
    const counted = this.current.get(cause);
    if (counted === undefined && this.current.size >= MAX_CAUSES) return;
    this.current.set(cause, (counted ?? 0) + times);
    this.totals.set(cause, (this.totals.get(cause) ?? 0) + times);
    if (counted === undefined) this.onCount();
  }

  refuse(refusal: Refusal): void {
    this.count(refusal.cause);
    this.refusals = [...this.refusals.slice(1 - MAX_REFUSALS), refusal];
  }

  /** The last 50 of this process, the latest first. */
  get lastRefusals(): Refusal[] {
    return this.refusals.toReversed();
  }

  get isEmpty(): boolean {
    return this.hours.size === 0;
  }

  /** Returns the counts since the last call. */
  take(): OutcomeCount[] {
    const counts = [...this.hours].flatMap(([hour, causes]) =>
      [...causes].map(([cause, count]) => ({ hour, cause, count })),
    );
    this.hours = new Map();
    this.currentHour = Number.NaN;
    return counts;
  }

  /** Adds back counts that could not be stored. */
  restore(counts: OutcomeCount[]): void {
    for (const { hour, cause, count } of counts) {
      const causes = this.hours.get(hour) ?? new Map<string, number>();
      this.hours.set(hour, causes.set(cause, (causes.get(cause) ?? 0) + count));
    }
    this.currentHour = Number.NaN;
    this.limit();
  }

  private enter(hour: number): void {
    this.current = this.hours.get(hour) ?? new Map<string, number>();
    this.hours.set(hour, this.current);
    this.currentHour = hour;
    this.limit();
  }

  private limit(): void {
    const oldest = [...this.hours.keys()].sort((a, b) => a - b).slice(0, -MAX_HOURS);
    for (const hour of oldest) this.hours.delete(hour);
  }
}

/** Returns one count for each hour and cause. */
export function sumOutcomes(counts: OutcomeCount[]): OutcomeCount[] {
  const sums = new Map<string, OutcomeCount>();
  for (const each of counts) {
    const key = `${each.hour} ${each.cause}`;
    const sum = sums.get(key);
    if (sum) sum.count += each.count;
    else sums.set(key, { ...each });
  }
  return [...sums.values()];
}
