import { InvalidFilterError } from '../activity/activity.filter.js';

/**
 * Merges the parameter `filter` with the other parameters.
 * @throws InvalidFilterError for an invalid `filter`, or if it and another parameter have a condition on the same field
 */
export function mergeFilter<T extends { filter?: object }>(
  { filter, ...others }: T,
  allowed: readonly string[],
): Omit<T, 'filter'> & NonNullable<T['filter']> {
  for (const property of Object.keys(filter ?? {})) {
    if (!allowed.includes(property))
      throw new InvalidFilterError(`filter.${property}`, `is not known; allowed: ${allowed.join(', ')}`);
    if (Object.entries(others).some(([key, value]) => key === property && value !== undefined))
      throw new InvalidFilterError(property, 'must not be given twice: as a parameter, and in "filter"');
  }
  return { ...others, ...filter };
}
