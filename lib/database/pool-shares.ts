import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { driverOf } from './driver.js';

/** How many connections of the pool each may take at once. One more is for the update of the statistics. */
export interface Limits {
  writer: number;
  statistics: number;
}

/** Lowers the limits so that they fit into the pool, as far as each has one connection. */
export function fitToPool({ writer, statistics }: Limits, poolSize: number): Limits {
  const room = poolSize - 1;
  const forStatistics = Math.max(1, Math.min(statistics, room - writer));
  return { writer: Math.max(1, Math.min(writer, room - forStatistics)), statistics: forStatistics };
}

/** The limits that the host's pool allows; if they are lower than the wanted ones, the log says so. */
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
