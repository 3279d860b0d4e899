import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { driverOf } from './driver.js';

/** Connections of the pool that each may use at once. The update of the statistics uses one more. */
export interface Limits {
  writer: number;
  statistics: number;
}

/** Lowers the limits so that they fit into the pool, but not below one connection each. */
export function fitToPool({ writer, statistics }: Limits, poolSize: number): Limits {
  const room = poolSize - 1;
  const forStatistics = Math.max(1, Math.min(statistics, room - writer));
  return { writer: Math.max(1, Math.min(writer, room - forStatistics)), statistics: forStatistics };
}

/** Returns the limits that the host's pool allows, and logs a warning if they are lower than the options. */
export function limitsFor(dataSource: DataSource, wanted: Limits): Limits {
  const poolSize = driverOf(dataSource)?.poolSize(dataSource);
  if (poolSize === undefined) return wanted;
  const limits = fitToPool(wanted, poolSize);
  if (limits.writer < wanted.writer || limits.statistics < wanted.statistics) {
    const needed = wanted.writer + wanted.statistics + 1;
    new Logger('Djaffar').warn(
      `the connection pool has ${poolSize} connections, and Djaffar would take up to ${needed}: ` +
        `writer.concurrency is ${limits.writer} and statistics.concurrency is ${limits.statistics} now ` +
        `(set both lower, or the pool larger)`,
    );
  }
  return limits;
}
