import { isDeepStrictEqual } from 'node:util';
import { type EntityManager, In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { chunks } from '../../../../database/chunks.js';
import type { DayCounts } from './daily-count-cache.js';
import { BucketCounts, type NameCount, type PathCount } from './bucket-counts.js';
import { VisitBuilder } from './visit-builder.js';
import { Path } from './tables/path.entity.js';
import { Paths } from './path-dictionary.js';
import { PreviousVisits, type VisitRow } from './previous-visits.js';
import type { Wrong } from './rollup.service.js';
import type { Stretch } from '../../../../statistics/time/time-range.js';
import { PathTotal, Total } from './tables/rollups.entity.js';
import { Visit } from './tables/visit.entity.js';

interface Sum {
  startedAt: string | number;
  name?: string;
  path?: string | null;
  activities: string | number;
  views?: string | number;
}

/** Compares what is stored for statistics with the activities. */
export class RollupVerifier {
  private readonly builder: VisitBuilder;
  private readonly buckets: BucketCounts;

  constructor(
    private readonly manager: EntityManager,
    private readonly dayCounts: DayCounts,
  ) {
    this.builder = new VisitBuilder(manager);
    this.buckets = new BucketCounts(manager);
  }

  /** @param span of the sums of paths */
  async on(stretch: Stretch, span: number): Promise<Omit<Wrong, 'pages'>> {
    const totals = await this.buckets.names([stretch]);
    const pathTotals = await this.buckets.paths([stretch], span);
    const stored = (entity: typeof Total | typeof PathTotal): SelectQueryBuilder<ObjectLiteral> =>
      this.manager
        .createQueryBuilder<ObjectLiteral>(entity, 'sum')
        .select('sum.startedAt', 'startedAt')
        .addSelect('sum.activities', 'activities')
        .where('sum.startedAt >= :since AND sum.startedAt < :until', stretch);
    const storedTotals = stored(Total).addSelect('sum.name', 'name');
    const storedPathTotals = stored(PathTotal)
      .addSelect('sum.views', 'views')
      .leftJoin(Path, 'path', 'path.number = sum.path')
      .addSelect('path.path', 'path');
    return {
      visits: await this.visits(stretch),
      sums:
        differing(totals, await storedTotals.getRawMany<Sum>()) +
        differing(pathTotals, await storedPathTotals.getRawMany<Sum>()) +
        (await this.dayCounts.wrongOn(stretch.since, this.manager)),
    };
  }

  /** Those that begin in the stretch, or should. */
  private async visits(stretch: Stretch): Promise<number> {
    const begins = (visit: VisitRow | undefined): boolean => {
      const start = visit?.startedAt.getTime() ?? Number.NaN;
      return start >= stretch.since && start < stretch.until;
    };
    let wrong = 0;
    const paths = new Paths(this.manager);
    for (const ids of chunks(await this.builder.visitsIn([stretch], []))) {
      const rows = await this.manager.getRepository(Visit).findBy({ id: In(ids) });
      const stored = new Map(rows.map((visit) => [visit.id, visit]));
      const visits = await this.builder.compute(ids, paths);
      await new PreviousVisits(this.manager).find(visits, ids);
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
  const sums = new Map(right.map((sum) => [keyOf(sum), valueOf(sum)]));
  let wrong = 0;
  for (const sum of stored) {
    if (sums.get(keyOf(sum)) !== valueOf(sum)) wrong += 1;
    sums.delete(keyOf(sum));
  }
  return wrong + sums.size;
}

function valueOf({ activities, views }: Sum): string {
  return `${activities} ${views}`;
}

function keyOf({ startedAt, name, path }: Sum): string {
  return JSON.stringify([Number(startedAt), name, path]);
}
