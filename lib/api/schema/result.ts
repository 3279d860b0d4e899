import type { AsOf } from '../../statistics/statistics.types.js';
import { component, dateTime, type Fields, object, optional, type Schema } from './schema.js';

/** The result of a question, as a component of the document. */
export function result<T>(name: string, fields: Fields<T>, description: string): Schema<T> {
  return component(name, object<T>(fields, description));
}

const asOf = dateTime(
  'The result is exact for everything that was committed before this moment, by the clock of the database. It may contain some of what was committed later.',
);

export const moments: Fields<AsOf> = {
  asOf,
  frozenUntil: optional(
    dateTime(
      'Older activities were erased by the option `retention`, and the range begins before: its counts before this moment are those of then. Missing otherwise.',
    ),
  ),
};
