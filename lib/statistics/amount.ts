import { checkText, InvalidFilterError } from '../activity/activity.filter.js';

/** An aggregate of the numbers of a property. */
type Aggregate = 'sum' | 'avg' | 'min' | 'max' | `p${number}`;

/**
 * An aggregate of the numbers that a property has: `sum(total)`, `avg(total)`, `min(total)`, `max(total)`, or a percentile with up
 * to three decimals, such as `p50(total)` (the median) and `p99.9(total)`.
 */
export type PropertyMeasure = `${Aggregate}(${string})`;

/** Measures of `engagement`: the seconds in which visits had a page in view, and how far they scrolled it, in percent. */
export const ENGAGEMENT_MEASURES = ['timeOnPage', 'scrollDepth'] as const;
/** One of {@link ENGAGEMENT_MEASURES}; the result is the median. */
export type EngagementMeasure = (typeof ENGAGEMENT_MEASURES)[number];

/** A measure of numeric values, as opposed to a count. */
export type AmountMeasure = PropertyMeasure | EngagementMeasure;

/** A parsed {@link AmountMeasure}. */
export interface Amount {
  /** The key of a property, or a measure of `engagement` activities. */
  of: { property: string } | EngagementMeasure;
  /** A percentile is in thousandths of a percent, so that ranks are whole numbers on every database. */
  aggregate: 'sum' | 'avg' | 'min' | 'max' | { percentile: number };
}

/** The thousandths of a percent in 100 %. */
export const WHOLE = 100_000;

const AGGREGATE = /^(?:(sum|avg|min|max)|p(\d{1,3}(?:\.\d{1,3})?))\((.+)\)$/s;

/** The form of a {@link PropertyMeasure}, for descriptions. */
export const AMOUNT_PATTERN = String.raw`^(timeOnPage|scrollDepth|(sum|avg|min|max|p\d{1,3}(\.\d{1,3})?)\(.+\))$`;

/**
 * @returns `undefined` if it is no measure of numbers
 * @throws InvalidFilterError
 */
export function parseAmount(measure: string): Amount | undefined {
  const ofEngagement = ENGAGEMENT_MEASURES.find((each) => each === measure);
  if (ofEngagement) return { of: ofEngagement, aggregate: { percentile: WHOLE / 2 } };
  const [, aggregate, percent, property] = AGGREGATE.exec(measure) ?? [];
  if (property === undefined) return undefined;
  const of = { property: checkText('measure', property) };
  if (aggregate === 'sum' || aggregate === 'avg' || aggregate === 'min' || aggregate === 'max')
    return { of, aggregate };
  const percentile = Math.round(Number(percent) * 1000);
  if (percentile > WHOLE) throw new InvalidFilterError('measure', 'must be of a percentile from p0 to p100');
  return { of, aggregate: { percentile } };
}

/** The measure of a percentile of a property. */
export function formatPercentile(property: string, fraction: number): PropertyMeasure {
  const percent = Math.round(fraction * WHOLE) / 1000;
  if (!(fraction >= 0 && fraction <= 1) || Math.abs(fraction * 100 - percent) > 1e-9)
    throw new InvalidFilterError('fraction', 'must be a number from 0 to 1 with at most five decimals');
  return `p${percent}(${property})`;
}
