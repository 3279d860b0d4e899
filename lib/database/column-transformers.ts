import { type FindOperator, InstanceChecker, type ValueTransformer } from 'typeorm';

/**
 * Stores an instant as milliseconds since 1970 in a `bigint`. On every database, this is TypeORM's only column type that neither
 * loses milliseconds nor depends on the time zone of a process or a connection.
 */
export const instant = {
  to: toMilliseconds,
  from: (value: string | number | null): Date | null => (value === null ? null : new Date(Number(value))),
} satisfies ValueTransformer;

/** Stores the number itself, for columns that also need numbers that are no dates, such as -1. */
export const milliseconds = {
  to: (value?: number | null): number | null | undefined => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
} satisfies ValueTransformer;

/**
 * TypeORM 0.3 gives a query builder's `In([...])`, `Between(...)` and the like to the transformer; TypeORM 1 unwraps them itself.
 * `transformValue` changes the operator, so a query that is built twice gives numbers here.
 */
function toMilliseconds(value: Date | number | null | undefined): number | null | undefined;
function toMilliseconds(value: FindOperator<Date>): FindOperator<Date>;
function toMilliseconds(
  value: Date | number | FindOperator<Date> | null | undefined,
): number | FindOperator<Date> | null | undefined {
  if (InstanceChecker.isFindOperator(value)) {
    value.transformValue(instant);
    return value;
  }
  return typeof value === 'object' && value ? value.getTime() : value;
}

/**
 * Stores an object as JSON text. TypeORM's own `simple-json` does this only for stored values: an object in a
 * `where` goes to the driver, which aborts the process (libsql), finds nothing (mysql2) or compares the text (pg).
 */
export const json = {
  to: (value: unknown): unknown => {
    if (InstanceChecker.isFindOperator(value)) {
      value.transformValue(json);
      return value;
    }
    return typeof value === 'object' && value ? JSON.stringify(value) : value;
  },
  from: (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : value),
} satisfies ValueTransformer;
