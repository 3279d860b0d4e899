import type { AmountMeasure, Interval, Question } from '../../../lib/index.js';
import { intervalsOf, isIn, rangeOf } from './calendar.js';
import { selectActivities } from './filter.js';
import type { History, HistoryActivity } from './history.js';

const DAY = 86_400_000;

export interface Aggregate {
  value: number | null;
  count: number;
}

export function measure(history: History, name: AmountMeasure, question: Question): Aggregate {
  const range = rangeOf(question);
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
): { start: number; value: number | null }[] {
  const activities = selectActivities(history, question);
  return intervalsOf(interval, rangeOf(question), question.timeZone ?? 'UTC').map(({ start, part }) => ({
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
  if (kind === 'sum') return { value: exactSum(numbers), count };
  if (count === 0) return { value: null, count };
  if (kind === 'avg') return { value: exactSum(numbers) / count, count };
  if (kind === 'min') return { value: numbers[0]!, count };
  if (kind === 'max') return { value: numbers.at(-1)!, count };
  return { value: percentile(numbers, Number(kind.slice(1))), count };
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
    if (stored.name !== 'engagement' || !visit) continue;
    const value = stored.properties?.[name === 'timeOnPage' ? 'visible' : 'scroll'];
    if (typeof value !== 'number' || !isPossible(name, value)) continue;
    const key = JSON.stringify([visit.id, page]);
    const before = numbers.get(key);
    if (name === 'timeOnPage') numbers.set(key, (before ?? 0) + Math.trunc(Math.min(value, DAY)));
    else numbers.set(key, Math.max(before ?? value, value));
  }
  return [...numbers.values()].map((number) => (name === 'timeOnPage' ? number / 1000 : number));
}

function isPossible(name: 'timeOnPage' | 'scrollDepth', value: number): boolean {
  return name === 'timeOnPage' ? value > 0 : value >= 0 && value <= 100;
}

/** Each number to nine decimals, and the sum of these without errors of rounding. */
function exactSum(numbers: readonly number[]): number {
  const billionths = numbers.reduce((sum, each) => sum + BigInt(each.toFixed(9).replace('.', '')), 0n);
  return Number(`${billionths}e-9`);
}

/** As `percentile_cont`; the percents have up to three decimals. */
function percentile(sorted: readonly number[], percents: number): number {
  const place = Math.round(percents * 1000) * (sorted.length - 1);
  const lower = sorted[Math.floor(place / 100_000)]!;
  const upper = sorted[Math.ceil(place / 100_000)]!;
  return lower + ((upper - lower) * (place % 100_000)) / 100_000;
}
