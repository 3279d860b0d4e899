import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import type { StoredActivity } from './activity.js';
import { isNearStart, MAX_VISIT_DURATION, type VisitSpan } from './visit-id.js';
import { withTimeLimit } from '../time/time-limit.js';

type InVisit = Pick<StoredActivity, 'visitId' | 'date'>;

type Span = Omit<VisitSpan, 'id'>;

interface Limits {
  /** Used instead of a separate connection; only a store on TypeORM supports it. */
  manager?: EntityManager | undefined;
  /** Milliseconds that the database may take. */
  timeout?: number;
}

/** One query for all visits that are needed in one turn of the event loop. */
interface Lookup {
  ids: Set<string>;
  /** Milliseconds: the longest of all callers. */
  timeout: number;
  done: Promise<void>;
}

/** Visits in one lookup; for more, another lookup begins. */
const MAX_IDS = 5000;
/** Visits that are looked up at the same time; more are refused, as the writer does with activities. */
const MAX_WAITING = 20_000;

/**
 * Finds activities that would make their visit longer than 24 hours, if its id comes from server code or an import. Ids made by
 * Djaffar begin with the start of the visit; for others, the database is asked for the first and the last activity.
 */
export class VisitDurationLimit {
  private cache: LRUCache<string, Span> | undefined;

  private next: Lookup | undefined;
  /** Number of visits that are being looked up. */
  private waiting = 0;

  constructor(private readonly store: Pick<Store, 'findVisitSpans' | 'typeorm'>) {}

  /**
   * Returns the activities that would make their visit last for 24 hours or longer; the others extend their visit.
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

  /** Must be called when activities are erased. */
  clear(): void {
    this.cache?.clear();
  }

  /**
   * Expires after a minute, because another instance may extend or erase a visit. Created when first used, because it takes 2 MB
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
      await withTimeLimit(timeout, lookup.done, () => {
        throw new UnavailableError(
          `the visits of activities were not found within ${Math.round(timeout)} ms`,
        );
      });
    } finally {
      this.waiting -= unknown.length;
    }
  }

  /** Collects calls, because a query for each would use too many connections if server code tracks much at once. */
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
