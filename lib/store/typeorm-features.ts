import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { Activity, ActivityOnPage } from '../activity/activity.js';
import type { ParsedFilter } from '../activity/activity.filter.js';
import type { VisitSpan } from '../activity/visit-id.js';

/** Features of stores in a TypeORM data source. */
export interface TypeOrmFeatures {
  /** Alias `activity`. */
  createQueryBuilder(filter: ParsedFilter): SelectQueryBuilder<Activity>;

  /** `Store.findVisitSpans` in a transaction of the host, instead of on a separate connection. */
  findVisitSpans(manager: EntityManager, ids: string[]): Promise<VisitSpan[]>;

  /**
   * Writes in a transaction of the host, and is committed with it or not at all.
   * @param onCommit called when it is committed
   * @throws Error if the manager is in no transaction, or of another data source
   */
  write(manager: EntityManager, activities: ActivityOnPage[], onCommit: () => void): Promise<void>;
}
