import fc from 'fast-check';
import {
  numbersIn,
  onwards,
  stepOf,
  upTo,
  wayOf,
  withoutRepeats,
} from '../../lib/store/typeorm/statistics/rollup/path-sequence.js';

const aNumber = fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(2 ** 31 - 1));
const numbers = fc.array(aNumber, { maxLength: 12 });
const depths = fc.integer({ min: 1, max: 8 });

/** Without repeats. */
const stepsOf = (path: number[]): string => path.map(stepOf).join('');

it('gives back the numbers of a way', () => {
  const few = fc.array(fc.oneof(fc.nat(2), aNumber), { maxLength: 12 });
  fc.assert(
    fc.property(few, (path) => {
      expect(numbersIn(wayOf(path))).toEqual(path);
      const moves = path.filter((number, i) => number !== path[i - 1]);
      expect(numbersIn(withoutRepeats(wayOf(path)))).toEqual(moves);
    }),
  );
});

it('goes on from its beginning, or from the first time that it is somewhere', () => {
  fc.assert(
    fc.property(numbers, aNumber, depths, (path, number, depth) => {
      expect(numbersIn(onwards(stepsOf(path), depth))).toEqual(path.slice(0, depth));
      const from = path.indexOf(number);
      const expected = from < 0 ? [] : path.slice(from, from + depth);
      expect(numbersIn(onwards(stepsOf(path), depth, stepOf(number)))).toEqual(expected);
    }),
  );
});

it('leads to the last time that it is somewhere', () => {
  fc.assert(
    fc.property(numbers, aNumber, depths, (path, number, depth) => {
      const expected = path.slice(0, path.lastIndexOf(number) + 1).slice(-depth);
      expect(numbersIn(upTo(stepsOf(path), depth, stepOf(number)))).toEqual(expected);
    }),
  );
});
