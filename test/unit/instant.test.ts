import { Between, In, LessThan, Not } from 'typeorm';
import { instant } from '../../lib/database/column-transformers.js';

const [first, second] = [new Date(17), new Date(18)];

describe('instant', () => {
  it('is milliseconds in the database', () => {
    expect(instant.to(first)).toBe(17);
    expect(instant.from('17')).toEqual(first);
    expect([instant.to(null), instant.to(undefined), instant.from(null)]).toEqual([null, undefined, null]);
  });

  it.each([
    [In([first, second]), [17, 18]],
    [Between(first, second), [17, 18]],
    [LessThan(first), 17],
    [Not(LessThan(first)), 17],
  ])(
    'converts what an operator compares with, as TypeORM 0.3 leaves that to transformers',
    (operator, values) => {
      expect(instant.to(operator).value).toEqual(values);
      // The same operator is given again by a query that is built twice.
      expect(instant.to(operator).value).toEqual(values);
    },
  );
});
