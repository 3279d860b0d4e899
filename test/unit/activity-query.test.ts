import fc from 'fast-check';
import { successor } from '../../lib/store/typeorm/activity-query.js';

const LAST = '\u{10ffff}';

/** Characters at the ends of what one, two, three and four bytes hold, and about the surrogates. */
const aCharacter = fc.oneof(
  fc.constantFrom(...Array.from('\u0001az\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}%_\\*'), LAST),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((character) => character !== '\0'),
);
const aText = fc.string({ unit: aCharacter, maxLength: 6 });
const aPrefix = fc.string({ unit: aCharacter, minLength: 1, maxLength: 4 });

/** As databases compare text in a binary collation. */
function isLess(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

describe('the first text after all that begin with a prefix', () => {
  it.each([
    ['a', 'b'],
    ['/a', '/b'],
    ['a\u007f', 'a\u0080'],
    ['a%', 'a&'],
    ['日本', '日札'],
    ['🦋', '🦌'],
    ['a\ud7ff', 'a\ue000'],
    ['a\uffff', 'a\u{10000}'],
    [`a${LAST}`, 'b'],
    [`a${LAST}${LAST}`, 'b'],
  ])('of %j is %j', (prefix, expected) => {
    expect(successor(prefix)).toBe(expected);
  });

  it.each(['', LAST, LAST + LAST])('of %j there is none', (prefix) => {
    expect(successor(prefix)).toBeUndefined();
  });

  it('leaves between the prefix and itself those that begin with the prefix, and no others', () => {
    const near = aPrefix.chain((prefix) => {
      const points = Array.from(prefix);
      const short = points.slice(0, -1).join('');
      const text = fc.oneof(
        aText,
        aText.map((rest) => prefix + rest),
        fc.tuple(aCharacter, aText).map(([other, rest]) => short + other + rest),
      );
      return fc.tuple(fc.constant(prefix), text);
    });
    fc.assert(
      fc.property(near, ([prefix, text]) => {
        const end = successor(prefix);
        const isBetween = !isLess(text, prefix) && (end === undefined || isLess(text, end));
        expect(isBetween).toBe(text.startsWith(prefix));
      }),
      { numRuns: 5000 },
    );
  });

  it('is a text that databases can store', () => {
    fc.assert(
      fc.property(aPrefix, (prefix) => {
        const end = successor(prefix) ?? '';
        expect(end.isWellFormed() && !end.includes('\0')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
