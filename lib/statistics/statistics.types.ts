import type { Activity, Properties } from '../activity/activity.js';
import type { AmountMeasure } from './amount.js';
import type { Page, PageOptions } from '../activity/pagination.js';
import type { Question, StatisticsFilter } from './question.types.js';
import { type Session, SESSION_PROPERTIES, type SessionProperty } from '../activity/session.js';

/** The measures. */
export const MEASURES = [
  'users',
  'sessions',
  'visits',
  'activities',
  'views',
  'bounceRate',
  'visitDuration',
] as const;
/** One of {@link MEASURES}. */
export type Measure = (typeof MEASURES)[number];

/** Lengths of the intervals of a series. */
export const INTERVALS = ['minute', 'hour', 'day', 'week', 'month'] as const;
/** One of {@link INTERVALS}. */
export type Interval = (typeof INTERVALS)[number];

/** The dimensions of `ActivityStats.top`. */
export const DIMENSIONS = [
  'path',
  'route',
  'entry',
  'exit',
  'referrer',
  'name',
  'property',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
  ...SESSION_PROPERTIES,
  'user',
  'group',
] as const;
/** One of {@link DIMENSIONS}. */
export type Dimension = (typeof DIMENSIONS)[number];

const ACTIVITY_DIMENSIONS = ['path', 'route', 'name', 'property', 'group'] as const;
/** A dimension that single activities have; visits have the others. */
export type ActivityDimension = (typeof ACTIVITY_DIMENSIONS)[number];

/** @internal */
export function isActivityDimension(dimension: Dimension): dimension is ActivityDimension {
  return ACTIVITY_DIMENSIONS.some((each) => each === dimension);
}

/** The measures of `ActivityStats.top`. */
export const TOP_MEASURES = ['users', 'sessions', 'visits', 'activities', 'views'] as const;
/** One of {@link TOP_MEASURES}. */
export type TopMeasure = (typeof TOP_MEASURES)[number];

/** Lengths of the periods of retention. */
export const PERIODS = ['day', 'week', 'month'] as const;
/** One of {@link PERIODS}. */
export type Period = (typeof PERIODS)[number];

/** Retention counts users or sessions. */
export const RETENTION_BY = ['user', 'session'] as const;

/** The common property of results. */
export interface AsOf {
  /**
   * ISO 8601 in UTC, by the database's clock. The answer is exact for everything that was committed before this moment;
   * it may contain some later commits.
   */
  asOf: string;
  /**
   * ISO 8601 in UTC, if the range begins before this moment and the option `retention` has erased all earlier activities. Earlier
   * counts are those that were stored before the erasure. A visitor who came both before and after it is counted twice.
   */
  frozenUntil?: string;
}

/** ISO 8601 with the offset of the time zone. */
export interface Span {
  from: string;
  to: string;
}

/** The value of a measure in the range and in the compared range; `null` if there was no visit to measure. */
export interface Figure {
  value: number | null;
  /** Missing without a comparison. */
  compared?: number | null;
}

/** Options of `ActivityStats.overview`. */
export interface OverviewOptions {
  /** The range just before, the same days a year ago, or any other. */
  compareTo?: 'previous' | 'year' | { from: Date | string; to: Date | string } | undefined;
}

/** `bounceRate` is 0 to 1; `visitDuration` is the median, in seconds. */
export interface Overview extends AsOf, Span, Record<Measure, Figure> {
  compared?: Span;
}

/** An aggregate of numbers in a range. */
export interface AmountResult extends AsOf, Span {
  measure: AmountMeasure;
  /** The sum of no number is 0; other aggregates are `null` then. */
  value: number | null;
  /** How many numbers there are. */
  count: number;
}

export interface Series extends AsOf, Span {
  measure: Measure | AmountMeasure;
  interval: Interval;
  timeZone: string;
  /** One for each interval that the range touches, the first and the last counted within the range alone. */
  points: { date: string; value: number | null }[];
}

export interface TopOptions extends Question {
  /** 1 to 1,000; default 10. */
  limit?: number | undefined;
  /**
   * Default: `views` of a path, `activities` of a name, of a property, of a group, and of a path if the filter has a name other than
   * `view`, else `visits`.
   */
  measure?: TopMeasure | AmountMeasure | undefined;
  /** The key, for the dimension `property`. */
  property?: string | undefined;
  /** Only values that contain this text, in upper or lower case; of users and groups their ids and names. */
  search?: string | undefined;
}

/** The most frequent values first. */
export interface Top extends AsOf {
  items: TopRow[];
}

/** A value of a dimension, and how often it occurs. */
export interface TopRow {
  /** `null` without a value, such as no referrer or an unknown browser. */
  value: string | null;
  /** What the measure counts, or its aggregate if it is a measure of numbers. */
  count: number;
  /**
   * Only for the dimensions `user` (the latest name in the latest visit) and `group` (the latest name); `null` if there is
   * none.
   */
  name?: string | null;
}

/** Options of `ActivityStats.live`. */
export interface LiveOptions extends Omit<Question, 'from' | 'to'> {
  /** 1 to 1,440; default 5. */
  minutes?: number | undefined;
}

/** A visitor with an activity in the last minutes: a session, or a user whom server code tracked without one. */
export interface LiveVisitor extends Record<SessionProperty, string | null> {
  session: string | null;
  user: string | null;
  userName: string | null;
  /** The latest activity. */
  date: string;
  path: string;
  name: string;
}

export interface Live extends AsOf {
  /** ISO 8601: only activities from this moment on count. */
  since: string;
  sessions: number;
  users: number;
  activities: number;
  /** The latest first, at most 100. */
  visitors: LiveVisitor[];
}

/** The conditions of a step; at least one is required. */
export type FunnelStep = Pick<StatisticsFilter, 'path' | 'route' | 'name' | 'properties'>;

export interface FunnelOptions extends Question {
  /** Milliseconds from the first step to the last. Default: the whole range. */
  within?: number | undefined;
}

export interface Funnel extends AsOf {
  steps: {
    step: FunnelStep;
    /** The number of visitors who reached this step. */
    visitors: number;
    /** The number of them who did not reach the next step; 0 for the last step. */
    stopped: number;
  }[];
}

export interface RetentionOptions extends Question {
  /** Default `week`. */
  period?: Period | undefined;
  /** Default `user`. */
  by?: 'user' | 'session' | undefined;
}

export interface Retention extends AsOf {
  period: Period;
  by: 'user' | 'session';
  timeZone: string;
  /** One for each period that the range touches. */
  cohorts: {
    /** The start of the period with their first visit. */
    date: string;
    size: number;
    /** How many had a visit in this period (so the first is the size), in the next, and so on to the end of the range. */
    returned: number[];
  }[];
}

/** The steps of journeys: pages or routes. */
export const JOURNEYS_BY = ['path', 'route'] as const;

export interface JourneysOptions extends Question {
  /**
   * What the steps are: the pages of views, or the routes of all activities that have one, except `engagement`. Default `path`. With
   * `route`, `start`, `end` and each `path` of the answer are routes. `start` and `end` are whole, without `*`.
   */
  by?: 'path' | 'route' | undefined;
  /** The page where the journeys start: its first view. Default, if `end` is missing too: the first page of each visit. */
  start?: string | undefined;
  /** The page where the journeys end: its last view. */
  end?: string | undefined;
  /** The number of steps, including the first or last; 2 to 8, default 4. */
  depth?: number | undefined;
  /** How many paths each step has: the most frequent; 1 to 50, default 10. */
  limit?: number | undefined;
}

/**
 * With the option `end`, steps are numbered up to 0, otherwise from 0. The path `null` stands for all less frequent paths. In the order of
 * the steps, the most frequent first.
 */
export interface Journeys extends AsOf {
  nodes: { step: number; path: string | null; visits: number }[];
  /** From a path of this step to one of the next. */
  links: { step: number; from: string | null; to: string | null; visits: number }[];
}

export interface VisitsOptions extends Question, PageOptions {
  /** 1 to 100; default 20. */
  limit?: number | undefined;
}

/** One page of the visits. */
export interface Visits extends AsOf, Page<VisitRecord> {}

/** A visit with its activities. */
export interface VisitRecord {
  id: string;
  session: Session | null;
  user: string | null;
  /** ISO 8601 with the offset of the time zone. */
  startedAt: string;
  /** The time of the last activity, `engagement` included. */
  endedAt: string;
  /** Seconds. */
  duration: number;
  bounced: boolean;
  views: number;
  entry: string;
  exit: string;
  referrer: string | null;
  utmSource: string | null;
  utmMedium: string | null;
  utmCampaign: string | null;
  utmTerm: string | null;
  utmContent: string | null;
  /** How many activities there are. */
  count: number;
  /** The oldest first, at most {@link MAX_ACTIVITIES_OF_VISIT}; without their session, which is a property of the visit. */
  activities: VisitActivity[];
}

/** An activity of a visit. */
export type VisitActivity = Pick<
  Activity,
  'id' | 'name' | 'path' | 'referer' | 'subject' | 'userId' | 'userName'
> & {
  date: string;
  properties: Properties | null;
};

/** How many activities of a visit `ActivityStats.visits` returns. */
export const MAX_ACTIVITIES_OF_VISIT = 500;
