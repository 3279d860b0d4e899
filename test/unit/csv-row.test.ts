import fc from 'fast-check';
import {
  BYTE_ORDER_MARK,
  csvRow,
  escapeFormulas,
  LINE_BREAK,
  unescapeFormulas,
} from '../../lib/export/csv-row.js';

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

  it.each(['=1', ' =1', '+a'])('keep their first character if they were not escaped: %j', (text) => {
    expect(unescapeFormulas(text)).toBe(text);
  });
});

it('ends a line as RFC 4180 says', () => {
  expect(LINE_BREAK).toBe('\r\n');
});

it('begins with the bytes by which Excel knows UTF-8', () => {
  expect(Buffer.from(BYTE_ORDER_MARK)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
});

describe('a row of CSV', () => {
  it('separates cells with commas, and has an empty cell for no value', () => {
    expect(csvRow(['/a', 17, null, ''])).toBe('/a,17,,');
    expect(csvRow([])).toBe('');
  });

  it.each([',', '\r', '\n', ';', '\t'])(
    'quotes a cell with %j, which may separate cells or lines',
    (special) => {
      expect(csvRow([`a${special}b`, 'c'])).toBe(`"a${special}b",c`);
    },
  );

  it('quotes a cell with quotes, and doubles each of them', () => {
    expect(csvRow(['say "yes" or "no"'])).toBe('"say ""yes"" or ""no"""');
  });

  it.each(['=1', '+1', '-1', '@a', '\uFF1D1', '\uFF0B1', '\uFF0D1', '\uFF201', ' =1', "'=1", " '=1"])(
    'has the text %j with an apostrophe, unless spreadsheets do not matter',
    (text) => {
      expect(csvRow([text])).toBe(`'${text}`);
      expect(csvRow([text], true)).toBe(text);
    },
  );

  it.each(['\ta', '\ra', '\na'])('has an apostrophe before a text that begins with %j', (text) => {
    expect(csvRow([text])).toBe(`"'${text}"`);
  });

  it.each([
    ['a;=1', `"a;'=1"`],
    ['a\t@b', `"a\t'@b"`],
    ['a\n+1', `"a\n'+1"`],
    ['a\r-1', `"a\r'-1"`],
    ['a;b=1;c', '"a;b=1;c"'],
    ['a;=1;=2', `"a;'=1;'=2"`],
    ["a;'=1", `"a;''=1"`],
    ['a; =1', `"a;' =1"`],
  ])('has an apostrophe before each part of %j that is a formula', (text, cell) => {
    expect(csvRow([text])).toBe(cell);
  });

  it('has negative numbers as they are', () => {
    expect(csvRow([-17.5])).toBe('-17.5');
  });

  it.each(["'a", "''", "'", "'1=1", "a'=1"])('has the text %j, which is no formula, as it is', (text) => {
    expect(csvRow([text])).toBe(text);
    expect(unescapeFormulas(text)).toBe(text);
  });
});
