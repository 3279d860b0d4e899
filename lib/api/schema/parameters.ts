import { MAX_FILTER_PROPERTIES } from '../../activity/activity.filter.js';
import { MAX_VALUES } from '../../activity/condition.js';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../activity/pagination.js';
import { MAX_NAME, MAX_PATH, MAX_ROUTE } from '../../activity/new-activity.js';
import { MAX_SUBJECT } from '../../activity/subject.js';
import {
  type ParameterBounds,
  JOURNEY_DEPTH,
  JOURNEY_LIMIT,
  LIVE_MINUTES,
  MAX_FUNNEL_STEPS,
  TOP_LIMIT,
  VISITS_LIMIT,
} from '../../statistics/parameter-bounds.js';
import { AMOUNT_PATTERN } from '../../statistics/amount.js';
import { MEASURES, TOP_MEASURES } from '../../statistics/statistics.types.js';
import type { ActivitiesQuery, ExportQuery, FilterQuery } from '../activities.query.js';
import type { HealthQuery } from '../health.query.js';
import type {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  MeasureQuery,
  OverviewQuery,
  QuestionQuery,
  RetentionQuery,
  SeriesQuery,
  TopQuery,
  VisitsQuery,
} from '../statistics.query.js';
import type { SchemaObject } from './schema.js';

/** The description of a parameter. Its type, its values and whether it is required come from class-validator. */
interface Parameter extends SchemaObject {
  description: string;
}

/** A parameter for each property, so that the compiler finds missing descriptions. */
type Parameters<Query, Others = object> = Record<Exclude<keyof Query, keyof Others>, Parameter>;

const bounded = ({ min, max, default: value }: ParameterBounds, description: string): Parameter => ({
  description,
  minimum: min,
  maximum: max,
  default: value,
});

const dateTime = (description: string, day: string, zone: string): Parameter => ({
  description: `${description} ISO 8601; without an offset it is UTC. A date alone is the ${day} of that day${zone}.`,
  oneOf: [{ format: 'date-time' }, { format: 'date' }],
  example: '2026-11-01T00:00:00Z',
});

const order: Parameter = {
  description: 'By date: `desc` begins with the latest, `asc` with the oldest.',
  default: 'desc',
};

const after: Parameter = {
  description: 'The `next` of the previous page. The other parameters must be the same.',
};

const filter: Parameters<FilterQuery> = {
  user: { description: 'Your id of the user.', example: '17' },
  session: { description: 'The id of a session.', maxLength: 64 },
  visit: { description: 'The id of a visit.', maxLength: 16 },
  path: {
    description: 'A whole path, or the beginning of paths with a trailing `*`.',
    maxLength: MAX_PATH + 1,
    example: '/shop/*',
  },
  page: {
    description: 'A whole page, as statistics count it, or the beginning of pages with a trailing `*`.',
    maxLength: MAX_PATH + 1,
    example: '/shop',
  },
  route: {
    description: 'The pattern of a route, or the beginning of patterns with a trailing `*`.',
    maxLength: MAX_ROUTE + 1,
    example: '/orders/:id/pay',
  },
  name: { description: 'What was done. The view of a page is `view`.', maxLength: MAX_NAME, example: 'view' },
  from: dateTime('Only activities at or after this moment.', 'start', ' (UTC)'),
  to: dateTime('Only activities before this moment.', 'end', ' (UTC)'),
  subject: {
    description: 'The object of the activity: a type and an id.',
    maxLength: MAX_SUBJECT,
    example: 'order:17',
  },
  group: {
    description: 'The group of the user: a type and an id.',
    maxLength: MAX_SUBJECT,
    example: 'company:17',
  },
  ip: { description: 'An IP address, IPv4 or IPv6.', maxLength: 45, example: '203.0.113.7' },
  properties: {
    description:
      `A JSON object of at most ${MAX_FILTER_PROPERTIES} keys: the activity has each of these values (text, number, ` +
      '`true` or `false`), one of several (a list), or a value of which these conditions hold: `not`, `startsWith`, and for ' +
      'numbers `gte` and `lte`.',
    example: '{"plan":["pro","team"],"total":{"gte":100}}',
  },
  filter: {
    description:
      'A JSON object of other parameters of this filter, with lists of up to ' +
      `${MAX_VALUES} values, and with conditions: \`not\` (one value or a list) and \`startsWith\`.`,
    example: '{"name":{"startsWith":"order."},"path":{"not":"/admin*"}}',
  },
};

export const activities: Parameters<ActivitiesQuery> = {
  ...filter,
  limit: bounded({ min: 1, max: MAX_LIMIT, default: DEFAULT_LIMIT }, 'Activities in a page.'),
  after,
  order,
};

export const exported: Parameters<ExportQuery> = {
  ...filter,
  format: {
    description:
      '`ndjson` writes one JSON object a line, `json` one array, `csv` a table (RFC 4180) with a header.',
  },
  raw: {
    description:
      'Only for `csv`: does not escape cells that a spreadsheet would run as a formula. For programs, not for spreadsheets.',
    default: false,
  },
  bom: {
    description: 'Only for `csv`: begins with a byte order mark, without which Excel misreads UTF-8.',
    default: true,
  },
  after: {
    description:
      'Resumes an export that broke off: the `id` of the last activity that arrived completely, or the `next` of a page ' +
      'with `order=asc`. The activities after it are sent; CSV then has no header.',
  },
};

const none = (description: string, example?: string): Parameter => ({
  description: `${description} An empty value matches those without one.`,
  ...(example !== undefined && { example }),
});

const question: Parameters<QuestionQuery> = {
  ...filter,
  from: dateTime('Start of the range (inclusive). Default: 30 days before `to`.', 'start', ', in `timeZone`'),
  to: dateTime('End of the range (exclusive). Default: now.', 'end', ', in `timeZone`'),
  timeZone: {
    description: 'An IANA time zone for days, weeks and months.',
    default: 'UTC',
    example: 'Europe/Berlin',
  },
  path: {
    description: 'A page, or the beginning of pages with a trailing `*`.',
    maxLength: MAX_PATH + 1,
    example: '/shop/*',
  },
  user: none('Your id of the user.', '17'),
  entry: { description: 'The first page of the visit, or its beginning with a trailing `*`.', example: '/' },
  exit: { description: 'The last page of the visit, or its beginning with a trailing `*`.', example: '/' },
  referrer: none('The host or app where the visit came from.', 'duckduckgo.com'),
  utmSource: none('`utm_source` of the visit.', 'newsletter'),
  utmMedium: none('`utm_medium` of the visit.', 'email'),
  utmCampaign: none('`utm_campaign` of the visit.', 'spring'),
  utmTerm: none('`utm_term` of the visit.'),
  utmContent: none('`utm_content` of the visit.'),
  browser: none('The name of the browser, without a version.', 'Firefox'),
  system: none('The name of the operating system.', 'Windows'),
  device: none('The kind of device: `desktop`, `mobile`, `tablet`, `tv` or `bot`.', 'desktop'),
  country: none('The country, as ISO 3166-1.', 'DE'),
  language: none('The language of the browser, as BCP 47.', 'en-US'),
  bots: { description: 'Whether to include known bots.', default: false },
};

export const overview: Parameters<OverviewQuery> = {
  ...question,
  compareTo: {
    description:
      '`previous` (the range just before), `year` (the same days a year before), or another range: ' +
      'two ISO 8601 dates, or dates and times, with a slash between them, read as `from` and `to`.',
    pattern: '^(previous|year|[^/]+/[^/]+)$',
    example: 'previous',
  },
};

export const series: Parameters<SeriesQuery> = {
  ...question,
  measure: {
    description: `What is measured: ${MEASURES.map((each) => `\`${each}\``).join(', ')}, or an aggregate of numbers as in \`/stats/measure\`. \`bounceRate\` is 0 to 1, \`visitDuration\` is the median in seconds.`,
    pattern: `^(${MEASURES.join('|')})$|${AMOUNT_PATTERN}`,
    example: 'visits',
  },
  interval: { description: 'The length of the intervals. A range may have at most 5,000 of them.' },
};

export const measure: Parameters<MeasureQuery> = {
  ...question,
  measure: {
    description:
      'An aggregate of the numbers of a property: `sum(total)`, `avg(total)`, `min(total)`, `max(total)`, a percentile such as ' +
      '`p95(total)`; or the median of the seconds that visits had a page in view, `timeOnPage`, or of the percentage that ' +
      'they scrolled through, `scrollDepth`.',
    pattern: AMOUNT_PATTERN,
    example: 'sum(total)',
  },
};

export const top: Parameters<TopQuery> = {
  ...question,
  dimension: { description: 'The dimension whose values are counted.' },
  measure: {
    description:
      `What is counted: ${TOP_MEASURES.map((each) => `\`${each}\``).join(', ')}, or an aggregate of numbers as in \`/stats/measure\`. ` +
      'Default: `views` for `path`; `activities` for `name`, for `property`, and for `path` if `name` is ' +
      'not `view`; else `visits`.',
    pattern: `^(${TOP_MEASURES.join('|')})$|${AMOUNT_PATTERN}`,
    example: 'visits',
  },
  limit: bounded(TOP_LIMIT, 'Values in the answer.'),
  property: {
    description: 'The key of `properties`; required if the dimension is `property`.',
    example: 'plan',
  },
  search: { description: 'Only values that contain this text, in upper or lower case.' },
};

const { from: _from, to: _to, ...withoutRange } = question;

export const live: Parameters<LiveQuery, Pick<QuestionQuery, 'from' | 'to'>> = {
  ...withoutRange,
  minutes: bounded(LIVE_MINUTES, 'How many minutes back.'),
};

export const funnel: Parameters<FunnelQuery> = {
  ...question,
  steps: {
    description:
      `A JSON array of 1 to ${MAX_FUNNEL_STEPS} steps. A step is an object with at least one of \`path\`, \`route\`, \`name\` and ` +
      '`properties`.',
    example: '[{"path":"/"},{"path":"/pricing"},{"name":"bought"}]',
  },
  within: {
    description: 'Milliseconds from the first step to the last. Default: the whole range.',
    minimum: 1,
    example: 3_600_000,
  },
};

export const retention: Parameters<RetentionQuery> = {
  ...question,
  period: {
    description:
      'The length of the periods. At most 366 days or weeks, or 1,560 months, may be in the range.',
    default: 'week',
  },
  by: { description: 'Who is counted.', default: 'user' },
};

export const journeys: Parameters<JourneysQuery> = {
  ...question,
  by: {
    description:
      'What the steps are: pages of views, or routes of activities. With `route`, `start`, `end` and each `path` are routes.',
    default: 'path',
  },
  start: {
    description:
      'Paths from this page on. Default, without `end` too: from the first page of each visit. Not together with `end`.',
    example: '/',
  },
  end: { description: 'Paths to this page.', example: '/checkout' },
  depth: bounded(JOURNEY_DEPTH, 'Steps, including the first or last.'),
  limit: bounded(JOURNEY_LIMIT, 'Pages in each step: the most frequent.'),
};

export const visits: Parameters<VisitsQuery> = {
  ...question,
  limit: bounded(VISITS_LIMIT, 'Visits in a page.'),
  after,
  order,
};

export const health: Parameters<HealthQuery> = {
  hours: { description: 'How many of the last hours are counted.', default: 24 },
};
