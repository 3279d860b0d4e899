import { checkStorable, checkText, InvalidFilterError } from '../activity/activity.filter.js';
import { type Amount, ENGAGEMENT_MEASURES, parseAmount } from './amount.js';
import { JOURNEY_DEPTH, JOURNEY_LIMIT, type ParameterBounds, TOP_LIMIT } from './parameter-bounds.js';
import type { Question } from './question.types.js';
import type { JourneyQuery, TopQuery } from './statistics.store.js';
import {
  type Dimension,
  DIMENSIONS,
  JOURNEYS_BY,
  type JourneysOptions,
  TOP_MEASURES,
  type TopOptions,
} from './statistics.types.js';

/**
 * Splits the options of `top` into the query and the question.
 * @returns the amount if the values are ranked by an aggregate of numbers
 * @throws InvalidFilterError
 */
export function parseTop(
  dimension: Dimension,
  { limit = TOP_LIMIT.default, measure, property, search, ...question }: TopOptions,
): { query: TopQuery; amount: Amount | undefined; question: Question } {
  checkOneOf('dimension', dimension, DIMENSIONS);
  const amount = measure === undefined ? undefined : parseAmount(measure);
  const counted = TOP_MEASURES.find((each) => each === measure);
  if (measure !== undefined && !counted && !amount) throw unknownMeasure(TOP_MEASURES);
  checkWholeNumber('limit', limit, TOP_LIMIT);
  if (dimension === 'property' && !property)
    throw new InvalidFilterError('property', "must be a key if the dimension is 'property'");
  if (property !== undefined) checkText('property', property);
  if (search !== undefined) {
    if (typeof search !== 'string') throw new InvalidFilterError('search', 'must be a text');
    checkStorable('search', search);
  }
  return { query: { dimension, measure: counted, property, search, limit }, amount, question };
}

/**
 * Splits the options of `journeys` into the query and the question.
 * @throws InvalidFilterError
 */
export function parseJourneys({
  by = 'path',
  start,
  end,
  depth = JOURNEY_DEPTH.default,
  limit = JOURNEY_LIMIT.default,
  ...question
}: JourneysOptions): { query: JourneyQuery; question: Question } {
  checkOneOf('by', by, JOURNEYS_BY);
  if (start !== undefined && end !== undefined)
    throw new InvalidFilterError('end', 'must not be combined with "start"');
  checkWholeNumber('depth', depth, JOURNEY_DEPTH);
  checkWholeNumber('limit', limit, JOURNEY_LIMIT);
  if (start !== undefined) checkText('start', start);
  if (end !== undefined) checkText('end', end);
  return { query: { by, start, end, depth, limit }, question };
}

export function unknownMeasure(allowed: readonly string[]): InvalidFilterError {
  const list = [...new Set([...allowed, ...ENGAGEMENT_MEASURES])].join(', ');
  return new InvalidFilterError(
    'measure',
    `must be one of ${list}, or sum, avg, min, max, or a percentile such as p95, of a property: sum(total)`,
  );
}

export function checkOneOf(property: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new InvalidFilterError(property, `must be one of ${allowed.join(', ')}`);
}

export function checkWholeNumber(property: string, value: number, { min, max }: ParameterBounds): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new InvalidFilterError(property, `must be a whole number from ${min} to ${max}`);
}
