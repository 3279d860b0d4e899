import fc from 'fast-check';
import { truncate, isLongerThan, isStorable, sanitize } from '../../lib/activity/text.js';

/** Whatever a JavaScript string can hold: code units, lone surrogates and NUL among them. */
const aHalf = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));
const aSurrogate = fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit));
const anyText = fc.string({
  unit: fc.oneof(aHalf, aSurrogate, fc.constantFrom('a', '\0', '🦋', 'é')),
  maxLength: 60,
});
const aLength = fc.integer({ min: 0, max: 40 });

describe('the length of a text', () => {
  it.each([
    ['', 0, false],
    ['a', 0, true],
    ['ab', 2, false],
    ['abc', 2, true],
    ['🦋🦋', 2, false],
    ['🦋🦋🦋', 2, true],
    ['🦋a', 1, true],
    ['e\u0301', 1, true],
    ['👩‍👩‍👧', 5, false],
    ['👩‍👩‍👧', 4, true],
  ])('is counted in characters as databases do: %j is longer than %i: %p', (text, characters, isLonger) => {
    expect(isLongerThan(text, characters)).toBe(isLonger);
  });

  it('is the number of code points of any text', () => {
    fc.assert(
      fc.property(anyText, aLength, (text, characters) => {
        expect(isLongerThan(text, characters)).toBe(Array.from(text).length > characters);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a truncated text', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abc', 2, 'ab'],
    ['a🦋b', 2, 'a🦋'],
    ['a🦋b', 1, 'a'],
    ['🦋🦋🦋', 2, '🦋🦋'],
    ['abc', 0, ''],
  ])('ends at a whole character: %j at %i is %j', (text, characters, expected) => {
    expect(truncate(text, characters)).toBe(expected);
  });

  it('is the first code points of any text', () => {
    fc.assert(
      fc.property(anyText, aLength, (text, characters) => {
        expect(truncate(text, characters)).toBe(Array.from(text).slice(0, characters).join(''));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a text that databases can store', () => {
  it.each([
    ['', true],
    ['a🦋é', true],
    ['\u0001\u007f\uFFFD\uFFFE\uFFFF', true],
    ['\0', false],
    ['a\ud83e', false],
    ['\udd8ba', false],
    ['\udd8b\ud83e', false],
  ])('%j: %p', (text, expected) => {
    expect(isStorable(text)).toBe(expected);
  });

  it.each([
    ['a\0b', 'a\uFFFDb'],
    ['\ud83e🦋\udd8b', '\uFFFD🦋\uFFFD'],
    ['🦋', '🦋'],
  ])('is made of %j, with the replacement character: %j', (text, expected) => {
    expect(sanitize(text)).toBe(expected);
  });

  it('is made from any text, with the same length, and is unchanged if it is storable already', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const made = sanitize(text);
        expect(isStorable(made)).toBe(true);
        expect(made).toHaveLength(text.length);
        expect(isStorable(text) ? made : sanitize(made)).toBe(isStorable(text) ? text : made);
      }),
      { numRuns: 1000 },
    );
  });
});
