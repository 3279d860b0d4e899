import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { Store } from '../store/store.js';
import type { StoredActivity } from './activity.entity.js';
import { isNearStart, LONGEST_VISIT } from './visit-id.js';

type InVisit = Pick<StoredActivity, 'visitId' | 'date'>;

/** The first and the last activity of a visit, in milliseconds since 1970. */
interface Span {
  first: number;
  last: number;
}

interface Limits {
  /** Asked in place of a connection of its own. */
  manager?: EntityManager | undefined;
  /** Milliseconds that the database may take. */
  timeout?: number;
}

/**
 * Sees to it that a visit ends after 24 hours, also if its id comes from server code or an import. The ids that are made
 * here begin with the start of the visit; of others the database says when their activities were.
 */
export class VisitBounds {
  /** Not for long, as another instance may add to a visit, or erase it. */
  private readonly spans = new LRUCache<string, Span>({ max: 50_000, ttl: 60_000, ttlResolution: 1000 });

  constructor(private readonly store: Pick<Store, 'findVisitSpans'>) {}

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
    this.spans.clear();
  }

  private extend(id: string, date: number): boolean {
    const { first, last } = this.spans.get(id) ?? { first: date, last: date };
    const span = { first: Math.min(first, date), last: Math.max(last, date) };
    if (span.last - span.first >= LONGEST_VISIT) return false;
    this.spans.set(id, span);
    return true;
  }

  private async load(ids: string[], limits: Limits): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.spans.has(id));
    if (unknown.length === 0) return;
    for (const { id, first, last } of await this.store.findVisitSpans(unknown, limits)) {
      // Another call may have added to it in the meantime.
      const known = this.spans.get(id);
      this.spans.set(id, {
        first: Math.min(first, known?.first ?? first),
        last: Math.max(last, known?.last ?? last),
      });
    }
  }
}
