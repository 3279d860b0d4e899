import { type EntityManager, In, LessThan, MoreThan } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import {
  type Dialect,
  dialectOf,
  type Insert,
  type Statement,
} from '../../../../database/dialects/dialect.js';
import { ENGAGEMENT, MAX_TIMED_ACTIVITIES } from '../../../../activity/engagement.js';
import { Session, SESSION_PROPERTIES } from '../../../../activity/session.js';
import { Table } from '../../../../database/table.js';
import { chunks } from '../../../../database/chunks.js';
import { PAGE } from '../../activity-query.js';
import { type VisitBoundaryRow, buildVisits } from './visit-boundaries.js';
import type { PathDictionary } from './path-dictionary.js';
import { PreviousVisits, type VisitRow } from './previous-visits.js';
import { floor, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import { inAnyRange } from './time-ranges.js';
import { PathRollup } from './tables/rollups.entity.js';
import { Visit } from './tables/visit.entity.js';
import { decodePathIds } from './path-sequence.js';
import { loadVisitPaths } from './visit-paths.js';

/** Time ranges in one statement. */
const RANGES_AT_ONCE = 50;
/** A visit with more activities is large. It is not recomputed after each activity, because that takes longer than storing it. */
export const LARGE_VISIT = 10_000;

/** True if an activity counts as an action, which ends a bounce. */
const IS_INTERACTIVE = '(activity.interactive IS NULL OR activity.interactive)';

type Counts = Pick<
  VisitBoundaryRow,
  | 'visitId'
  | 'activities'
  | 'views'
  | 'actions'
  | 'interactions'
  | 'startedAt'
  | 'endedAt'
  | 'sessions'
  | 'firstSession'
  | 'lastSession'
>;

type End = Omit<VisitBoundaryRow, Exclude<keyof Counts, 'visitId'>>;

/** Builds visits from their activities. */
export class VisitBuilder {
  private readonly dialect: Dialect;
  private readonly visits: Table;

  /** @param frozenUntil visits that began before it are not rebuilt */
  constructor(
    private readonly manager: EntityManager,
    private readonly frozenUntil = 0,
  ) {
    this.dialect = dialectOf(manager.connection);
    this.visits = new Table(manager.connection, Visit);
  }

  /** Finds the visits that have activities in the ranges, started there, or are listed in them. */
  async visitsIn(timeRanges: TimeRange[], named: string[]): Promise<string[]> {
    const ids = new Set(named);
    for (const some of chunks(timeRanges, RANGES_AT_ONCE)) {
      const withActivities = this.manager
        .createQueryBuilder(Activity, 'activity')
        .select('DISTINCT activity.visitId', 'id')
        .where('activity.visitId IS NOT NULL')
        .andWhere(inAnyRange('activity.date', some));
      const begun = this.manager
        .createQueryBuilder(Visit, 'visit')
        .select('visit.id', 'id')
        .where(inAnyRange('visit.startedAt', some));
      for (const query of [withActivities, begun])
        for (const { id } of await query.getRawMany<{ id: string }>()) ids.add(id);
    }
    return [...ids];
  }

  /**
   * Statements that rebuild the visits from their activities and delete visits without any. Also returns the longest
   * durations (ms) and the days on which these visits start or started.
   */
  async rebuildVisits(
    ids: string[],
    paths: PathDictionary,
  ): Promise<{
    statements: (Statement | Insert)[];
    maxVisitDuration: number;
    maxMixedDuration: number;
    days: Set<number>;
    hasLarge: boolean;
  }> {
    const visits = await this.compute(ids, paths);
    const { changed, stored } = await new PreviousVisits(this.manager, this.frozenUntil).find(visits, ids);
    const there = new Set(visits.map(({ id }) => id));
    const gone = ids.filter((id) => !there.has(id));
    const findLongest = (mixed: boolean): number =>
      visits.reduce(
        (most, visit) => (visit.mixed === mixed ? Math.max(most, +visit.endedAt - +visit.startedAt) : most),
        0,
      );
    // Inserted in the order of the index, which keeps the index dense.
    const inOrder = visits.toSorted((a, b) => +a.startedAt - +b.startedAt);
    const statements = [
      ...chunks(inOrder).map((some) => this.visits.insert(some, { replace: true })),
      ...chunks(gone).map((some) =>
        this.manager.createQueryBuilder().delete().from(Visit).whereInIds(some).getQueryAndParameters(),
      ),
      ...changed.map(({ id, previousSessionVisitAt, previousUserVisitAt }) =>
        this.manager
          .createQueryBuilder()
          .update(Visit)
          .set({ previousSessionVisitAt, previousUserVisitAt })
          .where({ id })
          .getQueryAndParameters(),
      ),
    ];
    const days = new Set([...visits, ...stored].map(({ startedAt }) => floor(startedAt.getTime(), DAY)));
    const hasLarge = visits.some(({ activities }) => activities > LARGE_VISIT);
    return {
      statements,
      maxVisitDuration: findLongest(false),
      maxMixedDuration: findLongest(true),
      days,
      hasLarge,
    };
  }

  /** Returns the visits that may be recomputed. */
  async withoutFrozen(ids: string[]): Promise<string[]> {
    if (this.frozenUntil === 0) return ids;
    const frozen = new Set<string>();
    for (const some of chunks(ids)) {
      const found = await this.manager
        .createQueryBuilder(Visit, 'visit')
        .select('visit.id', 'id')
        .where({ id: In(some), startedAt: LessThan(new Date(this.frozenUntil)) })
        .getRawMany<{ id: string }>();
      for (const { id } of found) frozen.add(id);
    }
    return ids.filter((id) => !frozen.has(id));
  }

  /** Returns the visits that were large when they were last recomputed. */
  async findLarge(ids: string[]): Promise<Set<string>> {
    const large = new Set<string>();
    for (const some of chunks(ids)) {
      const found = await this.manager
        .createQueryBuilder(Visit, 'visit')
        .select('visit.id', 'id')
        .where({ id: In(some), activities: MoreThan(LARGE_VISIT) })
        .getRawMany<{ id: string }>();
      for (const { id } of found) large.add(id);
    }
    return large;
  }

  /** Computes visits from their activities, without their previous visits. */
  async compute(ids: string[], paths: PathDictionary): Promise<VisitRow[]> {
    const visits: VisitRow[] = [];
    for (const some of chunks(ids)) {
      const boundaries = await this.boundaries(some);
      // Visits with more activities also get no path sequence.
      const visitPaths = await loadVisitPaths(
        this.manager,
        boundaries.flatMap((boundary) =>
          Number(boundary.activities) > MAX_TIMED_ACTIVITIES ? [] : boundary.visitId,
        ),
      );
      await paths.resolve([
        ...boundaries.map(({ page }) => page),
        ...[...visitPaths.values()].flatMap(({ views, others }) => [...views, ...others]),
      ]);
      visits.push(...buildVisits(boundaries, visitPaths, paths));
    }
    return visits;
  }

  /**
   * Two queries, because MariaDB needs quadratic time for aggregates `OVER (PARTITION BY …)`. Activities that are written between
   * them have a dirty range of their own.
   */
  private async boundaries(ids: string[]): Promise<VisitBoundaryRow[]> {
    const counted = await this.manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.visitId', 'visitId')
      .addSelect('COUNT(*)', 'activities')
      .addSelect(countSql(`activity.name = 'view'`), 'views')
      .addSelect(countSql(`activity.name <> '${ENGAGEMENT}'`), 'actions')
      .addSelect(countSql(`activity.name <> '${ENGAGEMENT}' AND ${IS_INTERACTIVE}`), 'interactions')
      .addSelect('MIN(activity.date)', 'startedAt')
      .addSelect('MAX(activity.date)', 'endedAt')
      .addSelect('COUNT(activity.sessionId)', 'sessions')
      .addSelect('MIN(activity.sessionId)', 'firstSession')
      .addSelect('MAX(activity.sessionId)', 'lastSession')
      .where('activity.visitId IN (:...ids)', { ids })
      .groupBy('activity.visitId')
      .getRawMany<Counts>();
    const counts = new Map(counted.map((row) => [row.visitId, row]));
    const ends = await this.ends(ids);
    return ends.flatMap((end) => {
      const found = counts.get(end.visitId);
      return found ? [{ ...end, ...found }] : [];
    });
  }

  /** Finds the first, the last, and the last identified activity of each visit. */
  private ends(ids: string[]): Promise<End[]> {
    const { driver } = this.manager.connection;
    const id = this.dialect.idOrder('activity.id');
    // `engagement` is not used for the start and the end of a visit if there are other activities.
    const isEngagement = `CASE WHEN activity.name = '${ENGAGEMENT}' THEN 1 ELSE 0 END`;
    const query = this.manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.visitId', 'visitId')
      .addSelect('activity.sessionId', 'sessionId')
      .addSelect('activity.userId', 'userId')
      .addSelect('activity.date', 'date')
      .addSelect('activity.path', 'path')
      .addSelect(PAGE, 'page')
      .addSelect('activity.referer', 'referer')
      .addSelect(placeBy(`${isEngagement}, activity.date, ${id}`), 'fromStart')
      .addSelect(placeBy(`${isEngagement}, activity.date DESC, ${id} DESC`), 'fromEnd')
      .addSelect(
        placeBy(`CASE WHEN activity.userId IS NULL THEN 1 ELSE 0 END, activity.date DESC, ${id} DESC`),
        'fromLatestUser',
      )
      .where('activity.visitId IN (:...ids)', { ids });
    const boundary = (column: string): string => `boundary.${driver.escape(column)}`;
    const boundaries = this.manager.createQueryBuilder().select('boundary.*').addSelect('session.bot', 'bot');
    for (const property of SESSION_PROPERTIES) boundaries.addSelect(`session.${property}`, property);
    return boundaries
      .from(`(${query.getQuery()})`, 'boundary')
      .leftJoin(Session, 'session', `session.id = ${boundary('sessionId')}`)
      .where(
        ['fromStart', 'fromEnd', 'fromLatestUser'].map((column) => `${boundary(column)} = 1`).join(' OR '),
      )
      .setParameters(query.getParameters())
      .getRawMany<End>();
  }

  /** Finds the path ids in the stored rows of the visits and of the buckets. */
  async storedPaths(ids: string[], timeRanges: TimeRange[]): Promise<Set<number>> {
    const numbers = new Set<number>();
    for (const some of chunks(ids)) {
      for (const { entry, exit, pathSequence, otherPaths } of await this.manager.findBy(Visit, {
        id: In(some),
      })) {
        for (const number of [
          entry,
          exit,
          ...decodePathIds(pathSequence ?? ''),
          ...decodePathIds(otherPaths ?? ''),
        ])
          numbers.add(number);
      }
    }
    for (const some of chunks(timeRanges, RANGES_AT_ONCE)) {
      const sums = await this.manager
        .createQueryBuilder(PathRollup, 'sum')
        .select('DISTINCT sum.path', 'path')
        .where(inAnyRange('sum.startedAt', some))
        .getRawMany<{ path: number }>();
      for (const { path } of sums) numbers.add(path);
    }
    return numbers;
  }
}

function placeBy(order: string): string {
  return `ROW_NUMBER() OVER (PARTITION BY activity.visitId ORDER BY ${order})`;
}

function countSql(condition: string): string {
  return `SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;
}
