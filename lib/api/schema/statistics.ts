import { JOURNEY_DEPTH, MAX_LIVE_VISITORS } from '../../statistics/parameter-bounds.js';
import {
  type AmountResult,
  type Figure,
  INTERVALS,
  type Journeys,
  type Live,
  type LiveVisitor,
  MAX_ACTIVITIES_OF_VISIT,
  type Overview,
  PERIODS,
  type Retention,
  RETENTION_BY,
  type Series,
  type Span,
  type Top,
  type TopRow,
  type VisitActivity,
  type VisitRecord,
  type Visits,
} from '../../statistics/statistics.types.js';
import {
  array,
  component,
  count,
  type Fields,
  flag,
  integer,
  localTime,
  nullable,
  number,
  object,
  oneOf,
  optional,
  type Schema,
  text,
  moments,
  result,
} from './schema.js';
import { activityFields, next, session } from './activities.js';

const spanFields: Fields<Span> = {
  from: localTime('Start of the range (inclusive).'),
  to: localTime('End of the range (exclusive).'),
};

const span = component('DjaffarSpan', object<Span>(spanFields, 'A range of time.'));

const measured = (description: string): Schema<number | null> =>
  nullable(number(description, { minimum: 0 }));

const figure = component(
  'DjaffarFigure',
  object<Figure>(
    {
      value: measured('In the range; `null` if there was no visit to measure.'),
      compared: optional(measured('In the range of `compareTo`. Missing without a comparison.')),
    },
    'The value of a measure: a count, a rate of 0 to 1 (`bounceRate`), or seconds (`visitDuration`).',
  ),
);

export const overview = result<Overview>(
  'DjaffarOverview',
  {
    ...moments,
    ...spanFields,
    compared: optional(span),
    users: figure,
    sessions: figure,
    visits: figure,
    activities: figure,
    views: figure,
    bounceRate: figure,
    visitDuration: figure,
  },
  'The main measures. `bounceRate` is 0 to 1, `visitDuration` is the median in seconds.',
);

export const series = result<Series>(
  'DjaffarSeries',
  {
    ...moments,
    ...spanFields,
    measure: text('What is measured.'),
    interval: oneOf(INTERVALS, 'The length of the intervals.'),
    timeZone: text('The time zone of the intervals.', { example: 'Europe/Berlin' }),
    points: array(
      object({
        date: localTime('Start of the interval. The first may start before the range.'),
        value: nullable(number('Within the range; `null` if there was nothing to measure.')),
      }),
      'One for each interval that the range touches, at most 5,000.',
    ),
  },
  'A measure over time.',
);

export const measure = result<AmountResult>(
  'DjaffarMeasure',
  {
    ...moments,
    ...spanFields,
    measure: text('What is measured.'),
    value: nullable(number('The aggregate; without any number, a sum is 0 and other aggregates are `null`.')),
    count: count('How many numbers there are.'),
  },
  'An aggregate of numbers.',
);

export const top = result<Top>(
  'DjaffarTop',
  {
    ...moments,
    items: array(
      component(
        'DjaffarTopRow',
        object<TopRow>(
          {
            value: nullable(text('The value; `null` for none, such as no referrer or an unknown browser.')),
            count: number('What the measure counts, or its aggregate of numbers.'),
            name: optional(
              nullable(
                text('Only if the dimension is `user`: the name in the latest visit; `null` without one.'),
              ),
            ),
          },
          'A value and how often it occurs.',
        ),
      ),
      'The most frequent values first.',
    ),
  },
  'The most frequent values of a dimension.',
);

export const live = result<Live>(
  'DjaffarLive',
  {
    ...moments,
    since: localTime('Start of the minutes that are counted.'),
    sessions: count('Sessions with an activity since then.'),
    users: count('Users with an activity since then.'),
    activities: count('Activities since then.'),
    visitors: array(
      component(
        'DjaffarLiveVisitor',
        object<LiveVisitor>(
          {
            session: nullable(text('The session; `null` if server code tracked a user without one.')),
            user: nullable(text('Your id of the user; `null` for an anonymous visitor.')),
            userName: nullable(text('The name of the user.')),
            browser: nullable(text('The name of the browser.')),
            system: nullable(text('The name of the operating system.')),
            device: nullable(text('The kind of device.')),
            country: nullable(text('The country, as ISO 3166-1.')),
            language: nullable(text('The language, as BCP 47.')),
            date: localTime('When the latest activity happened.'),
            path: text('The page of the latest activity.'),
            name: text('The name of the latest activity.'),
          },
          'A session, or a user without one, with the latest activity.',
        ),
      ),
      'The latest first.',
      { maxItems: MAX_LIVE_VISITORS },
    ),
  },
  'The current visitors.',
);

export const retention = result<Retention>(
  'DjaffarRetention',
  {
    ...moments,
    period: oneOf(PERIODS, 'The length of the periods.'),
    by: oneOf(RETENTION_BY, 'Who is counted.'),
    timeZone: text('The time zone of the periods.', { example: 'Europe/Berlin' }),
    cohorts: array(
      object({
        date: localTime('Start of the period in which they came first.'),
        size: count('How many came first in this period.'),
        returned: array(
          count('How many had a visit in a period.'),
          'For this period, the next one and so on to the end of the range. The first is the size.',
        ),
      }),
      'One for each period of the range.',
    ),
  },
  'How many of those who came first in a period come back later.',
);

const stepNumber = (description: string): Schema<number> =>
  integer(`${description} Counted from 0 at the start, or up to 0 at the end.`, {
    minimum: 1 - JOURNEY_DEPTH.max,
    maximum: JOURNEY_DEPTH.max - 1,
  });

const journeyPath = (description: string): Schema<string | null> =>
  nullable(text(`${description} \`null\` for all that are less frequent.`));

export const journeys = result<Journeys>(
  'DjaffarJourneys',
  {
    ...moments,
    nodes: array(
      object({
        step: stepNumber('The step.'),
        path: journeyPath('The page.'),
        visits: count('Visits that viewed the page at this step.'),
      }),
      'Pages of each step.',
    ),
    links: array(
      object({
        step: stepNumber('The step of `from`.'),
        from: journeyPath('The page.'),
        to: journeyPath('The page of the next step.'),
        visits: count('Visits that moved from one to the other.'),
      }),
      'From a page of a step to a page of the next step.',
    ),
  },
  'The most frequent paths through the pages.',
);

const visitActivity = component(
  'DjaffarVisitActivity',
  object<VisitActivity>(
    { ...activityFields, date: localTime('When it happened.') },
    'An activity of a visit.',
  ),
);

const visit = component(
  'DjaffarVisit',
  object<VisitRecord>(
    {
      id: text('The id of the visit.', { maxLength: 16 }),
      session: nullable(session, 'The session with its user agent.'),
      user: nullable(text('Your id of the user; `null` if nobody was logged in.')),
      startedAt: localTime('When its first activity happened.'),
      endedAt: localTime('When its last activity ended.'),
      duration: number('Seconds.', { minimum: 0 }),
      bounced: flag('Whether it was a bounce.'),
      views: count('Views of pages.'),
      entry: text('The page of its first activity.'),
      exit: text('The page of its last activity.'),
      referrer: nullable(text('The host or app where it came from.', { example: 'duckduckgo.com' })),
      utmSource: nullable(text('`utm_source` of its first activity.')),
      utmMedium: nullable(text('`utm_medium` of its first activity.')),
      utmCampaign: nullable(text('`utm_campaign` of its first activity.')),
      utmTerm: nullable(text('`utm_term` of its first activity.')),
      utmContent: nullable(text('`utm_content` of its first activity.')),
      count: count('How many activities it has.'),
      activities: array(visitActivity, 'The oldest first.', { maxItems: MAX_ACTIVITIES_OF_VISIT }),
    },
    'One stay of a session.',
  ),
);

export const visits = result<Visits>(
  'DjaffarVisits',
  { ...moments, items: array(visit, 'The latest first unless `order` is `asc`.'), next },
  'One page of the visits.',
);
