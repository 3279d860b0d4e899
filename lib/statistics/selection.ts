import type { DataSource, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from '../activity/activity.entity.js';
import {
  type ActivityFilter,
  applyFilter,
  checkText,
  InvalidFilterError,
} from '../activity/activity.filter.js';
import { type Dialect, dialectOf } from '../activity/dialects/dialect.js';
import { Session } from '../activity/session.entity.js';
import type { StatisticsFilter } from './statistics.types.js';
import type { Stretch } from './stretch.js';
import { Visit } from './visit.entity.js';

const OF_ACTIVITIES = ['user', 'path', 'name', 'ip'] as const;
const OF_SESSIONS = ['browser', 'system', 'device'] as const;
const KNOWN = [
  ...OF_ACTIVITIES,
  ...OF_SESSIONS,
  'session',
  'visit',
  'referrer',
  'properties',
  'bots',
  'from',
  'to',
  'timeZone',
];

/** What a filter, and a range, take of the activities and of the visits. */
export class Selection {
  readonly dialect: Dialect;

  /** @throws InvalidFilterError for a property that is not known or not understood */
  constructor(
    readonly dataSource: DataSource,
    private readonly filter: StatisticsFilter,
  ) {
    this.dialect = dialectOf(dataSource);
    for (const property of Object.keys(filter)) {
      if (!KNOWN.includes(property))
        throw new InvalidFilterError(property, `is not known; allowed: ${KNOWN.join(', ')}`);
    }
    for (const property of [...OF_SESSIONS, 'referrer'] as const) {
      if (filter[property] !== undefined) checkText(property, filter[property]);
    }
    const { bots } = filter;
    if (bots !== undefined && typeof bots !== 'boolean')
      throw new InvalidFilterError('bots', 'must be true or false');
    // Says at once what else is wrong.
    this.activities();
  }

  /** Whether it takes all but bots, or of them those of a name. */
  get isPlain(): boolean {
    const given = Object.entries(this.filter).filter(([, value]) => value !== undefined && value !== false);
    return given.every(([property]) => ['name', 'from', 'to', 'timeZone'].includes(property));
  }

  get name(): string | undefined {
    return this.filter.name;
  }

  /** Alias `activity`, joined with `session`. */
  activities(...stretches: Partial<Stretch>[]): SelectQueryBuilder<Activity> {
    const query = this.dataSource
      .createQueryBuilder(Activity, 'activity')
      .leftJoin(Session, 'session', 'session.id = activity.sessionId');
    if (!this.filter.bots) query.andWhere('(session.bot IS NULL OR NOT session.bot)');
    const { session, visit, referrer } = this.filter;
    applyFilter(query, { session, visit }, this.dialect);
    this.applyToActivities(query);
    this.applyToSession(query);
    if (referrer !== undefined) {
      const visits = this.dataSource
        .createQueryBuilder(Visit, 'source')
        .select('source.id')
        .where('source.referrer = :referrer', { referrer });
      query.andWhere(`activity.visitId IN (${visits.getQuery()})`).setParameters(visits.getParameters());
    }
    for (const stretch of stretches) andWithin(query, 'activity.date', stretch);
    return query;
  }

  /** Alias `visit`, joined with `session` where that is asked for. */
  visits(range?: Partial<Stretch>, { withSession = false } = {}): SelectQueryBuilder<Visit> {
    const { session, visit, referrer, bots } = this.filter;
    const query = this.dataSource.createQueryBuilder(Visit, 'visit');
    const needsSession = OF_SESSIONS.some((property) => this.filter[property] !== undefined);
    if (withSession || needsSession) query.leftJoin(Session, 'session', 'session.id = visit.sessionId');
    if (!bots) query.andWhere('NOT visit.bot');
    if (session !== undefined)
      query.andWhere('visit.sessionId = :session', { session: checkText('session', session) });
    if (visit !== undefined) query.andWhere('visit.id = :visit', { visit: checkText('visit', visit) });
    if (referrer !== undefined) query.andWhere('visit.referrer = :referrer', { referrer });
    this.applyToSession(query);
    if ([...OF_ACTIVITIES, 'properties' as const].some((property) => this.filter[property] !== undefined)) {
      const matching = this.dataSource.createQueryBuilder(Activity, 'activity').select('activity.visitId');
      this.applyToActivities(matching);
      matching.andWhere('activity.visitId IS NOT NULL');
      // None of a visit's activities is before it began.
      if (range?.since !== undefined) matching.andWhere('activity.date >= :since', { since: range.since });
      query.andWhere(`visit.id IN (${matching.getQuery()})`).setParameters(matching.getParameters());
    }
    if (range) andWithin(query, 'visit.startedAt', range);
    return query;
  }

  /** The SQL of what the filter says of activities, with parameters of its own. */
  conditionOnActivities(prefix: string): { sql: string; parameters: ObjectLiteral } {
    const query = this.dataSource.createQueryBuilder(Activity, 'activity');
    this.applyToActivities(query);
    const parameters: ObjectLiteral = {};
    for (const [name, value] of Object.entries(query.getParameters())) parameters[prefix + name] = value;
    const [, condition = '1 = 1'] = query.getQuery().split(/ WHERE (.*)/s);
    return { sql: condition.replaceAll(/(?<!:):(\w+)/g, `:${prefix}$1`), parameters };
  }

  private applyToActivities(query: SelectQueryBuilder<Activity>): void {
    const { user, path, name, ip, properties } = this.filter;
    const filter: ActivityFilter = { user, path, name, ip };
    applyFilter(query, filter, this.dialect);
    if (properties === undefined) return;
    if (typeof properties !== 'object' || properties === null)
      throw new InvalidFilterError('properties', 'must be an object of texts, numbers and truth values');
    for (const [i, [key, value]] of Object.entries(properties).entries()) {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw new InvalidFilterError(`properties.${key}`, 'must be a text, a number, true or false');
      query
        .andWhere('activity.properties IS NOT NULL')
        .andWhere(`${this.dialect.property('activity.properties', `:key${i}`)} = :value${i}`, {
          [`key${i}`]: checkText('properties', key),
          [`value${i}`]: String(value),
        });
    }
  }

  private applyToSession(query: SelectQueryBuilder<ObjectLiteral>): void {
    for (const property of OF_SESSIONS) {
      const value = this.filter[property];
      if (value !== undefined) query.andWhere(`session.${property} = :${property}`, { [property]: value });
    }
  }
}

/** The numbers stand in the SQL: PostgreSQL's plans know them then, and several stretches do not share a parameter. */
function andWithin(
  query: SelectQueryBuilder<ObjectLiteral>,
  column: string,
  { since, until }: Partial<Stretch>,
): void {
  if (since !== undefined) query.andWhere(`${column} >= ${Math.trunc(since)}`);
  if (until !== undefined) query.andWhere(`${column} < ${Math.trunc(until)}`);
}
