import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import type { StoredActivity } from './activity.js';
import { isNearStart, MAX_VISIT_DURATION, type VisitSpan } from './visit-id.js';

type InVisit = Pick<StoredActivity, 'visitId' | 'date'>;

type Span = Omit<VisitSpan, 'id'>;

interface Limits {
  /** Asked in place of a connection of its own, if the store is on TypeORM; another store refuses to write with it. */
  manager?: EntityManager | undefined;
  /** Milliseconds that the database may take. */
  timeout?: number;
}

/** The visits that are asked for in one turn of the event loop. */
interface Lookup {
  ids: Set<string>;
  /** Milliseconds; the longest of those who wait for it. */
  timeout: number;
  done: Promise<void>;
}

/** How many visits one lookup asks for: with more, another lookup begins. */
const MAX_IDS = 5000;
/** How many visits are asked for at once: more are refused, as more activities than the writer has room for. */
const MAX_WAITING = 20_000;

/**
 * Sees to it that a visit ends after 24 hours, also if its id comes from server code or an import. The ids that are made
 * here begin with the start of the visit; of others the database says when their activities were.
 */
export class VisitBounds {
  private cache: LRUCache<string, Span> | undefined;

  private next: Lookup | undefined;
  /** How many visits are asked for. */
  private waiting = 0;

  constructor(private readonly store: Pick<Store, 'findVisitSpans' | 'typeorm'>) {}

  /**
   * Finds the activities that are in time for their visits, and remembers them as parts of these.
   * @returns the others: those that would make their visit last for 24 hours or longer
   * @throws UnavailableError
   */
  async findLate<T extends InVisit>(activities: T[], limits: Limits = {}): Promise<T[]> {
    const unsure = activities.filter(({ visitId, date }) => visitId !== null && !isNearStart(visitId, date));
    if (unsure.length === 0) return [];
    await this.load(
      unsure.flatMap(({ visitId }) => visitId ?? []),
      limits,
    );
    return unsure.filter(({ visitId, date }) => !this.extend(visitId ?? '', date.getTime()));
  }

  /** To be called when activities are erased. */
  clear(): void {
    this.cache?.clear();
  }

  /**
   * Not for long, as another instance may add to a visit, or erase it. Created when it is first used, because it takes 2 MB at once,
   * and most hosts never need it.
   */
  private get spans(): LRUCache<string, Span> {
    return (this.cache ??= new LRUCache({ max: 50_000, ttl: 60_000, ttlResolution: 1000 }));
  }

  private extend(id: string, date: number): boolean {
    const { first, last } = this.spans.get(id) ?? { first: date, last: date };
    const span = { first: Math.min(first, date), last: Math.max(last, date) };
    if (span.last - span.first >= MAX_VISIT_DURATION) return false;
    this.spans.set(id, span);
    return true;
  }

  private async load(ids: string[], { manager, timeout = Number.POSITIVE_INFINITY }: Limits): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.spans.has(id));
    if (unknown.length === 0) return;
    if (manager) return this.add((await this.store.typeorm?.findVisitSpans(manager, unknown)) ?? []);
    if (this.waiting > 0 && this.waiting + unknown.length > MAX_WAITING)
      throw new UnavailableError('too many visits of activities are looked up');
    const lookup = this.next && this.next.ids.size < MAX_IDS ? this.next : this.beginLookup();
    for (const id of unknown) lookup.ids.add(id);
    lookup.timeout = Math.max(lookup.timeout, timeout);
    this.waiting += unknown.length;
    try {
      await within(lookup.done, timeout);
    } finally {
      this.waiting -= unknown.length;
    }
  }

  /** A query for each call would take thousands of connections in turn if server code tracks much at once. */
  private beginLookup(): Lookup {
    const lookup: Lookup = { ids: new Set(), timeout: 0, done: Promise.resolve() };
    const lookUp = async (): Promise<void> => {
      await setImmediate();
      if (this.next === lookup) this.next = undefined;
      this.add(await this.store.findVisitSpans([...lookup.ids], lookup.timeout));
    };
    lookup.done = lookUp();
    return (this.next = lookup);
  }

  private add(spans: VisitSpan[]): void {
    for (const { id, first, last } of spans) {
      // Another call may have added to it in the meantime.
      const known = this.spans.get(id);
      this.spans.set(id, {
        first: Math.min(first, known?.first ?? first),
        last: Math.max(last, known?.last ?? last),
      });
    }
  }
}

/** @throws UnavailableError after so many milliseconds */
async function within(work: Promise<void>, timeout: number): Promise<void> {
  if (timeout === Number.POSITIVE_INFINITY) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new UnavailableError(
      `the visits of activities were not found within ${Math.round(timeout)} ms`,
    );
    timer = setTimeout(() => reject(error), Math.max(0, timeout));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
