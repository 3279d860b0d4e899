import { type DataSource, QueryFailedError, type QueryRunner } from 'typeorm';
import { monotonicClock } from '../../time/clock.js';
import { ReaderLostError } from './reader-process.js';

/** Runs a query, and returns its rows. */
export type Read = (sql: string, parameters: unknown[]) => Promise<unknown[]>;

/**
 * A query runner on SQLite that reads by `read`, and otherwise logs and reports errors as TypeORM's own, which is shared with the
 * host and stays unchanged.
 */
export function queryRunnerBy(dataSource: DataSource, read: Read): QueryRunner {
  const { logger, options } = dataSource;
  const query = async (sql: string, given: unknown[] = [], isStructured = false): Promise<unknown> => {
    // SQLite has no booleans.
    const parameters = given.map((each) => (typeof each === 'boolean' ? Number(each) : each));
    logger.logQuery(sql, parameters, runner);
    const begun = monotonicClock.now();
    let rows: unknown[];
    try {
      rows = await read(sql, parameters);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      logger.logQueryError(error, sql, parameters, runner);
      const isOfDriver = 'code' in error && !(error instanceof ReaderLostError);
      throw isOfDriver ? new QueryFailedError(sql, parameters, error) : error;
    }
    const took = monotonicClock.now() - begun;
    const { maxQueryExecutionTime } = options;
    if (maxQueryExecutionTime && took > maxQueryExecutionTime)
      logger.logQuerySlow(took, sql, parameters, runner);
    return isStructured ? { raw: rows, records: rows } : rows;
  };
  const runner: QueryRunner = Object.create(dataSource.createQueryRunner('master'), {
    query: { value: query, writable: true, configurable: true },
    release: { value: async () => {} },
    manager: { value: undefined, writable: true },
  });
  return runner;
}
