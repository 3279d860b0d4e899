import type { AmountMeasure, Interval, Question } from '../../../lib/index.js';
import { intervalsOf, isIn, rangeOf } from './calendar.js';
import { selectActivities } from './filter.js';
import type { History, HistoryActivity } from './history.js';

const DAY = 86_400_000;
const NANO = 1_000_000_000;

export interface Aggregate {
  value: number | null;
  count: number;
}

export function measure(history: History, name: AmountMeasure, question: Question, now: number): Aggregate {
  const range = rangeOf(question, now);
  return aggregate(
    name,
    selectActivities(history, question).filter(({ time }) => isIn(time, range)),
  );
}

export function amountSeries(
  history: History,
  name: AmountMeasure,
  interval: Interval,
  question: Question,
  now: number,
): { start: number; value: number | null }[] {
  const activities = selectActivities(history, question);
  return intervalsOf(interval, rangeOf(question, now), question.timeZone ?? 'UTC').map(({ start, part }) => ({
    start,
    value: aggregate(
      name,
      activities.filter(({ time }) => isIn(time, part)),
    ).value,
  }));
}

/** Aggregates the numbers of these activities. */
export function aggregate(name: AmountMeasure, activities: readonly HistoryActivity[]): Aggregate {
  const numbers = numbersOf(name, activities).sort((a, b) => a - b);
  const count = numbers.length;
  const [, kind = 'p50'] = /^(sum|avg|min|max|p[\d.]+)\(/.exec(name) ?? [];
  if (kind === 'sum') return { value: exactSum(numbers) / NANO, count };
  if (count === 0) return { value: null, count };
  if (kind === 'avg') return { value: exactSum(numbers) / count / NANO, count };
  if (kind === 'min') return { value: numbers[0]!, count };
  if (kind === 'max') return { value: numbers.at(-1)!, count };
  return { value: percentile(numbers, Number(kind.slice(1)) / 100), count };
}

function numbersOf(name: AmountMeasure, activities: readonly HistoryActivity[]): number[] {
  if (name === 'timeOnPage' || name === 'scrollDepth') return engagementOf(name, activities);
  const property = name.slice(name.indexOf('(') + 1, -1);
  return activities
    .map(({ stored }) => stored.properties?.[property])
    .filter((value) => typeof value === 'number');
}

/** One number for each visit and page. */
function engagementOf(name: 'timeOnPage' | 'scrollDepth', activities: readonly HistoryActivity[]): number[] {
  const numbers = new Map<string, number>();
  for (const { stored, page, visit } of activities) {
    const value = stored.properties?.[name === 'timeOnPage' ? 'visible' : 'scroll'];
    if (stored.name !== 'engagement' || !visit || typeof value !== 'number') continue;
    const key = JSON.stringify([visit.id, page]);
    const before = numbers.get(key);
    if (name === 'timeOnPage') numbers.set(key, (before ?? 0) + Math.min(value, DAY) / 1000);
    else numbers.set(key, Math.max(before ?? value, value));
  }
  return [...numbers.values()];
}

/** The sum in billionths, without errors of rounding. */
function exactSum(numbers: readonly number[]): number {
  return Number(numbers.reduce((sum, number) => sum + BigInt(number.toFixed(9).replace('.', '')), 0n));
}

/** As `percentile_cont`. */
function percentile(sorted: readonly number[], fraction: number): number {
  const place = (sorted.length - 1) * fraction;
  const lower = sorted[Math.floor(place)]!;
  const upper = sorted[Math.ceil(place)]!;
  return lower + (upper - lower) * (place - Math.floor(place));
}
