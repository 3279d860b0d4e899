import { isDeepStrictEqual } from 'node:util';
import type { ActivityStats, Top } from '../../lib/index.js';

/** The range for the SQL by hand. */
interface Bounds {
  since: number;
  until: number;
}

type Row = Record<string, unknown>;

export interface Asked {
  name: string;
  ours: (stats: ActivityStats, range: { from: Date; to: Date }) => Promise<unknown>;
  /** The SQL that a competent engineer would write for the raw tables. */
  plain?: (bounds: Bounds) => string;
  /** Whether both results are equal, if they have the same meaning. */
  agrees?: (ours: never, rows: Row[]) => boolean;
}

const A = 'FROM djaffar_activity a LEFT JOIN djaffar_session s ON s.id = a."sessionId"';
const IS_HUMAN = 's.bot IS NOT TRUE';
const within = ({ since, until }: Bounds): string => `a.date >= ${since} AND a.date < ${until}`;

/** Selects the visits that started in the range, with start and end; activities of the previous day show earlier starts. */
const visits = ({ since, until }: Bounds): string => `
  SELECT * FROM (
    SELECT a."visitId", min(a."sessionId") AS session, max(a."userId") AS "user", min(a.date) AS start,
           coalesce(max(a.date) FILTER (WHERE a.name <> 'engagement') - min(a.date) FILTER (WHERE a.name <> 'engagement'), 0) AS duration, count(*) FILTER (WHERE a.name <> 'engagement') AS actions,
           (array_agg(coalesce(a.page, a.path) ORDER BY a.name = 'engagement', a.date, a.id))[1] AS entry,
           (array_agg(coalesce(a.page, a.path) ORDER BY a.name = 'engagement', a.date DESC, a.id DESC))[1] AS exit,
           (array_agg(a.referer ORDER BY a.name = 'engagement', a.date, a.id))[1] AS referer,
           (array_agg(a.path ORDER BY a.name = 'engagement', a.date, a.id))[1] AS first,
           min(s.browser) AS browser, min(s.system) AS system, min(s.device) AS device
      ${A} WHERE ${IS_HUMAN} AND a.date >= ${since - 86_400_000} AND a."visitId" IS NOT NULL GROUP BY a."visitId") v
   WHERE v.start >= ${since} AND v.start < ${until}`;

/** The same without the columns that need sorting. */
const bareVisits = ({ since, until }: Bounds): string => `
  SELECT * FROM (
    SELECT a."visitId", min(a."sessionId") AS session, max(a."userId") AS "user", min(a.date) AS start,
           coalesce(max(a.date) FILTER (WHERE a.name <> 'engagement') - min(a.date) FILTER (WHERE a.name <> 'engagement'), 0) AS duration, count(*) FILTER (WHERE a.name <> 'engagement') AS actions,
           min(s.browser) AS browser, min(s.system) AS system, min(s.device) AS device
      ${A} WHERE ${IS_HUMAN} AND a.date >= ${since - 86_400_000} AND a."visitId" IS NOT NULL GROUP BY a."visitId") v
   WHERE v.start >= ${since} AND v.start < ${until}`;

const DAY = "date_trunc('day', to_timestamp(date / 1000.0) AT TIME ZONE 'UTC')";

function agreesOnTop({ items }: Top, rows: Row[]): boolean {
  return isDeepStrictEqual(
    items.map(({ value, count }) => [value, count]),
    rows.map(({ value, n }) => [value, Number(n)]),
  );
}

const topOf = (value: string, from: string, count = 'count(*)', where = 'TRUE'): string =>
  `SELECT ${value} AS value, ${count} AS n FROM (${from}) x WHERE ${where} GROUP BY 1
    ORDER BY 2 DESC, (${value}) COLLATE "C" NULLS FIRST LIMIT 10`;

const utm = (name: string): string => `substring(first FROM '[?&]utm_${name}=([^&#]*)')`;

/** The SQL has no rows for empty intervals. */
function agreesOnSeries(ours: (number | null)[], rows: Row[]): boolean {
  return isDeepStrictEqual(ours.filter(Boolean), rows.map(({ n }) => Number(n)).filter(Boolean));
}

const START = DAY.replace('date /', 'start /');

function topOfVisits(dimension: 'browser' | 'system' | 'device'): Asked {
  return {
    name: `top ${dimension}`,
    ours: (stats, range) => stats.top(dimension, range),
    plain: (bounds) => topOf(dimension, bareVisits(bounds)),
    agrees: agreesOnTop,
  };
}

export const QUESTIONS: Asked[] = [
  {
    name: 'overview',
    ours: (stats, range) => stats.overview(range),
    plain: (bounds) => `
      WITH v AS (${bareVisits(bounds)})
      SELECT count(*) AS visits, count(DISTINCT session) AS sessions, count(DISTINCT "user") AS users,
             count(*) FILTER (WHERE actions = 1) AS bounced,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY duration / 1000) AS duration,
             (SELECT count(*) ${A} WHERE ${IS_HUMAN} AND ${within(bounds)}) AS activities,
             (SELECT count(*) ${A} WHERE ${IS_HUMAN} AND ${within(bounds)} AND a.name = 'view') AS views
        FROM v`,
    agrees: (ours: Record<string, { value: number }>, [row = {}]) =>
      ['visits', 'sessions', 'users', 'activities', 'views'].every(
        (key) => ours[key]?.value === Number(row[key]),
      ) &&
      ours.visitDuration?.value === Number(row.duration) &&
      ours.bounceRate?.value === Number(row.bounced) / Number(row.visits),
  },
  {
    name: 'overview, compared to the range before',
    ours: (stats, range) => stats.overview(range, { compareTo: 'previous' }),
  },
  ...(['visits', 'users', 'sessions'] as const).map((measure): Asked => ({
    name: `series of ${measure} by day`,
    ours: async (stats, range) =>
      (await stats.series(measure, 'day', range)).points.map(({ value }) => value),
    plain: (bounds) => {
      const count = { visits: '*', users: 'DISTINCT "user"', sessions: 'DISTINCT session' }[measure];
      return `SELECT ${START} AS day, count(${count}) AS n FROM (${bareVisits(bounds)}) v GROUP BY 1 ORDER BY 1`;
    },
    agrees: agreesOnSeries,
  })),
  {
    name: 'series of views by day',
    ours: async (stats, range) =>
      (await stats.series('views', 'day', range)).points.map(({ value }) => value),
    plain: (bounds) =>
      `SELECT ${DAY} AS day, count(*) AS n ${A} WHERE ${IS_HUMAN} AND a.name = 'view' AND ${within(bounds)} GROUP BY 1 ORDER BY 1`,
    agrees: agreesOnSeries,
  },
  {
    name: 'series of visit duration by day',
    ours: async (stats, range) =>
      (await stats.series('visitDuration', 'day', range)).points.map(({ value }) => value),
    plain: (bounds) =>
      `SELECT ${START} AS day, percentile_cont(0.5) WITHIN GROUP (ORDER BY duration / 1000) AS n FROM (${bareVisits(bounds)}) v GROUP BY 1 ORDER BY 1`,
    agrees: agreesOnSeries,
  },
  {
    name: 'series of visits by hour',
    ours: async (stats, range) =>
      (await stats.series('visits', 'hour', range)).points.map(({ value }) => value),
    plain: (bounds) =>
      `SELECT ${START.replace('day', 'hour')} AS hour, count(*) AS n FROM (${bareVisits(bounds)}) v GROUP BY 1 ORDER BY 1`,
    agrees: agreesOnSeries,
  },
  {
    name: 'top path (views)',
    ours: (stats, range) => stats.top('path', range),
    plain: (bounds) =>
      topOf(
        'path',
        `SELECT coalesce(a.page, a.path) AS path ${A} WHERE ${IS_HUMAN} AND a.name = 'view' AND ${within(bounds)}`,
      ),
    agrees: agreesOnTop,
  },
  {
    name: 'top name',
    ours: (stats, range) => stats.top('name', range),
    plain: (bounds) => topOf('name', `SELECT a.name ${A} WHERE ${IS_HUMAN} AND ${within(bounds)}`),
    agrees: agreesOnTop,
  },
  {
    name: 'top property',
    ours: (stats, range) => stats.top('property', { ...range, property: 'plan' }),
    plain: (bounds) =>
      topOf(
        `properties::jsonb ->> 'plan'`,
        `SELECT a.properties ${A} WHERE ${IS_HUMAN} AND a.properties IS NOT NULL AND ${within(bounds)}`,
      ),
    agrees: agreesOnTop,
  },
  {
    name: 'top entry',
    ours: (stats, range) => stats.top('entry', range),
    plain: (bounds) => topOf('entry', visits(bounds)),
    agrees: agreesOnTop,
  },
  {
    name: 'top exit',
    ours: (stats, range) => stats.top('exit', range),
    plain: (bounds) => topOf('exit', visits(bounds)),
    agrees: agreesOnTop,
  },
  {
    name: 'top referrer',
    ours: (stats, range) => stats.top('referrer', range),
    plain: (bounds) => topOf(`substring(referer FROM '^https?://(?:www\\.)?([^/:]+)')`, visits(bounds)),
    agrees: agreesOnTop,
  },
  {
    name: 'top UTM source',
    ours: (stats, range) => stats.top('utmSource', range),
    plain: (bounds) => topOf(utm('source'), visits(bounds), 'count(*)', `${utm('source')} IS NOT NULL`),
    agrees: agreesOnTop,
  },
  topOfVisits('browser'),
  topOfVisits('system'),
  topOfVisits('device'),
  {
    name: 'top user',
    ours: (stats, range) => stats.top('user', range),
    plain: (bounds) => topOf('"user"', bareVisits(bounds), 'count(*)', '"user" IS NOT NULL'),
    agrees: agreesOnTop,
  },
  {
    name: 'top path by visits',
    ours: (stats, range) => stats.top('path', { ...range, measure: 'visits' }),
    plain: (bounds) =>
      topOf(
        'path',
        `SELECT coalesce(a.page, a.path) AS path, a."visitId" ${A} WHERE ${IS_HUMAN} AND ${within(bounds)}`,
        'count(DISTINCT "visitId")',
      ),
    agrees: agreesOnTop,
  },
  { name: 'live', ours: (stats) => stats.live() },
  {
    name: 'funnel of three steps',
    ours: (stats, range) =>
      stats.funnel([{ path: '/products/1' }, { path: '/products/2' }, { name: 'bought' }], range),
  },
  { name: 'retention by week, of users', ours: (stats, range) => stats.retention(range) },
  {
    name: 'retention by week, of sessions',
    ours: (stats, range) => stats.retention({ ...range, by: 'session' }),
  },
  {
    name: 'journeys from a middling path',
    ours: (stats, range) => stats.journeys({ ...range, start: '/products/100' }),
  },
  {
    name: 'journeys to a middling path',
    ours: (stats, range) => stats.journeys({ ...range, end: '/products/100' }),
  },
  {
    name: 'journeys from the top path',
    ours: (stats, range) => stats.journeys({ ...range, start: '/products/1' }),
  },
  { name: 'journeys of all visits', ours: (stats, range) => stats.journeys(range) },
  { name: 'visits, a page', ours: (stats, range) => stats.visits(range) },
  {
    name: 'overview of a path',
    ours: (stats, range) => stats.overview({ ...range, path: '/products/100' }),
  },
  { name: 'overview of a browser', ours: (stats, range) => stats.overview({ ...range, browser: 'Firefox' }) },
];
