import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../activity/activity.entity.js';
import {
  type ActivityFilter,
  applyFilter,
  checkStorable,
  checkText,
  InvalidFilterError,
  pageCondition,
  pathColumns,
  pathCondition,
} from '../../../../activity/activity.filter.js';
import { type Dialect, dialectOf } from '../../../../database/dialects/dialect.js';
import { hostText } from '../../../../activity/referrer.js';
import { Session } from '../../../../activity/session.entity.js';
import { beenAt, haveDone } from './visit-conditions.js';
import { leaveOutBots } from './bots.js';
import { MAX_FILTER_PROPERTIES } from '../../../../statistics/limits.js';
import { Path } from '../rollup/tables/path.entity.js';
import type { StatisticsFilter } from '../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../statistics/time/time-range.js';
import { Visit } from '../rollup/tables/visit.entity.js';

const OF_SESSIONS = ['browser', 'system', 'device'] as const;
const ENDS_OF_VISITS = ['entry', 'exit'] as const;
const SOURCES_OF_VISITS = [
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
] as const;
const OF_VISITS = [...ENDS_OF_VISITS, ...SOURCES_OF_VISITS];
const KNOWN = [
  'user',
  'path',
  'name',
  'ip',
  ...OF_SESSIONS,
  'session',
  'visit',
  ...OF_VISITS,
  'properties',
  'bots',
  'from',
  'to',
  'timeZone',
];

const OF_PATHS = ['path', ...ENDS_OF_VISITS] as const;
/** Of a filter that takes more paths no plan knows the numbers, and visits are found by their activities. */
const MAX_PATHS = 50;

/** What a filter, and a range, take of the activities and of the visits. */
export class Selection {
  readonly dialect: Dialect;
  /** Of the paths that a filter takes. */
  private readonly numbers: Partial<Record<(typeof OF_PATHS)[number], number[]>> = {};

  /** @throws InvalidFilterError for a property that is not known or not understood */
  constructor(
    readonly manager: EntityManager,
    private readonly filter: StatisticsFilter,
  ) {
    this.dialect = dialectOf(manager.connection);
    for (const property of Object.keys(filter)) {
      if (!KNOWN.includes(property))
        throw new InvalidFilterError(property, `is not known; allowed: ${KNOWN.join(', ')}`);
    }
    const { bots } = filter;
    if (bots !== undefined && typeof bots !== 'boolean')
      throw new InvalidFilterError('bots', 'must be true or false');
    // Says at once what else is wrong.
    this.activities();
  }

  /** Looks up the numbers of the filter's paths, by which the database plans better, and finds visits without their activities. */
  async learn(): Promise<void> {
    for (const property of OF_PATHS) {
      const path = this.filter[property];
      if (path === undefined) continue;
      const paths = await this.pathsLike(property, path)
        .limit(MAX_PATHS + 1)
        .getRawMany<{ number: number }>();
      if (paths.length <= MAX_PATHS) this.numbers[property] = paths.map(({ number }) => number);
    }
  }

  /** Whether it takes all but bots, or of them those of a name. */
  get isPlain(): boolean {
    return this.knowsOnly('name');
  }

  /** Whether it takes all activities, or all views, of all paths or some, but for bots. */
  get isOfPaths(): boolean {
    return this.knowsOnly('name', 'path') && this.mayTakeViews;
  }

  private knowsOnly(...properties: string[]): boolean {
    const given = Object.entries(this.filter).filter(([, value]) => value !== undefined && value !== false);
    return given.every(([property]) => [...properties, 'from', 'to', 'timeZone'].includes(property));
  }

  /** Whether it takes all visits but those of bots. */
  get isWhole(): boolean {
    return this.isPlain && this.filter.name === undefined;
  }

  /** Whether it takes some visits, and of these all activities, but where they are mixed. */
  get isOfVisits(): boolean {
    return !this.isPlain && !this.isOfActivities;
  }

  private knowsOfActivities(property: string): boolean {
    return Object.entries(this.ofActivities).every(
      ([name, value]) => name === property || value === undefined,
    );
  }

  private get isOfActivities(): boolean {
    return Object.values(this.ofActivities).some((value) => value !== undefined);
  }

  get name(): string | undefined {
    return this.filter.name;
  }

  /** Whether views can match the filter's name. */
  get mayTakeViews(): boolean {
    return (this.filter.name ?? 'view') === 'view';
  }

  /** Alias `activity`, joined with `session` where that is asked for. */
  activities(range: Partial<Stretch> = {}, { withSession = false } = {}): SelectQueryBuilder<Activity> {
    const query = this.manager.createQueryBuilder(Activity, 'activity');
    const needsSession = OF_SESSIONS.some((property) => this.filter[property] !== undefined);
    if (withSession || needsSession) query.leftJoin(Session, 'session', 'session.id = activity.sessionId');
    if (!this.filter.bots) leaveOutBots(query);
    const { session, visit, user } = this.filter;
    applyFilter(query, { session, visit }, this.dialect);
    this.applyToActivities(query);
    this.applyTexts(query, 'session', OF_SESSIONS);
    if (user === null) leaveOutUsers(query);
    if (OF_VISITS.some((property) => this.filter[property] !== undefined)) {
      const visits = this.manager.createQueryBuilder(Visit, 'source').select('source.id');
      this.applyToVisits(visits, 'source');
      query.andWhere(`activity.visitId IN (${visits.getQuery()})`).setParameters(visits.getParameters());
    }
    andWithin(query, this.dialect, 'activity.date', range);
    return query;
  }

  /** Alias `visit`. */
  visits(range?: Partial<Stretch>): SelectQueryBuilder<Visit> {
    const { session, visit, user, bots } = this.filter;
    const query = this.manager.createQueryBuilder(Visit, 'visit');
    if (!bots) query.andWhere('NOT visit.bot');
    if (session !== undefined)
      query.andWhere('visit.sessionId = :session', { session: checkText('session', session) });
    if (visit !== undefined) query.andWhere('visit.id = :visit', { visit: checkText('visit', visit) });
    if (user === null) query.andWhere('visit.userId IS NULL');
    this.applyToVisits(query, 'visit');
    this.applyTexts(query, 'visit', OF_SESSIONS);
    const { path, name } = this.ofActivities;
    if (path !== undefined && this.numbers.path && this.knowsOfActivities('path'))
      query.andWhere(beenAt(this.manager, path, this.numbers.path));
    else if (name !== undefined && this.knowsOfActivities('name'))
      query.andWhere(haveDone(this.manager, name));
    else if (this.isOfActivities) {
      const matching = this.manager.createQueryBuilder(Activity, 'activity').select('activity.visitId');
      this.applyToActivities(matching);
      matching.andWhere('activity.visitId IS NOT NULL');
      // None of a visit's activities is before it began.
      if (range?.since !== undefined)
        andWithin(matching, this.dialect, 'activity.date', { since: range.since });
      query.andWhere(`visit.id IN (${matching.getQuery()})`).setParameters(matching.getParameters());
    }
    if (range) andWithin(query, this.dialect, 'visit.startedAt', range);
    return query;
  }

  /** The same without the filter. */
  allVisits(range: Partial<Stretch>): SelectQueryBuilder<Visit> {
    const query = this.manager.createQueryBuilder(Visit, 'visit');
    andWithin(query, this.dialect, 'visit.startedAt', range);
    return query;
  }

  /** Leaves the paths of the filter among the sums of paths. */
  applyToPaths(query: SelectQueryBuilder<ObjectLiteral>, alias: string): void {
    this.applyToPath(query, `${alias}.path`, 'path');
  }

  /** The SQL of what the filter says of activities, with parameters of its own. */
  conditionOnActivities(prefix: string): { sql: string; parameters: ObjectLiteral } {
    const query = this.manager.createQueryBuilder(Activity, 'activity');
    this.applyToActivities(query);
    const parameters: ObjectLiteral = {};
    for (const [name, value] of Object.entries(query.getParameters())) parameters[prefix + name] = value;
    const [, condition = '1 = 1'] = query.getQuery().split(/ WHERE (.*)/s);
    return { sql: condition.replaceAll(/(?<!:):(\w+)/g, `:${prefix}$1`), parameters };
  }

  /** What it says of activities; that there is no user is said of the whole visit. */
  private get ofActivities(): ActivityFilter & Pick<StatisticsFilter, 'properties'> {
    const { user, path, name, ip, properties } = this.filter;
    return { user: user ?? undefined, path, name, ip, properties };
  }

  private applyToActivities(query: SelectQueryBuilder<Activity>): void {
    const { properties, path, ...filter } = this.ofActivities;
    applyFilter(query, filter, this.dialect);
    if (path !== undefined) {
      const { sql, parameters } = pageCondition(this.dialect, 'path', path);
      query.andWhere(sql, parameters);
    }
    if (properties === undefined) return;
    if (typeof properties !== 'object' || properties === null)
      throw new InvalidFilterError('properties', 'must be an object of texts, numbers and truth values');
    const entries = Object.entries(properties);
    if (entries.length > MAX_FILTER_PROPERTIES)
      throw new InvalidFilterError('properties', `must have at most ${MAX_FILTER_PROPERTIES} keys`);
    for (const [i, [key, value]] of entries.entries()) {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw new InvalidFilterError(`properties.${key}`, 'must be a text, a number, true or false');
      query
        .andWhere('activity.properties IS NOT NULL')
        .andWhere(`${this.dialect.property('activity.properties', `:key${i}`)} = :value${i}`, {
          [`key${i}`]: checkText('properties', key),
          [`value${i}`]: checkStorable(`properties.${key}`, String(value)),
        });
    }
  }

  /** The numbers of the paths that a filter takes; alias `known`. */
  private pathsLike(property: string, path: string): SelectQueryBuilder<Path> {
    const { sql, parameters } = pathCondition(pathColumns(this.dialect, 'known.path'), property, path);
    return this.manager
      .createQueryBuilder(Path, 'known')
      .select('known.number', 'number')
      .where(sql, parameters);
  }

  private applyToVisits(query: SelectQueryBuilder<Visit>, alias: string): void {
    for (const property of ENDS_OF_VISITS) this.applyToPath(query, `${alias}.${property}`, property);
    this.applyTexts(query, alias, SOURCES_OF_VISITS);
  }

  private applyToPath(
    query: SelectQueryBuilder<ObjectLiteral>,
    column: string,
    property: (typeof OF_PATHS)[number],
  ): void {
    const path = this.filter[property];
    if (path === undefined) return;
    const numbers = this.numbers[property];
    const paths = this.pathsLike(property, path);
    if (numbers) query.andWhere(numbers.length > 0 ? `${column} IN (${numbers.join(', ')})` : '1 = 0');
    else query.andWhere(`${column} IN (${paths.getQuery()})`, paths.getParameters());
  }

  private applyTexts(
    query: SelectQueryBuilder<ObjectLiteral>,
    alias: string,
    properties: typeof OF_SESSIONS | typeof SOURCES_OF_VISITS,
  ): void {
    for (const property of properties) {
      const value = this.filter[property];
      if (value === undefined) continue;
      if (value === null) query.andWhere(`${alias}.${property} IS NULL`);
      else {
        const text = checkText(property, value);
        query.andWhere(`${alias}.${property} = :${property}`, {
          [property]: property === 'referrer' ? hostText(text) : text,
        });
      }
    }
  }
}

/** Whoever logs in during a visit was the visitor all along. */
function leaveOutUsers(query: SelectQueryBuilder<Activity>): void {
  const identified = query
    .subQuery()
    .select('1')
    .from(Visit, 'identified')
    .where('identified.id = activity.visitId AND identified.userId IS NOT NULL');
  query.andWhere('activity.userId IS NULL').andWhere(`NOT EXISTS ${identified.getQuery()}`);
}

/**
 * The numbers stand in the SQL: PostgreSQL's plans know them then, and several stretches do not share a parameter. It
 * would take each condition for independent of the others, and so for next to nothing what is left: hence the key alone,
 * and the date in the minutes that the range does not have all of.
 */
function andWithin(
  query: SelectQueryBuilder<ObjectLiteral>,
  dialect: Dialect,
  column: 'activity.date' | 'visit.startedAt',
  { since, until }: Partial<Stretch>,
): void {
  const isVisit = column === 'visit.startedAt';
  const key = isVisit ? column : dialect.dateKey(column);
  const keyOf = (instant: number): number => (isVisit ? instant : dialect.dateKeyOf(instant));
  if (since !== undefined) {
    const first = keyOf(since);
    query.andWhere(`${key} >= ${first}`);
    if (first !== since) query.andWhere(`(${key} <> ${first} OR ${column} >= ${since})`);
  }
  if (until !== undefined) {
    const last = keyOf(until);
    query.andWhere(`${key} ${last === until ? '<' : '<='} ${last}`);
    if (last !== until) query.andWhere(`(${key} <> ${last} OR ${column} < ${until})`);
  }
}
