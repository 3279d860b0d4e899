import { isDeepStrictEqual } from 'node:util';
import { type EntityManager, In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { chunks } from '../../../../database/chunks.js';
import type { DailyCountCache } from './daily-count-cache.js';
import { BucketCounts, type NameCount, type PathCount } from './bucket-counts.js';
import { VisitBuilder } from './visit-builder.js';
import { Path, PathRollup, NameRollup } from './tables/rollups.entity.js';
import { PathDictionary } from './path-dictionary.js';
import { PreviousVisits, type VisitRow } from './previous-visits.js';
import type { Mismatches } from '../../../store.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { Visit } from './tables/visit.entity.js';

interface Sum {
  startedAt: string | number;
  name?: string;
  path?: string | null;
  activities: string | number;
  views?: string | number;
}

/** Compares visits and rollups with the activities. */
export class RollupVerifier {
  private readonly builder: VisitBuilder;
  private readonly buckets: BucketCounts;

  constructor(
    private readonly manager: EntityManager,
    private readonly dailyCounts: DailyCountCache,
    private readonly frozenUntil = 0,
  ) {
    this.builder = new VisitBuilder(manager, frozenUntil);
    this.buckets = new BucketCounts(manager);
  }

  /** @param bucketSize of the path rollup */
  async on(timeRange: TimeRange, bucketSize: number): Promise<Omit<Mismatches, 'pages'>> {
    const totals = await this.buckets.names([timeRange]);
    const pathTotals = await this.buckets.paths([timeRange], bucketSize);
    const stored = (entity: typeof NameRollup | typeof PathRollup): SelectQueryBuilder<ObjectLiteral> =>
      this.manager
        .createQueryBuilder<ObjectLiteral>(entity, 'sum')
        .select('sum.startedAt', 'startedAt')
        .addSelect('sum.activities', 'activities')
        .where('sum.startedAt >= :since AND sum.startedAt < :until', timeRange);
    const storedTotals = stored(NameRollup).addSelect('sum.name', 'name');
    const storedPathTotals = stored(PathRollup)
      .addSelect('sum.views', 'views')
      .leftJoin(Path, 'path', 'path.id = sum.path')
      .addSelect('path.path', 'path');
    return {
      visits: await this.visits(timeRange),
      sums:
        differing(totals, await storedTotals.getRawMany<Sum>()) +
        differing(pathTotals, await storedPathTotals.getRawMany<Sum>()) +
        (await this.dailyCounts.countMismatches(timeRange.since, this.manager)),
    };
  }

  /** Counts the wrong visits that start in the range, by their stored or by their computed row. */
  private async visits(timeRange: TimeRange): Promise<number> {
    const begins = (visit: VisitRow | undefined): boolean => {
      const start = visit?.startedAt.getTime() ?? Number.NaN;
      return start >= timeRange.since && start < timeRange.until;
    };
    let wrong = 0;
    const paths = new PathDictionary(this.manager);
    const found = await this.builder.withoutFrozen(await this.builder.visitsIn([timeRange], []));
    for (const ids of chunks(found)) {
      const rows = await this.manager.getRepository(Visit).findBy({ id: In(ids) });
      const stored = new Map(rows.map((visit) => [visit.id, visit]));
      const visits = await this.builder.compute(ids, paths);
      await new PreviousVisits(this.manager, this.frozenUntil).find(visits, ids);
      const right = new Map(visits.map((visit) => [visit.id, visit]));
      for (const id of ids) {
        const [is, should] = [stored.get(id), right.get(id)];
        if ((begins(is) || begins(should)) && !isDeepStrictEqual({ ...is }, { ...should })) wrong += 1;
      }
    }
    return wrong;
  }
}

function differing(right: (NameCount | PathCount)[], stored: Sum[]): number {
  const sums = new Map(right.map((sum) => [toKey(sum), toValue(sum)]));
  let wrong = 0;
  for (const sum of stored) {
    if (sums.get(toKey(sum)) !== toValue(sum)) wrong += 1;
    sums.delete(toKey(sum));
  }
  return wrong + sums.size;
}

function toValue({ activities, views }: Sum): string {
  return `${activities} ${views}`;
}

function toKey({ startedAt, name, path }: Sum): string {
  return JSON.stringify([Number(startedAt), name, path]);
}
