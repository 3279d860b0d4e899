import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { Session, SESSION_PROPERTIES } from '../../../../activity/session.js';
import { type Dialect, dialectOf } from '../../../../database/dialects/dialect.js';
import type { ParsedCondition } from '../../../../activity/condition.js';
import {
  nameIn,
  type ParsedStatisticsFilter,
  toActivityFilter,
  VISIT_PATHS,
  VISIT_SOURCES,
  type VisitField,
} from '../../../../statistics/statistics-filter.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import {
  applyFilter,
  pathColumns,
  pathCondition,
  scopeConditions,
  valueCondition,
  leaveOutBots,
} from '../../activity-query.js';
import { Path } from '../rollup/tables/rollups.entity.js';
import { Visit } from '../rollup/tables/visit.entity.js';
import { leaveOutVisitsBeyond, performed, visitedPath } from './visit-conditions.js';
import { type FilterKind, classifyFilter } from '../query-plan.js';

const VISITORS = ['session', 'visit'] as const;
const PATH_FIELDS = ['path', ...VISIT_PATHS] as const;
/** If a filter matches more paths, their ids are not inlined and visits are found through activities. */
const MAX_PATHS = 50;

/** Builds the queries for the activities and the visits that match a filter. */
export class StatisticsQuery {
  readonly dialect: Dialect;
  /** The kind of the filter, by which query-plan.ts chooses the source. */
  readonly kind: FilterKind;
  /** The ids of the paths that match the filter. */
  private readonly pathIds: Partial<Record<(typeof PATH_FIELDS)[number], number[]>> = {};

  constructor(
    readonly manager: EntityManager,
    private readonly filter: ParsedStatisticsFilter,
    /** Milliseconds since 1970: earlier visits are stored without the ids of sessions and users. */
    readonly frozenUntil = 0,
  ) {
    this.dialect = dialectOf(manager.connection);
    this.kind = classifyFilter(filter);
  }

  /** Resolves the filter's paths to ids, for better query plans, and to find visits without reading activities. */
  async resolvePathIds(): Promise<void> {
    for (const property of PATH_FIELDS) {
      const path = this.filter[property];
      if (path === undefined) continue;
      const paths = await this.pathsLike(property, path)
        .limit(MAX_PATHS + 1)
        .getRawMany<{ id: number }>();
      if (paths.length <= MAX_PATHS) this.pathIds[property] = paths.map(({ id }) => id);
    }
  }

  get name(): string | undefined {
    return this.filter.name;
  }

  /** See {@link nameIn}. */
  get nameOfAll(): string | null | undefined {
    return nameIn(this.filter);
  }

  /** Alias `activity`, joined with `session` if that is needed. */
  activities(range: Partial<TimeRange> = {}, { withSession = false } = {}): SelectQueryBuilder<Activity> {
    const query = this.manager.createQueryBuilder(Activity, 'activity');
    const needsSession = this.restricts(SESSION_PROPERTIES);
    if (withSession || needsSession) query.leftJoin(Session, 'session', 'session.id = activity.sessionId');
    if (!this.filter.bots) leaveOutBots(query);
    const { session, visit, user } = this.filter;
    applyFilter(query, { session, visit }, this.dialect);
    this.applyConditions(query, VISITORS, (field) => `activity.${field}Id`);
    this.applyScope(query);
    this.applyToActivities(query);
    this.applyTexts(query, 'session', SESSION_PROPERTIES);
    if (user === null) this.leaveOutUsers(query);
    if (this.restricts([...VISIT_PATHS, ...VISIT_SOURCES])) {
      const visits = this.manager.createQueryBuilder(Visit, 'source').select('source.id');
      this.applyToVisits(visits, 'source');
      if (this.filter.scope) leaveOutVisitsBeyond(visits, this.filter.scope, this.dialect);
      query.andWhere(`activity.visitId IN (${visits.getQuery()})`).setParameters(visits.getParameters());
    }
    andWithin(query, 'activity.date', range);
    return query;
  }

  /** Alias `visit`. */
  visits(range?: Partial<TimeRange>): SelectQueryBuilder<Visit> {
    const { session, visit, user, bots } = this.filter;
    const query = this.manager.createQueryBuilder(Visit, 'visit');
    if (!bots) query.andWhere('NOT visit.bot');
    if (session !== undefined) query.andWhere('visit.sessionId = :session', { session });
    if (visit !== undefined) query.andWhere('visit.id = :visit', { visit });
    this.applyConditions(query, VISITORS, (field) => (field === 'session' ? 'visit.sessionId' : 'visit.id'));
    if (user === null) query.andWhere('visit.userId IS NULL');
    this.applyToVisits(query, 'visit');
    this.applyTexts(query, 'visit', SESSION_PROPERTIES);
    const ofActivities = toActivityFilter(this.filter);
    const [one, another] = Object.keys(ofActivities);
    if (one === 'page' && !another && this.pathIds.path)
      query.andWhere(visitedPath(this.manager, ofActivities.page ?? '', this.pathIds.path));
    else if (one === 'name' && !another) query.andWhere(performed(this.manager, ofActivities.name ?? ''));
    else if (one !== undefined) {
      const matching = this.manager.createQueryBuilder(Activity, 'activity').select('activity.visitId');
      this.applyToActivities(matching);
      matching.andWhere('activity.visitId IS NOT NULL');
      // A visit has no activity before its start.
      if (range?.since !== undefined) andWithin(matching, 'activity.date', { since: range.since });
      query.andWhere(`visit.id IN (${matching.getQuery()})`).setParameters(matching.getParameters());
    }
    if (range) andWithin(query, 'visit.startedAt', range);
    this.applyScopeToVisits(query);
    return query;
  }

  /** Whether only some activities may be seen. */
  get isScoped(): boolean {
    return this.filter.scope !== undefined;
  }

  /** Restricts activities to the scope; alias `activity`. */
  applyScope(query: SelectQueryBuilder<ObjectLiteral>): void {
    for (const { sql, parameters } of scopeConditions(this.filter.scope ?? [], this.dialect))
      query.andWhere(sql, parameters);
  }

  private applyScopeToVisits(query: SelectQueryBuilder<Visit>): void {
    if (!this.filter.scope) return;
    const seen = this.manager.createQueryBuilder(Activity, 'activity').select('activity.visitId');
    this.applyScope(seen);
    seen.andWhere('activity.visitId IS NOT NULL');
    query.andWhere(`visit.id IN (${seen.getQuery()})`).setParameters(seen.getParameters());
    leaveOutVisitsBeyond(query, this.filter.scope, this.dialect);
  }

  /** A user who logs in during a visit is its user from the start; in a scope, only a login within the scope counts. */
  private leaveOutUsers(query: SelectQueryBuilder<Activity>): void {
    query.andWhere('activity.userId IS NULL');
    if (this.isScoped) {
      const identified = this.manager.createQueryBuilder(Activity, 'activity').select('activity.visitId');
      this.applyScope(identified);
      identified.andWhere('activity.visitId IS NOT NULL').andWhere('activity.userId IS NOT NULL');
      query
        .andWhere(`(activity.visitId IS NULL OR activity.visitId NOT IN (${identified.getQuery()}))`)
        .setParameters(identified.getParameters());
      return;
    }
    const identified = query
      .subQuery()
      .select('1')
      .from(Visit, 'identified')
      .where('identified.id = activity.visitId AND identified.userId IS NOT NULL');
    query.andWhere(`NOT EXISTS ${identified.getQuery()}`);
  }

  /** Selects all visits of a range, without the filter. */
  allVisits(range: Partial<TimeRange>): SelectQueryBuilder<Visit> {
    const query = this.manager.createQueryBuilder(Visit, 'visit');
    andWithin(query, 'visit.startedAt', range);
    return query;
  }

  /** Restricts the path rollup to the paths of the filter. */
  applyToPaths(query: SelectQueryBuilder<ObjectLiteral>, alias: string): void {
    this.applyToPath(query, `${alias}.path`, 'path');
  }

  /** The filter's condition on activities as SQL, with parameters of its own. */
  conditionOnActivities(prefix: string): { sql: string; parameters: ObjectLiteral } {
    const query = this.manager.createQueryBuilder(Activity, 'activity');
    this.applyToActivities(query);
    const parameters: ObjectLiteral = {};
    for (const [name, value] of Object.entries(query.getParameters())) parameters[prefix + name] = value;
    const [, condition = '1 = 1'] = query.getQuery().split(/ WHERE (.*)/s);
    return { sql: condition.replaceAll(/(?<!:):(\.{3})?(\w+)/g, `:$1${prefix}$2`), parameters };
  }

  /** True if the filter has a condition on one of these fields. */
  private restricts(fields: readonly VisitField[]): boolean {
    return fields.some((field) => this.filter[field] !== undefined) || this.conditionsOn(fields).length > 0;
  }

  private conditionsOn<F extends VisitField>(fields: readonly F[]): ParsedCondition<F>[] {
    return (this.filter.conditions ?? []).filter((condition): condition is ParsedCondition<F> =>
      fields.some((field) => field === condition.field),
    );
  }

  /** @param columnOf the SQL of a field */
  private applyConditions<F extends VisitField>(
    query: SelectQueryBuilder<ObjectLiteral>,
    fields: readonly F[],
    columnOf: (field: F) => string,
  ): void {
    for (const condition of this.conditionsOn(fields)) {
      const { sql, parameters } = valueCondition(
        this.dialect,
        `${condition.field}Condition`,
        condition,
        columnOf(condition.field),
      );
      query.andWhere(sql, parameters);
    }
  }

  private applyToActivities(query: SelectQueryBuilder<Activity>): void {
    applyFilter(query, toActivityFilter(this.filter), this.dialect);
  }

  /** Selects the ids of matching paths; alias `known`. */
  private pathsLike(property: string, path: string): SelectQueryBuilder<Path> {
    const { sql, parameters } = pathCondition(pathColumns(this.dialect, 'known.path'), property, path);
    return this.manager.createQueryBuilder(Path, 'known').select('known.id', 'id').where(sql, parameters);
  }

  private applyToVisits(query: SelectQueryBuilder<Visit>, alias: string): void {
    for (const property of VISIT_PATHS) this.applyToPath(query, `${alias}.${property}`, property);
    for (const condition of this.conditionsOn(VISIT_PATHS)) {
      const column = 'known.path';
      const { sql, parameters } = valueCondition(
        this.dialect,
        `${condition.field}Condition`,
        condition,
        column,
        (name, path) => pathCondition(pathColumns(this.dialect, column), name, path),
      );
      const paths = this.manager
        .createQueryBuilder(Path, 'known')
        .select('known.id', 'id')
        .where(sql, parameters);
      query.andWhere(`${alias}.${condition.field} IN (${paths.getQuery()})`, paths.getParameters());
    }
    this.applyTexts(query, alias, VISIT_SOURCES);
  }

  private applyToPath(
    query: SelectQueryBuilder<ObjectLiteral>,
    column: string,
    property: (typeof PATH_FIELDS)[number],
  ): void {
    const path = this.filter[property];
    if (path === undefined) return;
    const numbers = this.pathIds[property];
    const paths = this.pathsLike(property, path);
    if (numbers) query.andWhere(numbers.length > 0 ? `${column} IN (${numbers.join(', ')})` : '1 = 0');
    else query.andWhere(`${column} IN (${paths.getQuery()})`, paths.getParameters());
  }

  private applyTexts(
    query: SelectQueryBuilder<ObjectLiteral>,
    alias: string,
    properties: readonly (typeof SESSION_PROPERTIES | typeof VISIT_SOURCES)[number][],
  ): void {
    for (const property of properties) {
      const value = this.filter[property];
      if (value === undefined) continue;
      if (value === null) query.andWhere(`${alias}.${property} IS NULL`);
      else query.andWhere(`${alias}.${property} = :${property}`, { [property]: value });
    }
    this.applyConditions(query, properties, (property) => `${alias}.${property}`);
  }
}

/** Bounds are literals, so that PostgreSQL can estimate rows, and several ranges do not share a parameter. */
function andWithin(
  query: SelectQueryBuilder<ObjectLiteral>,
  column: 'activity.date' | 'visit.startedAt',
  { since, until }: Partial<TimeRange>,
): void {
  if (since !== undefined) query.andWhere(`${column} >= ${since}`);
  if (until !== undefined) query.andWhere(`${column} < ${until}`);
}
