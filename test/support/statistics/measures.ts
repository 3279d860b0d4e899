import type {
  Activity,
  AmountMeasure,
  Figure,
  Interval,
  Measure,
  Overview,
  OverviewOptions,
  Question,
  Series,
} from '../../../lib/index.js';
import { MEASURES } from '../../../lib/statistics/statistics.types.js';
import { aggregateActivities } from './amounts.js';
import { Clock } from './clock.js';
import { during, type Facts, type History, type Range, rangeOf } from './history.js';
import { countDistinct } from './order.js';

export function overview(
  history: History,
  question: Question,
  options: OverviewOptions = {},
): Omit<Overview, 'asOf'> {
  const clock = new Clock(question.timeZone);
  const range = rangeOf(question);
  const compared = options.compareTo && comparedRange(clock, range, options.compareTo);
  const facts = history.that(question);
  const result = (measure: Measure): Figure => ({
    value: MEASURED[measure](during(range, facts)),
    ...(compared && { compared: MEASURED[measure](during(compared, facts)) }),
  });
  return {
    ...spanOf(clock, range),
    ...(compared && { compared: spanOf(clock, compared) }),
    users: result('users'),
    sessions: result('sessions'),
    visits: result('visits'),
    activities: result('activities'),
    views: result('views'),
    bounceRate: result('bounceRate'),
    visitDuration: result('visitDuration'),
  };
}

export function series(
  history: History,
  measure: Measure | AmountMeasure,
  interval: Interval,
  question: Question,
): Omit<Series, 'asOf'> {
  const { timeZone = 'UTC' } = question;
  const clock = new Clock(timeZone);
  const range = rangeOf(question);
  const facts = history.that(question);
  const points: Series['points'] = [];
  for (let start = clock.startOf(interval, range.from); start < range.to;) {
    const next = clock.next(interval, start);
    const part = { from: Math.max(start, range.from), to: Math.min(next, range.to) };
    const inPart = during(part, facts);
    const counted = MEASURES.find((each) => each === measure);
    points.push({
      date: clock.iso(start),
      value: counted
        ? MEASURED[counted](inPart)
        : aggregateActivities(measure as AmountMeasure, inPart.activities),
    });
    start = next;
  }
  return { ...spanOf(clock, range), measure, interval, timeZone, points };
}

const MEASURED: Record<Measure, (facts: Facts) => number | null> = {
  users: ({ visits, activities }) =>
    countDistinct([
      ...visits.map(({ user }) => user),
      ...withoutVisit(activities).map(({ userId }) => userId),
    ]),
  sessions: ({ visits, activities }) =>
    countDistinct([...visits, ...withoutVisit(activities)].map(({ sessionId }) => sessionId)),
  visits: ({ visits }) => visits.length,
  activities: ({ activities }) => activities.length,
  views: ({ activities }) => activities.filter(({ name }) => name === 'view').length,
  bounceRate: ({ visits }) =>
    visits.length === 0 ? null : visits.filter(({ bounced }) => bounced).length / visits.length,
  visitDuration: ({ visits }) => median(visits.map(({ duration }) => duration)),
};

function withoutVisit(activities: Activity[]): Activity[] {
  return activities.filter(({ visitId, name }) => visitId === null && name !== 'engagement');
}

function median(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const upper = sorted[Math.floor(sorted.length / 2)];
  return lower === undefined || upper === undefined ? null : (lower + upper) / 2;
}

function comparedRange(
  clock: Clock,
  { from, to }: Range,
  compareTo: NonNullable<OverviewOptions['compareTo']>,
): Range {
  if (typeof compareTo === 'object') return rangeOf(compareTo);
  if (compareTo === 'year') return { from: clock.yearBefore(from), to: clock.yearBefore(to) };
  const isWholeDays = [from, to].every((at) => clock.startOf('day', at) === at);
  if (!isWholeDays) return { from: from - (to - from), to: from };
  let before = from;
  for (let day = from; day < to; day = clock.next('day', day)) before = clock.startOf('day', before - 1);
  return { from: before, to: from };
}

function spanOf(clock: Clock, { from, to }: Range): { from: string; to: string } {
  return { from: clock.iso(from), to: clock.iso(to) };
}
