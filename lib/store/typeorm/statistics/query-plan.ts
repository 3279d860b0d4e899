import { SESSION_PROPERTIES } from '../../../activity/session.js';
import {
  isOfActivities as isAboutActivities,
  type ParsedStatisticsFilter,
  type VisitFilters,
} from '../../../statistics/statistics-filter.js';
import type { TopQuery } from '../../../statistics/statistics.store.js';
import {
  type ActivityDimension,
  type Dimension,
  isActivityDimension,
  type Measure,
  type TopMeasure,
} from '../../../statistics/statistics.types.js';

/**
 * The source of an answer, and its tables:
 * - `rollup` (`djaffar_name_rollup`, `djaffar_path_rollup`): counts by bucket, and raw activities at both ends of the range.
 * - `daily-cache` (`djaffar_daily_count`): counts, or visitors, of past days that an earlier question has cached. The rest comes from
 *   `visit-paths` for visits and sessions by path or name, from `activities` for properties and for users by path or name, and from
 *   `visits` for other dimensions.
 * - `visits` (`djaffar_visit`): the visit rows.
 * - `visit-paths` (`djaffar_visit`): the paths and names in visit rows, and raw activities of visits that are only partly in the range.
 * - `activities` (`djaffar_activity`): the raw rows.
 *
 * `live`, `funnel`, aggregates of numbers and `journeys` by route always read activities; `retention` reads visits; `visits` reads
 * visits and their activities; `journeys` by path reads visit-paths.
 */
export type Source = 'rollup' | 'daily-cache' | 'visits' | 'visit-paths' | 'activities';

/**
 * The kind of a filter, by what it restricts: nothing; the name (to `view` or to another one); the path (of all activities or of
 * views); properties of visits, so that all activities of a visit match or none; or anything else. Only `visits` and `mixed` may
 * include bots.
 */
export type FilterKind = 'none' | 'view' | 'name' | 'path' | 'visits' | 'mixed';

export function classifyFilter(filter: ParsedStatisticsFilter): FilterKind {
  const { user, path, name, group, ip, route, subject, conditions = [], scope, ...ofVisits } = filter;
  if (scope) return 'mixed';
  const isOfVisits = user === null || hasAny(ofVisits) || conditions.length > 0;
  const isOfActivities =
    user != null ||
    [group, ip, route, subject].some((value) => value !== undefined) ||
    conditions.some(isAboutActivities);
  if (isOfActivities || (isOfVisits && (path !== undefined || name !== undefined))) return 'mixed';
  if (isOfVisits) return 'visits';
  if (path !== undefined) return (name ?? 'view') === 'view' ? 'path' : 'mixed';
  if (name === undefined) return 'none';
  return name === 'view' ? 'view' : 'name';
}

/** The compiler accepts only filters of visits, so a new filter of activities cannot be forgotten in {@link classifyFilter}. */
function hasAny<Given extends VisitFilters>(
  filters: Given & Record<Exclude<keyof Given, keyof VisitFilters>, never>,
): boolean {
  return Object.keys(filters).length > 0;
}

/** The source for each kind of filter. */
type Row = Record<FilterKind, Source>;

const VISITS = row('visits', 'visits', 'visits', 'visits', 'visits', 'visits');
const COUNTED_VISITS = row('daily-cache', 'visits', 'visits', 'visits', 'visits', 'visits');
const ACTIVITIES = row('activities', 'activities', 'activities', 'activities', 'activities', 'activities');

function row(none: Source, view: Source, name: Source, path: Source, visits: Source, mixed: Source): Row {
  return { none, view, name, path, visits, mixed };
}

const COUNTED_MEASURE = row('rollup', 'rollup', 'rollup', 'rollup', 'visits', 'activities');

/** The sources of `overview` and `series`. Visitors without a visit are also counted from activities. */
const MEASURES: Record<Measure, Row> = {
  activities: COUNTED_MEASURE,
  views: COUNTED_MEASURE,
  visits: VISITS,
  users: VISITS,
  sessions: VISITS,
  bounceRate: VISITS,
  visitDuration: VISITS,
};

type TopTable = Record<TopMeasure, Row>;

/** Columns: the filter restricts nothing, the name to view, the name, the path, what visits have, anything else. */
// prettier-ignore
const TOP: Record<ActivityDimension | 'visitDimension' | 'sessionProperty', TopTable> = {
  path: {
    views:      row('rollup',      'rollup',      'activities',  'rollup',     'visit-paths', 'activities'),
    activities: row('rollup',      'rollup',      'activities',  'rollup',     'activities',  'activities'),
    visits:     row('daily-cache', 'activities',  'activities',  'activities', 'visit-paths', 'activities'),
    sessions:   row('daily-cache', 'activities',  'activities',  'activities', 'visit-paths', 'activities'),
    users:      row('daily-cache', 'activities',  'activities',  'activities', 'activities',  'activities'),
  },
  route: {
    views: ACTIVITIES,
    activities: ACTIVITIES,
    visits: ACTIVITIES,
    sessions: ACTIVITIES,
    users: ACTIVITIES,
  },
  name: {
    views:      row('rollup',      'rollup',      'rollup',      'activities', 'activities',  'activities'),
    activities: row('rollup',      'rollup',      'rollup',      'activities', 'visit-paths', 'activities'),
    visits:     row('daily-cache', 'activities',  'activities',  'activities', 'visit-paths', 'activities'),
    sessions:   row('daily-cache', 'activities',  'activities',  'activities', 'visit-paths', 'activities'),
    users:      row('daily-cache', 'activities',  'activities',  'activities', 'activities',  'activities'),
  },
  property: {
    views:      row('daily-cache', 'daily-cache', 'daily-cache', 'activities', 'activities',  'activities'),
    activities: row('daily-cache', 'daily-cache', 'daily-cache', 'activities', 'activities',  'activities'),
    visits: ACTIVITIES,
    sessions: ACTIVITIES,
    users: ACTIVITIES,
  },
  group: {
    views: ACTIVITIES,
    activities: ACTIVITIES,
    visits: ACTIVITIES,
    sessions: ACTIVITIES,
    users: ACTIVITIES,
  },
  visitDimension: {
    visits:     COUNTED_VISITS,
    views: VISITS,
    activities: VISITS,
    sessions:   COUNTED_VISITS,
    users: VISITS,
  },
  sessionProperty: {
    visits:     COUNTED_VISITS,
    views: VISITS,
    activities: VISITS,
    sessions: VISITS,
    users: VISITS,
  },
};

export function planMeasure(measure: Measure, kind: FilterKind): Source {
  return MEASURES[measure][kind];
}

/** Characters; a longer key of a property is not cached. */
const MAX_CACHED_PROPERTY = 64;

/** A question with its measure. */
export interface ExactTopQuery extends TopQuery {
  measure: TopMeasure;
}

export function planTop(
  { dimension, measure, property = '', search }: ExactTopQuery,
  kind: FilterKind,
): Source {
  const source = TOP[toTopKey(dimension)][measure][kind];
  const isCacheable = property.length <= MAX_CACHED_PROPERTY;
  // Only the rollup, visits and activities can answer a search.
  if (isCacheable && (search === undefined || source === 'rollup')) return source;
  return isVisitDimension(dimension) ? 'visits' : 'activities';
}

/**
 * Returns the default measure: visits for dimensions of visits, views for paths, activities otherwise.
 * @param name the filter's, as `nameIn` returns it
 */
export function chooseTopMeasure(
  { dimension, measure }: Pick<TopQuery, 'dimension' | 'measure'>,
  name: string | null | undefined,
): TopMeasure {
  if (measure !== undefined) return measure;
  if (isVisitDimension(dimension)) return 'visits';
  return dimension === 'path' && (name === undefined || name === 'view') ? 'views' : 'activities';
}

export type VisitDimension = Exclude<Dimension, ActivityDimension>;

/** True if all visits of a session have the same value. */
export function isSessionProperty(dimension: Dimension): boolean {
  return SESSION_PROPERTIES.some((property) => property === dimension);
}

export function isVisitDimension(dimension: Dimension): dimension is VisitDimension {
  return !isActivityDimension(dimension);
}

function toTopKey(dimension: Dimension): keyof typeof TOP {
  if (isActivityDimension(dimension)) return dimension;
  return isSessionProperty(dimension) ? 'sessionProperty' : 'visitDimension';
}
