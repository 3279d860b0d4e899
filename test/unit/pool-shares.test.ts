import { fitToPool } from '../../lib/database/pool-shares.js';

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
