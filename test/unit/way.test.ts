import fc from 'fast-check';
import { numbersIn, onwards, stepOf, upTo } from '../../lib/statistics/way.js';

const aNumber = fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(2 ** 31 - 1));
const numbers = fc.array(aNumber, { maxLength: 12 });
const depths = fc.integer({ min: 1, max: 8 });

const wayOf = (path: number[]): string => path.map(stepOf).join('');

it('gives back the numbers of a way', () => {
  fc.assert(fc.property(numbers, (path) => expect(numbersIn(wayOf(path))).toEqual(path)));
});

it('goes on from its beginning, or from the first time that it is somewhere', () => {
  fc.assert(
    fc.property(numbers, aNumber, depths, (path, number, depth) => {
      expect(numbersIn(onwards(wayOf(path), depth))).toEqual(path.slice(0, depth));
      const from = path.indexOf(number);
      const expected = from < 0 ? [] : path.slice(from, from + depth);
      expect(numbersIn(onwards(wayOf(path), depth, stepOf(number)))).toEqual(expected);
    }),
  );
});

it('leads to the last time that it is somewhere', () => {
  fc.assert(
    fc.property(numbers, aNumber, depths, (path, number, depth) => {
      const expected = path.slice(0, path.lastIndexOf(number) + 1).slice(-depth);
      expect(numbersIn(upTo(wayOf(path), depth, stepOf(number)))).toEqual(expected);
    }),
  );
});
