import fc from 'fast-check';
import { escapeFormulas, unescapeFormulas } from '../../lib/export/csv-row.js';

const aText = fc.string({
  unit: fc.constantFrom(
    '=',
    '+',
    '-',
    '@',
    '\uFF1D',
    "'",
    ' ',
    '\t',
    '\r',
    '\n',
    ';',
    ',',
    '"',
    'a',
    '\u00a0',
  ),
  maxLength: 8,
});

describe('formulas in CSV', () => {
  it('are escaped so that the text can be found again', () => {
    fc.assert(
      fc.property(aText, (text) => {
        expect(unescapeFormulas(escapeFormulas(text))).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['=1', "'=1"],
    ["'=1", "''=1"],
    ['a;=1', "a;'=1"],
    [';\t=1', ";'\t'=1"],
    // Excel reads a part that begins with an empty quoted text, and then the rest.
    ['a;"=1', `a;'"=1`],
    ['a; ""=1', `a;' ""=1`],
    ["it's", "it's"],
    ['/a;b', '/a;b'],
  ])('of %j is %j', (text, escaped) => {
    expect(escapeFormulas(text)).toBe(escaped);
  });
});
