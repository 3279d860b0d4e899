import type { Retention, RetentionOptions } from '../../../lib/index.js';
import { Clock } from './clock.js';
import { type History, rangeOf, type VisitFacts } from './history.js';
import { countDistinct } from './order.js';

export function retention(history: History, options: RetentionOptions): Omit<Retention, 'asOf'> {
  const { period = 'week', by = 'user', timeZone = 'UTC' } = options;
  const clock = new Clock(timeZone);
  const { from, to } = rangeOf(options);
  const visitorOf = (visit: VisitFacts): string | null => (by === 'user' ? visit.user : visit.sessionId);
  const ever = history.that(options).visits;
  const firstOf = (visitor: string | null): number =>
    Math.min(...ever.filter((visit) => visitorOf(visit) === visitor).map(({ startedAt }) => startedAt));
  const newcomers = history
    .of(options)
    .visits.map((visit) => ({
      visitor: visitorOf(visit),
      at: visit.startedAt,
      first: firstOf(visitorOf(visit)),
    }))
    .filter(({ first }) => first >= from);

  const starts: number[] = [];
  for (let start = clock.startOf(period, from); start < to; start = clock.next(period, start))
    starts.push(start);
  const isIn = (at: number, i: number): boolean =>
    at >= (starts[i] ?? Infinity) && at < (starts[i + 1] ?? Infinity);
  return {
    period,
    by,
    timeZone,
    cohorts: starts.map((start, i) => {
      const cohort = newcomers.filter(({ first }) => isIn(first, i));
      const returned = starts
        .slice(i)
        .map((_, k) =>
          countDistinct(cohort.filter(({ at }) => isIn(at, i + k)).map(({ visitor }) => visitor)),
        );
      return { date: clock.iso(start), size: countDistinct(cohort.map(({ visitor }) => visitor)), returned };
    }),
  };
}
