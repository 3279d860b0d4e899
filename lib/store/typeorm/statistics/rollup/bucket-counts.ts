import { Brackets, type EntityManager, In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import type { Insert, Statement } from '../../../../database/dialects/dialect.js';
import { Table } from '../../../../database/table.js';
import { leaveOutBots } from '../filter/bots.js';
import { chunks } from '../../../../database/chunks.js';
import { PAGE } from '../filter/page-sql.js';
import { QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import type { PathDictionary } from './path-dictionary.js';
import { inAnyRange } from './time-ranges.js';
import { PathRollup, NameRollup } from './tables/rollups.entity.js';

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

/** Counts names and paths per time bucket, without bots. Counts are recomputed from activities, and written if they differ. */
export class BucketCounts {
  constructor(private readonly manager: EntityManager) {}

  /** In buckets of 15 minutes. */
  async names(ranges: TimeRange[]): Promise<NameCount[]> {
    const quarter = floorOf(QUARTER);
    return this.eachChunk(ranges, async (some) => {
      const rows = await this.counted(some)
        .select(quarter, 'startedAt')
        .addSelect('activity.name', 'name')
        .addSelect('COUNT(*)', 'activities')
        .groupBy(quarter)
        .addGroupBy('activity.name')
        .getRawMany<Record<'startedAt' | 'activities', string | number> & { name: string }>();
      return rows.map(({ startedAt, name, activities }) => ({
        startedAt: Number(startedAt),
        name,
        activities: Number(activities),
      }));
    });
  }

  /**
   * @param bucketSize {@link QUARTER} or {@link DAY}
   * @param pages only these
   */
  async paths(ranges: TimeRange[], bucketSize: number, pages?: string[]): Promise<PathCount[]> {
    const start = floorOf(bucketSize);
    return this.eachChunk(ranges, async (some) => {
      const query = this.counted(some)
        .select(start, 'startedAt')
        .addSelect('COUNT(*)', 'activities')
        .addSelect(`SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END)`, 'views')
        .addSelect(PAGE, 'path')
        .groupBy(start)
        .addGroupBy(PAGE);
      if (pages) query.andWhere(`${PAGE} IN (:...pages)`, { pages });
      const rows = await query.getRawMany<
        Record<'startedAt' | 'activities' | 'views', string | number> & { path: string }
      >();
      return rows.map(({ startedAt, path, activities, views }) => ({
        startedAt: Number(startedAt),
        path,
        activities: Number(activities),
        views: Number(views),
      }));
    });
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
    const stored = await this.eachChunk(ranges, (some) =>
      this.manager.createQueryBuilder(NameRollup, 'sum').where(inAnyRange('sum.startedAt', some)).getMany(),
    );
    const counts = await this.names(ranges);
    return this.changes(
      NameRollup,
      'name',
      counts.map((count) => ({ ...count, startedAt: new Date(count.startedAt) })),
      stored,
    );
  }

  /**
   * The same for paths.
   * @param pages only these
   */
  async pathChanges(
    ranges: TimeRange[],
    bucketSize: number,
    paths: PathDictionary,
    pages?: string[],
  ): Promise<(Statement | Insert)[]> {
    if (pages?.length === 0) return [];
    const counts = await this.paths(ranges, bucketSize, pages);
    await paths.resolve(pages ?? counts.map(({ path }) => path));
    const numbers = pages && new Set(pages.map((page) => paths.idOf(page)));
    const stored = await this.eachChunk(ranges, (some) => {
      const query = this.manager
        .createQueryBuilder(PathRollup, 'sum')
        .where(inAnyRange('sum.startedAt', some));
      if (numbers) query.andWhere({ path: In([...numbers]) });
      return query.getMany();
    });
    return this.changes(
      PathRollup,
      'path',
      counts.map(({ startedAt, path, activities, views }) => ({
        startedAt: new Date(startedAt),
        path: paths.idOf(path),
        activities,
        views,
      })),
      stored,
    );
  }

  private changes<K extends string, T extends Record<K, string | number> & { startedAt: Date }>(
    entity: typeof NameRollup | typeof PathRollup,
    key: K,
    counts: T[],
    stored: T[],
  ): (Statement | Insert)[] {
    const keyOf = (row: T): string => `${+row.startedAt} ${row[key]}`;
    const before = new Map(stored.map((row) => [keyOf(row), JSON.stringify(sorted(row))]));
    const changed = counts.filter((row) => before.get(keyOf(row)) !== JSON.stringify(sorted(row)));
    const right = new Set(counts.map(keyOf));
    const gone = stored.filter((row) => !right.has(keyOf(row)));
    const table = new Table(this.manager.connection, entity);
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

  private counted(ranges: TimeRange[]): SelectQueryBuilder<ObjectLiteral> {
    const query = this.manager
      .createQueryBuilder(Activity, 'activity')
      .where(inAnyRange('activity.date', ranges));
    leaveOutBots(query);
    return query;
  }
}

function sorted(row: object): [string, unknown][] {
  return Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
}

function floorOf(bucketSize: number): string {
  return `activity.date - activity.date % ${bucketSize}`;
}

/** The days on which the ranges begin, because past days have daily buckets. */
export function daysOf(ranges: TimeRange[]): TimeRange[] {
  const starts = new Set(ranges.map(({ since }) => since - (since % DAY)));
  return [...starts].sort((a, b) => a - b).map((since) => ({ since, until: since + DAY }));
}
