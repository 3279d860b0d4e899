import { InstanceChecker, type ValueTransformer } from 'typeorm';

/**
 * Keeps an object as the text of its JSON. TypeORM's own `simple-json` does so only for what is stored: an object in a
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
