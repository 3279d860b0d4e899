import { LRUCache } from 'lru-cache';
import type { DataSource, EntityManager } from 'typeorm';
import { Activity, type StoredActivity } from '../../activity/activity.entity.js';
import { isNearStart, LONGEST_VISIT } from '../../activity/visit-id.js';
import { connectionsOf } from '../../database/connections.js';
import { onPrimary, uncached } from '../../database/primary.js';
import { monotonicClock } from '../../time/clock.js';

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

/** What is said in the log. */
const SUBJECT = 'the visits of activities cannot be looked up';

/** How many ids stand in one statement. */
const BATCH_SIZE = 500;

/**
 * Sees to it that a visit ends after 24 hours, also if its id comes from server code or an import. The ids that are made
 * here begin with the start of the visit; of others the database says when their activities were.
 */
export class VisitBounds {
  /** Not for long, as another instance may add to a visit, or erase it. */
  private readonly spans = new LRUCache<string, Span>({ max: 50_000, ttl: 60_000, ttlResolution: 1000 });

  constructor(private readonly dataSource: DataSource) {}

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

  private async load(ids: string[], { manager, timeout = Number.POSITIVE_INFINITY }: Limits): Promise<void> {
    const deadline = monotonicClock.now() + timeout;
    const unknown = [...new Set(ids)].filter((id) => !this.spans.has(id));
    for (let at = 0; at < unknown.length; at += BATCH_SIZE) {
      const some = unknown.slice(at, at + BATCH_SIZE);
      const found = manager
        ? await findSpans(uncached(this.dataSource, manager.queryRunner), some)
        : await this.ask((own) => findSpans(own, some), deadline - monotonicClock.now());
      for (const { id, first, last } of found) {
        // Another call may have added to it in the meantime.
        const known = this.spans.get(id);
        const span = { first: Number(first), last: Number(last) };
        this.spans.set(id, {
          first: Math.min(span.first, known?.first ?? span.first),
          last: Math.max(span.last, known?.last ?? span.last),
        });
      }
    }
  }

  /** Takes the place of a writer: questions that take long must not keep a request from being stored. */
  private ask<T>(find: (manager: EntityManager) => Promise<T>, timeout: number): Promise<T> {
    const connections = connectionsOf(this.dataSource);
    return connections.ask((signal) => onPrimary(this.dataSource, find, signal), {
      timeout,
      subject: SUBJECT,
      slots: connections.writers,
    });
  }
}

function findSpans(
  manager: EntityManager,
  ids: string[],
): Promise<{ id: string; first: string | number; last: string | number }[]> {
  return manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.visitId', 'id')
    .addSelect('MIN(activity.date)', 'first')
    .addSelect('MAX(activity.date)', 'last')
    .where('activity.visitId IN (:...ids)', { ids })
    .groupBy('activity.visitId')
    .getRawMany();
}
