import { SESSION_PROPERTIES } from '../../../activity/session.js';
import { matchesNone, type ParsedCondition } from '../../../activity/condition.js';
import {
  nameIn,
  type ParsedStatisticsFilter,
  toActivityFilter,
  VISIT_PATHS,
  VISIT_SOURCES,
  type VisitField,
} from '../../../statistics/statistics-filter.js';
import type { TimeRange } from '../../../statistics/time/time-range.js';
import { DAY, HOUR } from '../../../time/units.js';
import { buildConditions, PAGE, wildcardCondition, scopeConditions, valueCondition } from '../filter.js';
import type { Server, StatementLimits } from '../server.js';
import { all, integer, text } from '../sql.js';
import { ACTIVITY, SESSION, VISIT } from '../tables.js';

/** Milliseconds: the hours of longer visits are not listed. */
const MAX_LISTED = 2 * DAY;
const VISITORS = ['session', 'visit'] as const;
const ACTIVITY_COLUMNS = { session: 'sessionId', visit: `nullIf(visitId, '')` };
const VISIT_COLUMNS = { session: 'sessionId', visit: 'id' };

/** Builds the conditions on the activities and the visits that match a filter, and asks. */
export class StatisticsQuery {
  constructor(
    private readonly server: Server,
    private readonly limits: StatementLimits,
    private readonly filter: ParsedStatisticsFilter,
  ) {}

  /** See {@link nameIn}. */
  get nameOfAll(): string | null | undefined {
    return nameIn(this.filter);
  }

  ask<T>(sql: string): Promise<T[]> {
    return this.server.query<T>(sql, this.limits);
  }

  /** Returns the SQL after `SELECT …`, for the activities of the filter. */
  activities(range: Partial<TimeRange> = {}, ...conditions: string[]): string {
    const { session, visit, user, bots } = this.filter;
    const own = [
      ...inRange('date', range),
      ...buildConditions({ session, visit }),
      ...this.scope,
      ...activityConditions(this.filter),
      ...(bots ? [] : [`sessionId IS NULL OR sessionId NOT IN ${sessionsWhere('bot')}`]),
      ...SESSION_PROPERTIES.flatMap((property) => {
        const value = this.filter[property];
        if (value === undefined) return [];
        return value === null
          ? `sessionId IS NULL OR sessionId NOT IN ${sessionsWhere(`${property} IS NOT NULL`)}`
          : `sessionId IN ${sessionsWhere(`${property} = ${text(value)}`)}`;
      }),
      ...this.conditionsOn(SESSION_PROPERTIES).map((condition) => {
        const sessions = sessionsWhere(valueCondition(condition, condition.field));
        // Without a session, an activity has no value.
        return matchesNone(condition)
          ? `sessionId IS NULL OR sessionId NOT IN ${sessionsWhere(`NOT (${valueCondition(condition, condition.field)})`)}`
          : `sessionId IN ${sessions}`;
      }),
      ...this.conditionsOn(VISITORS).map((condition) =>
        valueCondition(condition, ACTIVITY_COLUMNS[condition.field]),
      ),
      ...(user === null ? ['userId IS NULL', `visitId NOT IN (${this.visitsOfUsers})`] : []),
    ];
    const sources = this.sourceConditions();
    if (sources.length > 0) sources.push(...this.withoutVisitsBeyond);
    if (sources.length > 0) own.push(`visitId IN (SELECT id FROM ${VISIT} FINAL WHERE ${all(sources)})`);
    return `FROM ${ACTIVITY} WHERE ${all([...own, ...conditions])}`;
  }

  /** Returns the SQL after `SELECT …`, for the visits of the filter. */
  visits(range: Partial<TimeRange> = {}, ...conditions: string[]): string {
    const { session, visit, user, bots } = this.filter;
    const own = [
      ...inRange('startedAt', range),
      ...(bots ? [] : ['NOT bot']),
      ...(session === undefined ? [] : [`sessionId = ${text(session)}`]),
      ...(visit === undefined ? [] : [`id = ${text(visit)}`]),
      ...(user === null ? ['userId IS NULL'] : []),
      ...this.sourceConditions(),
      ...SESSION_PROPERTIES.flatMap((property) => equals(property, this.filter[property])),
      ...this.conditionsOn(SESSION_PROPERTIES).map((condition) => valueCondition(condition, condition.field)),
      ...this.conditionsOn(VISITORS).map((condition) =>
        valueCondition(condition, VISIT_COLUMNS[condition.field]),
      ),
    ];
    const ofActivities = activityConditions(this.filter);
    if (ofActivities.length > 0 && this.isOfPairs) {
      own.push(`arrayExists((${PAGE}, name) -> ${all(ofActivities)}, pairs.page, pairs.name)`);
    } else if (ofActivities.length > 0) {
      // A visit has no activities before its start.
      const since = inRange('date', { since: range.since ?? 0 });
      own.push(
        `id IN (SELECT visitId FROM ${ACTIVITY} WHERE ${all([...since, "visitId != ''", ...ofActivities])})`,
      );
    }
    if (this.scope.length > 0) own.push(`id IN (SELECT visitId FROM ${ACTIVITY} WHERE ${all(this.scope)})`);
    own.push(...this.withoutVisitsBeyond);
    return `FROM ${VISIT} FINAL WHERE ${all([...own, ...conditions])}`;
  }

  /** True if it needs only the page and the name of activities, which rows of visits have. */
  get isOfPairs(): boolean {
    const { conditions = [], ...plain } = toActivityFilter(this.filter);
    const fields = [...Object.keys(plain), ...conditions.map(({ field }) => field)];
    return this.scope.length === 0 && fields.every((field) => field === 'page' || field === 'name');
  }

  /** The conditions on single activities, over the columns `name` and {@link PAGE}. */
  get ofActivities(): string {
    return all(activityConditions(this.filter));
  }

  /**
   * Returns the SQL after `SELECT …`, for the visits all of whose activities are in the range and have one session, so that their
   * rows can be used. The others are {@link otherActivities}, which the same statement must read: it sees the same rows
   * of a table each time.
   */
  containedVisits(range: TimeRange): string {
    return this.visits(range, isContained(range));
  }

  /**
   * Returns the SQL after `SELECT …`, for the activities of the filter that are of visits, but not in {@link containedVisits}. The table's
   * key finds their hours.
   */
  otherActivities(range: TimeRange): string {
    const others = `FROM ${VISIT} FINAL WHERE ${all([
      `startedAt < ${integer(range.until)}`,
      `endedAt >= ${integer(range.since)}`,
      `NOT (${isContained(range)})`,
    ])}`;
    const first = hourSql(`greatest(startedAt, toInt64(${integer(range.since)}))`);
    const last = hourSql(`least(endedAt, toInt64(${integer(range.until)}), startedAt + ${MAX_LISTED})`);
    const hours = `SELECT DISTINCT arrayJoin(range(${first}, ${last} + 1)) ${others}`;
    const isLong = `endedAt - startedAt > ${MAX_LISTED}`;
    return this.activities(
      range,
      `${hourSql('date')} IN (${hours}) OR visitId IN (SELECT id ${others} AND ${isLong})`,
      `visitId IN (SELECT id ${others})`,
    );
  }

  /** The conditions of the scope, which apply to each activity in addition to the filter. */
  get scope(): string[] {
    return scopeConditions(this.filter.scope ?? []);
  }

  /** The user who logs in during a visit counts as the visitor of the whole visit. In a scope, only its activities decide. */
  private get visitsOfUsers(): string {
    return this.scope.length > 0
      ? `SELECT visitId FROM ${ACTIVITY} WHERE ${all([...this.scope, "visitId != ''", 'userId IS NOT NULL'])}`
      : `SELECT id FROM ${VISIT} FINAL WHERE userId IS NOT NULL`;
  }

  /** A visit's row is made of all its activities: it would disclose those beyond the scope. */
  private get withoutVisitsBeyond(): string[] {
    if (this.scope.length === 0) return [];
    return [`id NOT IN (SELECT visitId FROM ${ACTIVITY} WHERE NOT ifNull(${all(this.scope)}, false))`];
  }

  private sourceConditions(): string[] {
    const { filter } = this;
    return [
      ...VISIT_PATHS.flatMap((property) => {
        const path = filter[property];
        return path === undefined ? [] : wildcardCondition(property, path);
      }),
      ...VISIT_SOURCES.flatMap((property) => equals(property, filter[property])),
      ...this.conditionsOn([...VISIT_PATHS, ...VISIT_SOURCES]).map((condition) =>
        valueCondition(condition, condition.field),
      ),
    ];
  }

  private conditionsOn<F extends VisitField>(fields: readonly F[]): ParsedCondition<F>[] {
    return (this.filter.conditions ?? []).filter((condition): condition is ParsedCondition<F> =>
      fields.some((field) => field === condition.field),
    );
  }
}

/** Returns the conditions of the filter, or of a funnel step, on single activities. */
export function activityConditions(filter: ParsedStatisticsFilter): string[] {
  return buildConditions(toActivityFilter(filter));
}

/** The start of the interval that an instant is in. */
export function startSql(column: string, starts: readonly number[]): string {
  const [first = 0] = starts;
  if (starts.length <= 1) return `toInt64(${integer(first)})`;
  return `roundDown(${column}, [${starts.map((start) => `toInt64(${integer(start)})`).join(', ')}])`;
}

/** The number of the interval that an instant is in. */
export function indexSql(column: string, starts: readonly number[]): string {
  if (starts.length <= 1) return '0';
  const list = `[${starts.map((start) => `toInt64(${integer(start)})`).join(', ')}]`;
  // Not `indexOf`, which compares with one after the other.
  return `transform(${startSql(column, starts)}, ${list}, [${starts.map((_, i) => `toInt64(${i})`).join(', ')}], toInt64(-1))`;
}

/** As in the key of the table of activities. */
function hourSql(instant: string): string {
  return `intDiv(${instant}, ${HOUR})`;
}

function isContained({ since, until }: TimeRange): string {
  return all(['NOT mixed', `startedAt >= ${integer(since)}`, `endedAt < ${integer(until)}`]);
}

function sessionsWhere(condition: string): string {
  return `(SELECT id FROM ${SESSION} FINAL WHERE ${condition})`;
}

function inRange(column: string, { since, until }: Partial<TimeRange>): string[] {
  return [
    ...(since === undefined ? [] : [`${column} >= ${integer(since)}`]),
    ...(until === undefined ? [] : [`${column} < ${integer(until)}`]),
  ];
}

function equals(column: string, value: string | null | undefined): string[] {
  if (value === undefined) return [];
  return [value === null ? `${column} IS NULL` : `${column} = ${text(value)}`];
}
