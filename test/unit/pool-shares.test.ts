import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { fitToPool, limitsFor } from '../../lib/database/pool-shares.js';

describe('the connections that are taken of a pool', () => {
  it.each([
    [10, 2, 4],
    [7, 2, 4],
    [6, 2, 3],
    [5, 2, 2],
    [4, 2, 1],
    [3, 1, 1],
    [2, 1, 1],
    [1, 1, 1],
  ])('of %s are %s for writing and %s for questions', (poolSize, writer, statistics) => {
    expect(fitToPool({ writer: 2, statistics: 4 }, poolSize)).toEqual({ writer, statistics });
  });

  it.each([3, 5, 10, 100])(
    'are with the update of the statistics no more than the %s there are',
    (poolSize) => {
      for (let wanted = 1; wanted <= 100; wanted++) {
        const { writer, statistics } = fitToPool({ writer: wanted, statistics: wanted }, poolSize);
        expect(writer + statistics + 1).toBeLessThanOrEqual(
          poolSize >= 2 * wanted + 1 ? 2 * wanted + 1 : poolSize,
        );
      }
    },
  );
});

describe('the limits of a data source', () => {
  let warn: jest.SpyInstance;

  beforeEach(() => {
    warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  });

  afterEach(() => jest.restoreAllMocks());

  /** Never connected. */
  function poolOf(size?: number): DataSource {
    const dataSource = new DataSource({ type: 'postgres' });
    if (size !== undefined) Object.assign(dataSource.driver, { master: { options: { max: size } } });
    return dataSource;
  }

  it.each([undefined, 7, 100])('are those of the options if the pool has %s connections', (size) => {
    const wanted = { writer: 2, statistics: 4 };
    expect(limitsFor(poolOf(size), wanted)).toEqual(wanted);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([
    [4, { writer: 2, statistics: 4 }, { writer: 2, statistics: 1 }, 7],
    [3, { writer: 4, statistics: 1 }, { writer: 1, statistics: 1 }, 6],
  ])('are lower, with a warning, if the pool has %i connections for %o', (size, wanted, expected, needed) => {
    expect(limitsFor(poolOf(size), wanted)).toEqual(expected);
    expect(warn.mock.calls).toEqual([
      [
        `the connection pool has ${size} connections, and Djaffar would take up to ${needed}: ` +
          `writer.concurrency is ${expected.writer} and statistics.concurrency is ${expected.statistics} now ` +
          '(set both lower, or the pool larger)',
      ],
    ]);
  });
});
