import { InstanceChecker, type ValueTransformer } from 'typeorm';

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
