import type { Measure } from '../../../statistics/statistics.types.js';
import { formatCompact, formatDuration, formatNumber, formatPercent } from '../format.js';
import { keysOf } from './keys.js';

/** In the order and the words of the page. */
export const MEASURES = {
  users: 'Users',
  sessions: 'Sessions',
  visits: 'Visits',
  views: 'Views',
  bounceRate: 'Bounce rate',
  visitDuration: 'Visit duration',
} satisfies Partial<Record<Measure, string>>;

export type ShownMeasure = keyof typeof MEASURES;

/** Of which less is better. */
export const isBetterLow = (measure: ShownMeasure): boolean => measure === 'bounceRate';

export function measureOf(address: URLSearchParams): ShownMeasure {
  const given = address.get('measure');
  return keysOf(MEASURES).find((each) => each === given) ?? 'visits';
}

const none = '–';

export function formatFigure(measure: Measure, value: number | null): string {
  if (value === null) return none;
  if (measure === 'bounceRate') return formatPercent(value);
  return measure === 'visitDuration' ? formatDuration(value) : formatNumber(value);
}

/** Where there is little room. */
export function formatShort(measure: Measure, value: number): string {
  if (measure === 'bounceRate') return formatPercent(value);
  return measure === 'visitDuration' ? formatDuration(value) : formatCompact(value);
}
