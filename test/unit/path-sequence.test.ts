import fc from 'fast-check';
import {
  decodePathIds,
  ENDS,
  takeForward,
  encodePathId,
  takeBackward,
  encodePathIds,
  collapseRepeats,
} from '../../lib/store/typeorm/statistics/rollup/path-sequence.js';

const aNumber = fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(2 ** 31 - 1));
/** Some end alike: 5, 37 and 1029 by the same character. */
const numbers = fc.oneof(
  fc.array(aNumber, { maxLength: 12 }),
  fc.array(fc.constantFrom<number[]>(0, 1, 5, 32, 33, 37, 1029, 1061), { maxLength: 12 }),
);
/** A path, and a number that it often has. */
const pathAndNumber = numbers.chain((path) =>
  fc.tuple(fc.constant(path), path.length > 0 ? fc.oneof(fc.constantFrom(...path), aNumber) : aNumber),
);
const depths = fc.integer({ min: 1, max: 8 });

/** Without repeats. */
const stepsOf = (path: number[]): string => path.map(encodePathId).join('');

it('gives back the numbers of a way', () => {
  const few = fc.array(fc.oneof(fc.nat(2), aNumber), { maxLength: 12 });
  fc.assert(
    fc.property(few, (path) => {
      expect(decodePathIds(encodePathIds(path))).toEqual(path);
      const moves = path.filter((number, i) => number !== path[i - 1]);
      expect(decodePathIds(collapseRepeats(encodePathIds(path)))).toEqual(moves);
    }),
  );
});

it('has an id if a pattern finds it at the start or after the end of another one', () => {
  fc.assert(
    fc.property(pathAndNumber, ([path, number]) => {
      const id = encodePathId(number).replaceAll('+', String.raw`\+`);
      expect(new RegExp(`(^|[${ENDS}])${id}`).test(encodePathIds(path))).toBe(path.includes(number));
    }),
  );
});

it('is taken from its start, or from the first occurrence of a step', () => {
  fc.assert(
    fc.property(pathAndNumber, depths, ([path, number], depth) => {
      expect(decodePathIds(takeForward(stepsOf(path), depth))).toEqual(path.slice(0, depth));
      const from = path.indexOf(number);
      const expected = from < 0 ? [] : path.slice(from, from + depth);
      expect(decodePathIds(takeForward(stepsOf(path), depth, encodePathId(number)))).toEqual(expected);
    }),
  );
});

it('leads to the last time that it is somewhere', () => {
  fc.assert(
    fc.property(pathAndNumber, depths, ([path, number], depth) => {
      const expected = path.slice(0, path.lastIndexOf(number) + 1).slice(-depth);
      expect(decodePathIds(takeBackward(stepsOf(path), depth, encodePathId(number)))).toEqual(expected);
    }),
  );
});
