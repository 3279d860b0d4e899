import type { Measure, Span } from '../../../statistics/statistics.types.js';
import { formatCompact, formatDuration, formatNumber, formatPercent } from '../format.js';
import { countsActivities } from './filters.js';
import { typedKeys } from './keys.js';

/** The labels of the measures, in the order of the page. */
export const MEASURES = {
  sessions: 'Visitors',
  visits: 'Visits',
  users: 'Users',
  views: 'Views',
  activities: 'Activities',
  bounceRate: 'Bounce rate',
  visitDuration: 'Visit duration',
} satisfies Record<Measure, string>;

/** Explanations of measures whose name is not enough. */
export const MEASURE_HINTS: Partial<Record<Measure, string>> = {
  sessions: 'Distinct browsers',
  visits: 'A visit ends after 30 minutes without activity',
  users: 'Visitors who were logged in',
  bounceRate: 'Visits with a single activity',
  visitDuration: 'Median, from the first activity to the last',
};

/**
 * Returns the useful measures: views, or activities if the filter excludes views.
 */
export function measuresFor(url: URLSearchParams): Measure[] {
  const hidden = countsActivities(url) ? 'views' : 'activities';
  return typedKeys(MEASURES).filter((measure) => measure !== hidden);
}

/** Whether lower values are better. */
export const isBetterLow = (measure: Measure): boolean => measure === 'bounceRate';

export function parseMeasure(url: URLSearchParams): Measure {
  const given = url.get('measure');
  const shown = measuresFor(url);
  if (given === 'views' && !shown.includes('views')) return 'activities';
  return shown.find((each) => each === given) ?? 'visits';
}

const none = '–';

export function formatMeasure(measure: Measure, value: number | null): string {
  if (value === null) return none;
  if (measure === 'bounceRate') return formatPercent(value);
  return measure === 'visitDuration' ? formatDuration(value) : formatNumber(value);
}

/** Formats a value for a small space. */
export function formatShort(measure: Measure, value: number): string {
  if (measure === 'bounceRate') return formatPercent(value);
  return measure === 'visitDuration' ? formatDuration(value) : formatCompact(value);
}

/** The share of a range that may be without data; with more, a comparison would be misleading. */
const MAX_MISSING = 1 / 20;

/**
 * Whether there are data for the whole range.
 * @param since the first activity's date
 */
export function isCovered({ from, to }: Span, since: string | null): boolean {
  if (since === null) return false;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Date.parse(since) - start <= MAX_MISSING * (end - start);
}
