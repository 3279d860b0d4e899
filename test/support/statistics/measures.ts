import type { Interval, Measure, OverviewOptions, Question } from '../../../lib/index.js';
import { comparedRange, intervalsOf, isIn, type Range, rangeOf } from './calendar.js';
import { selectActivities, selectVisits } from './filter.js';
import type { History, HistoryActivity, Visit } from './history.js';

type Measures = Record<Measure, number | null>;

export function overview(
  history: History,
  question: Question,
  { compareTo }: OverviewOptions,
): { range: Range; measures: Measures; compared?: { range: Range; measures: Measures } } {
  const range = rangeOf(question);
  const selected = select(history, question);
  const answer = { range, measures: measuresOf(selected, range) };
  if (!compareTo) return answer;
  const compared = comparedRange(range, compareTo, question.timeZone ?? 'UTC');
  return { ...answer, compared: { range: compared, measures: measuresOf(selected, compared) } };
}

export function series(
  history: History,
  measure: Measure,
  interval: Interval,
  question: Question,
): { start: number; value: number | null }[] {
  const selected = select(history, question);
  return intervalsOf(interval, rangeOf(question), question.timeZone ?? 'UTC').map(({ start, part }) => ({
    start,
    value: measuresOf(selected, part)[measure],
  }));
}

function select(history: History, filter: Question): History {
  return { activities: selectActivities(history, filter), visits: selectVisits(history, filter) };
}

function measuresOf(selected: History, range: Range): Measures {
  const activities = selected.activities.filter(({ time }) => isIn(time, range));
  const visits = selected.visits.filter(({ start }) => isIn(start, range));
  const withoutVisit = activities
    .map(({ stored }) => stored)
    .filter(({ visitId, name }) => visitId === null && name !== 'engagement');
  return {
    users: countDistinct([...visits.map(({ user }) => user), ...withoutVisit.map(({ userId }) => userId)]),
    sessions: countDistinct([...visits, ...withoutVisit].map(({ sessionId }) => sessionId)),
    visits: visits.length,
    activities: activities.length,
    views: countViews(activities),
    bounceRate: visits.length > 0 ? visits.filter(({ bounced }) => bounced).length / visits.length : null,
    visitDuration: medianDuration(visits),
  };
}

function medianDuration(visits: readonly Visit[]): number | null {
  const durations = visits.map(({ duration }) => duration).sort((a, b) => a - b);
  const middle = durations.length / 2;
  if (durations.length === 0) return null;
  return (durations[Math.ceil(middle) - 1]! + durations[Math.floor(middle)]!) / 2;
}

export function countDistinct(values: readonly (string | null | undefined)[]): number {
  return new Set(values.filter((value) => value !== null && value !== undefined)).size;
}

export function countViews(activities: readonly HistoryActivity[]): number {
  return activities.filter(({ stored }) => stored.name === 'view').length;
}
