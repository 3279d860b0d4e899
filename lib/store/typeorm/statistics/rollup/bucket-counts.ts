import { Brackets, type EntityManager, In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import type { Insert, Statement } from '../../../../database/dialects/dialect.js';
import { Table } from '../../../../database/table.js';
import { leaveOutBots, PAGE } from '../../activity-query.js';
import { chunks } from '../../../../database/chunks.js';
import { QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import type { PathDictionary } from './path-dictionary.js';
import { inAnyRange } from './time-ranges.js';
import { Path, PathRollup, NameRollup } from './tables/rollups.entity.js';

/** Time ranges in one statement. */
const RANGES_AT_ONCE = 50;
/** Pages in one statement; with more, all pages are recomputed. */
const MAX_PAGES = 500;

export interface PathCount {
  startedAt: number;
  path: string;
  activities: number;
  views: number;
}

export interface NameCount {
  startedAt: number;
  name: string;
  activities: number;
}

/** A raw row of the driver: numbers may be strings. */
type Raw<T extends string> = Record<T, string | number>;

/**
 * Counts names and paths per time bucket, without bots. Counts are recomputed from activities, and written if they differ. The
 * database compares them: a bucket may have very many names and paths, of which a step changes few.
 */
export class BucketCounts {
  constructor(private readonly manager: EntityManager) {}

  /** In buckets of 15 minutes. */
  async names(ranges: TimeRange[]): Promise<NameCount[]> {
    const rows = await this.eachChunk(ranges, (some) =>
      this.countedNames(some).getRawMany<Raw<'bucket' | 'activities'> & { name: string }>(),
    );
    return rows.map(({ bucket, name, activities }) => ({
      startedAt: Number(bucket),
      name,
      activities: Number(activities),
    }));
  }

  /** @param bucketSize {@link QUARTER} or {@link DAY} */
  async paths(ranges: TimeRange[], bucketSize: number): Promise<PathCount[]> {
    const rows = await this.eachChunk(ranges, (some) =>
      this.countedPaths(some, bucketSize).getRawMany<
        Raw<'bucket' | 'activities' | 'views'> & { path: string }
      >(),
    );
    return rows.map(({ bucket, path, activities, views }) => ({
      startedAt: Number(bucket),
      path,
      activities: Number(activities),
      views: Number(views),
    }));
  }

  /**
   * Returns the pages with activities in the ranges; `undefined` if there are too many for one statement
   */
  async pagesIn(ranges: TimeRange[]): Promise<string[] | undefined> {
    const rows = await this.eachChunk(ranges, (some) =>
      this.counted(some).select(`DISTINCT ${PAGE}`, 'path').getRawMany<{ path: string }>(),
    );
    const pages = [...new Set(rows.map(({ path }) => path))];
    return pages.length > MAX_PAGES ? undefined : pages;
  }

  /** Statements that rebuild the counts of names. The ranges consist of whole buckets of 15 minutes. */
  async nameChanges(ranges: TimeRange[]): Promise<(Statement | Insert)[]> {
    const rows = await this.eachChunk(ranges, (some) => {
      const counted = this.countedNames(some);
      const stored = this.stored(NameRollup, some).addSelect('sum.name', 'name');
      return this.manager
        .createQueryBuilder()
        .select('part.bucket', 'bucket')
        .addSelect('part.name', 'name')
        .addSelect('SUM(part.activities)', 'activities')
        .from(
          `(SELECT bucket, name, activities, 0 AS stored FROM (${counted.getQuery()}) counted
           UNION ALL SELECT bucket, name, 0, activities FROM (${stored.getQuery()}) kept)`,
          'part',
        )
        .setParameters({ ...counted.getParameters(), ...stored.getParameters() })
        .groupBy('part.bucket')
        .addGroupBy('part.name')
        .having('SUM(part.activities) <> SUM(part.stored)')
        .getRawMany<Raw<'bucket' | 'activities'> & { name: string }>();
    });
    return this.changes(
      NameRollup,
      'name',
      rows.map(({ bucket, name, activities }) => ({
        startedAt: new Date(Number(bucket)),
        name,
        activities: Number(activities),
      })),
    );
  }

  /**
   * Returns the changes of the path rollup.
   * @param pages only these
   */
  async pathChanges(
    ranges: TimeRange[],
    bucketSize: number,
    paths: PathDictionary,
    pages?: string[],
  ): Promise<(Statement | Insert)[]> {
    if (pages?.length === 0) return [];
    if (pages) await paths.resolve(pages);
    const rows = await this.eachChunk(ranges, (some) => {
      const counted = this.countedPaths(some, bucketSize);
      const stored = this.stored(PathRollup, some)
        .addSelect('sum.views', 'views')
        .addSelect('sum.path', 'id')
        .addSelect('path.path', 'path')
        .leftJoin(Path, 'path', 'path.id = sum.path');
      if (pages) {
        counted.andWhere(`${PAGE} IN (:...pages)`, { pages });
        stored.andWhere({ path: In(pages.map((page) => paths.getId(page))) });
      }
      return (
        this.manager
          .createQueryBuilder()
          .select('part.bucket', 'bucket')
          .addSelect('part.path', 'path')
          .addSelect('MAX(part.id)', 'id')
          .addSelect('SUM(part.activities)', 'activities')
          .addSelect('SUM(part.views)', 'views')
          .from(
            `(SELECT bucket, path, 0 AS id, activities, views, 0 AS stored, 0 AS storedViews FROM (${counted.getQuery()}) counted
           UNION ALL SELECT bucket, path, id, 0, 0, activities, views FROM (${stored.getQuery()}) kept)`,
            'part',
          )
          .setParameters({ ...counted.getParameters(), ...stored.getParameters() })
          .groupBy('part.bucket')
          .addGroupBy('part.path')
          // Paths that an earlier step of an erasure has deleted have only their id.
          .addGroupBy('CASE WHEN part.path IS NULL THEN part.id END')
          .having('SUM(part.activities) <> SUM(part.stored) OR SUM(part.views) <> SUM(part.storedViews)')
          .getRawMany<Raw<'bucket' | 'id' | 'activities' | 'views'> & { path: string }>()
      );
    });
    await paths.resolve(rows.flatMap(({ id, path }) => (Number(id) === 0 ? path : [])));
    return this.changes(
      PathRollup,
      'path',
      rows.map(({ bucket, id, path, activities, views }) => ({
        startedAt: new Date(Number(bucket)),
        path: Number(id) || paths.getId(path),
        activities: Number(activities),
        views: Number(views),
      })),
    );
  }

  /** @param counts those that differ from what is stored; 0 if the activities are gone */
  private changes<K extends string>(
    entity: typeof NameRollup | typeof PathRollup,
    key: K,
    counts: (Record<K, string | number> & { startedAt: Date; activities: number })[],
  ): (Statement | Insert)[] {
    const table = new Table(this.manager.connection, entity);
    const gone = counts.filter(({ activities }) => activities === 0);
    const changed = counts.filter(({ activities }) => activities > 0);
    return [
      ...this.deletions(entity, key, gone),
      ...chunks(changed).map((some) => table.insert(some, { replace: true })),
    ];
  }

  private deletions<K extends string>(
    entity: typeof NameRollup | typeof PathRollup,
    key: K,
    gone: (Record<K, string | number> & { startedAt: Date })[],
  ): Statement[] {
    return chunks(gone).map((some) => {
      const buckets = new Map<number, (string | number)[]>();
      for (const row of some) {
        const values = buckets.get(+row.startedAt);
        if (values) values.push(row[key]);
        else buckets.set(+row.startedAt, [row[key]]);
      }
      return this.manager
        .createQueryBuilder()
        .delete()
        .from(entity)
        .where(
          new Brackets((either) => {
            for (const [i, [start, values]] of [...buckets].entries())
              either.orWhere(`(startedAt = :start${i} AND ${key} IN (:...values${i}))`, {
                [`start${i}`]: start,
                [`values${i}`]: values,
              });
          }),
        )
        .getQueryAndParameters();
    });
  }

  private async eachChunk<T>(ranges: TimeRange[], read: (some: TimeRange[]) => Promise<T[]>): Promise<T[]> {
    const found: T[] = [];
    for (const some of chunks(ranges, RANGES_AT_ONCE)) for (const row of await read(some)) found.push(row);
    return found;
  }

  private countedNames(ranges: TimeRange[]): SelectQueryBuilder<ObjectLiteral> {
    const bucket = floorSql(QUARTER);
    return this.counted(ranges)
      .select(bucket, 'bucket')
      .addSelect('activity.name', 'name')
      .addSelect('COUNT(*)', 'activities')
      .groupBy(bucket)
      .addGroupBy('activity.name');
  }

  private countedPaths(ranges: TimeRange[], bucketSize: number): SelectQueryBuilder<ObjectLiteral> {
    const bucket = floorSql(bucketSize);
    return this.counted(ranges)
      .select(bucket, 'bucket')
      .addSelect(PAGE, 'path')
      .addSelect('COUNT(*)', 'activities')
      .addSelect(`SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END)`, 'views')
      .groupBy(bucket)
      .addGroupBy(PAGE);
  }

  private stored(
    entity: typeof NameRollup | typeof PathRollup,
    ranges: TimeRange[],
  ): SelectQueryBuilder<ObjectLiteral> {
    return this.manager
      .createQueryBuilder<ObjectLiteral>(entity, 'sum')
      .select('sum.startedAt', 'bucket')
      .addSelect('sum.activities', 'activities')
      .where(inAnyRange('sum.startedAt', ranges));
  }

  private counted(ranges: TimeRange[]): SelectQueryBuilder<ObjectLiteral> {
    const query = this.manager
      .createQueryBuilder(Activity, 'activity')
      .where(inAnyRange('activity.date', ranges));
    leaveOutBots(query);
    return query;
  }
}

function floorSql(bucketSize: number): string {
  return `activity.date - activity.date % ${bucketSize}`;
}

/** The days on which the ranges begin, because past days have daily buckets. */
export function listDays(ranges: TimeRange[]): TimeRange[] {
  const starts = new Set(ranges.map(({ since }) => since - (since % DAY)));
  return [...starts].sort((a, b) => a - b).map((since) => ({ since, until: since + DAY }));
}

/** Numbers of activities without bots. */
export interface DailyActivities {
  total: number;
  /** By the start of the day, without days that have none. */
  byDay: Map<number, number>;
}

/** Counts the activities of a range from its whole buckets. */
export async function countByDay(
  manager: EntityManager,
  { since, until }: TimeRange,
): Promise<DailyActivities> {
  const rows = await manager
    .createQueryBuilder(NameRollup, 'total')
    .select(`total.startedAt - total.startedAt % ${DAY}`, 'day')
    .addSelect('SUM(total.activities)', 'activities')
    .where('total.startedAt >= :since AND total.startedAt < :until', { since, until })
    .groupBy('day')
    .getRawMany<Raw<'day' | 'activities'>>();
  const byDay = new Map(rows.map(({ day, activities }) => [Number(day), Number(activities)]));
  return { total: [...byDay.values()].reduce((sum, count) => sum + count, 0), byDay };
}
