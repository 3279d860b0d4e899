import type {
  Activity,
  ActivityDimension,
  AmountMeasure,
  AmountResult,
  Dimension,
  Question,
  TopRow,
} from '../../../lib/index.js';
import { isActivityDimension } from '../../../lib/statistics/statistics.types.js';
import { Clock } from './clock.js';
import { type History, isSessionProperty, rangeOf } from './history.js';
import { pageOf } from './pages.js';

const DAY = 86_400_000;

export function measure(
  history: History,
  asked: AmountMeasure,
  question: Question,
): Omit<AmountResult, 'asOf'> {
  const clock = new Clock(question.timeZone);
  const { from, to } = rangeOf(question);
  const numbers = numbersOf(asked, history.of(question).activities);
  return {
    from: clock.iso(from),
    to: clock.iso(to),
    measure: asked,
    value: aggregateNumbers(asked, numbers),
    count: numbers.length,
  };
}

export function aggregateActivities(asked: AmountMeasure, activities: Activity[]): number | null {
  return aggregateNumbers(asked, numbersOf(asked, activities));
}

/** The aggregate of each value that has numbers. */
export function topAggregates(
  history: History,
  asked: AmountMeasure,
  dimension: Dimension,
  activities: Activity[],
  valueOfActivity: (activity: Activity, dimension: ActivityDimension) => string | null,
): TopRow[] {
  const byValue = new Map<string | null, Activity[]>();
  for (const activity of activities) {
    const visit = history.visitWith(activity);
    if (!isActivityDimension(dimension) && !visit && dimension !== 'user') continue;
    const value = isActivityDimension(dimension)
      ? valueOfActivity(activity, dimension)
      : dimension === 'user'
        ? (visit?.user ?? activity.userId)
        : isSessionProperty(dimension)
          ? (visit?.session?.[dimension] ?? null)
          : (visit?.[dimension] ?? null);
    byValue.set(value, [...(byValue.get(value) ?? []), activity]);
  }
  return [...byValue].flatMap(([value, some]) => {
    const numbers = numbersOf(asked, some);
    const count = aggregateNumbers(asked, numbers);
    return numbers.length === 0 || count === null ? [] : [{ value, count }];
  });
}

function numbersOf(asked: AmountMeasure, activities: Activity[]): number[] {
  if (asked !== 'timeOnPage' && asked !== 'scrollDepth') {
    const [, key = ''] = /\((.+)\)$/s.exec(asked) ?? [];
    return activities.flatMap(({ properties }) => numberIn(properties?.[key]));
  }
  const byPage = new Map<string, number[]>();
  for (const { name, visitId, path, properties } of activities) {
    if (name !== 'engagement' || visitId === null) continue;
    const given = numberIn(properties?.[asked === 'timeOnPage' ? 'visible' : 'scroll']);
    const valid = given.filter((each) => (asked === 'timeOnPage' ? each > 0 : each >= 0 && each <= 100));
    const key = JSON.stringify([visitId, pageOf(path)]);
    if (valid.length > 0) byPage.set(key, [...(byPage.get(key) ?? []), ...valid]);
  }
  return [...byPage.values()].map((each) =>
    asked === 'scrollDepth'
      ? Math.max(...each)
      : each.reduce((total, visible) => total + Math.trunc(Math.min(visible, DAY)), 0) / 1000,
  );
}

function numberIn(value: unknown): number[] {
  return typeof value === 'number' ? [value] : [];
}

function aggregateNumbers(asked: AmountMeasure, unordered: number[]): number | null {
  const [, aggregate = 'p50'] = /^(.+?)\(/.exec(asked) ?? [];
  const sorted = unordered.toSorted((a, b) => a - b);
  if (aggregate === 'sum') return sumOf(sorted);
  if (sorted.length === 0) return null;
  if (aggregate === 'avg') return sumOf(sorted) / sorted.length;
  if (aggregate === 'min') return sorted[0] ?? null;
  if (aggregate === 'max') return sorted.at(-1) ?? null;
  const rank = Math.round(Number(aggregate.slice(1)) * 1000) * (sorted.length - 1);
  const low = sorted[Math.floor(rank / 100_000)] ?? 0;
  const high = sorted[Math.ceil(rank / 100_000)] ?? 0;
  return low + ((high - low) * (rank % 100_000)) / 100_000;
}

/** Each number to nine decimals, and the sum without any other error. */
function sumOf(values: number[]): number {
  let nanos = 0n;
  for (const value of values) nanos += BigInt(value.toFixed(9).replace('.', ''));
  const digits = String(nanos < 0n ? -nanos : nanos).padStart(10, '0');
  return Number(`${nanos < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`);
}
