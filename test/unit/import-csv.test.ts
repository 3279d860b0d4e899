import { detectSeparator, itemOfCells, itemsOfCsv } from '../../lib/cli/import/csv.js';
import { MAX_LINE } from '../../lib/cli/import/lines.js';

async function* inChunks(chunks: Buffer[]): AsyncGenerator<Buffer, void, void> {
  yield* chunks;
}

/** Returns each row, or its error with the causes, by its place. */
async function read(content: string | Buffer | Buffer[], separator = ','): Promise<Record<string, unknown>> {
  const chunks = Array.isArray(content) ? content : [Buffer.from(content)];
  const found: Record<string, unknown> = {};
  for await (const item of itemsOfCsv(inChunks(chunks), separator)) {
    const { place } = item;
    expect(item.isCells).toBe(true);
    try {
      found[place] = item.read();
    } catch (error) {
      const { message, cause } = error as Error;
      found[place] = cause instanceof Error ? `${message}: ${cause.message}` : message;
    }
  }
  return found;
}

/** Cuts bytes in two, at each place. */
function cuts(bytes: Buffer): Buffer[][] {
  return Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
}

const notParsed = (reason: string): unknown =>
  expect.stringMatching(new RegExp(`^the rest of the file cannot be parsed; .*: ${reason}$`));

describe('the separator of CSV', () => {
  it.each([
    ['date,path', ','],
    ['date;path', ';'],
    ['date\tpath', '\t'],
    ['date;path;"a,b"', ';'],
    ['date,path,"a;b"', ','],
    ['date', ','],
  ])('of %j is the most frequent one: %j', (header, separator) => {
    expect(detectSeparator(header)).toBe(separator);
  });
});

describe('the rows of CSV', () => {
  it('have the cells by the names of their columns', async () => {
    expect(await read('date,path\n2026,/\n2027,\n')).toEqual({
      'row 1': { date: '2026', path: '/' },
      'row 2': { date: '2027', path: '' },
    });
    expect(await read('date;path\r\n2026;/,\r\n', ';')).toEqual({ 'row 1': { date: '2026', path: '/,' } });
  });

  it('have separators, quotes and line ends in quotes', async () => {
    expect(await read('path,name\n"a,""b""\nc","view"\n')).toEqual({
      'row 1': { path: 'a,"b"\nc', name: 'view' },
    });
  });

  it('are counted without blank lines', async () => {
    expect(await read('path,name\n\n/,a\n\n/,b\n')).toEqual({
      'row 1': { path: '/', name: 'a' },
      'row 2': { path: '/', name: 'b' },
    });
  });

  it('have as many cells as the header, or are refused alone', async () => {
    expect(await read('path,name\n/\n/,a\n/,b,c\n')).toEqual({
      'row 1': 'it has 1 cells, but the header 2',
      'row 2': { path: '/', name: 'a' },
      'row 3': 'it has 3 cells, but the header 2',
    });
  });

  it('have the last of columns with the same name', async () => {
    expect(await read('path,name,name\n/,a,b\n')).toEqual({ 'row 1': { path: '/', name: 'b' } });
  });

  it('end at a row that is too long, such as behind a quote that is not closed', async () => {
    const found = Object.entries(await read(`path\n"/${'\n'.repeat(MAX_LINE)}/b\n`));
    expect(found).toEqual([['behind row 0', notParsed('Row exceeds the maximum size')]]);
  });
});

describe('tab-separated text', () => {
  it.each([
    [String.raw`a\tb`, 'a\tb'],
    [String.raw`a\nb`, 'a\nb'],
    [String.raw`a\rb`, 'a\rb'],
    [String.raw`a\0b`, 'a\0b'],
    [String.raw`a\\nb`, String.raw`a\nb`],
    [String.raw`a\x\"b`, 'ax"b'],
    ['a\\\u2028b', 'a\u2028b'],
    [String.raw`\N`, String.raw`\N`],
    [String.raw`a\N`, 'aN'],
    ['Say "x', 'Say "x'],
    ['"a"', '"a"'],
    ['a,b', 'a,b'],
  ])('is read as databases write it: %j is %j', async (cell, text) => {
    expect(await read(`path\tname\n/\t${cell}\n`, '\t')).toEqual({ 'row 1': { path: '/', name: text } });
  });

  it('has NUL as any character, which only the validation of its row refuses', async () => {
    expect(await read('path\n/a\0b\n/c\n', '\t')).toEqual({
      'row 1': { path: '/a\0b' },
      'row 2': { path: '/c' },
    });
  });

  it('has no backslashes to resolve if commas separate the cells', async () => {
    expect(await read(`path,name\n/,a\\tb\n`)).toEqual({ 'row 1': { path: '/', name: String.raw`a\tb` } });
  });
});

describe('CSV in UTF-8', () => {
  it('may end with a character of several bytes', async () => {
    for (const chunks of cuts(Buffer.from('path\né')))
      expect(await read(chunks)).toEqual({ 'row 1': { path: 'é' } });
  });

  it.each(['é', '€', '🦋', 'aé€🦋z'])('may be cut within %s', async (text) => {
    for (const chunks of cuts(Buffer.from(`path\n${text}\n`)))
      expect(await read(chunks)).toEqual({ 'row 1': { path: text } });
  });

  it('may come in single bytes', async () => {
    const chunks = Array.from(Buffer.from('path\né€🦋\n'), (byte) => Buffer.from([byte]));
    expect(await read(chunks)).toEqual({ 'row 1': { path: 'é€🦋' } });
  });

  it.each<[string, number[]]>([
    ['Latin-1', [0x63, 0xe9, 0x61, 0x62, 0x63]],
    ['the rest of a character', [0x80]],
    ['the rest of a long character', [0x61, 0x80, 0x80, 0x80, 0x80]],
    ['a character that is too long', [0xc3, 0xa9, 0xa9]],
    ['a long character that ends early', [0xf0, 0x9f, 0xa6, 0x61]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
  ])('is not %s, however it is cut', async (_, bytes) => {
    const content = Buffer.concat([Buffer.from('path\na\n'), Buffer.from(bytes), Buffer.from('\nb\n')]);
    for (const chunks of cuts(content))
      expect(Object.values(await read(chunks)).at(-1)).toEqual(notParsed('it is not UTF-8'));
  });

  it.each<[string, number[]]>([
    ['two bytes', [0xc3]],
    ['three bytes', [0xe2, 0x82]],
    ['four bytes', [0xf0, 0x9f, 0xa6]],
  ])('does not end within a character of %s', async (_, bytes) => {
    for (const chunks of cuts(Buffer.from([...Buffer.from('path\na\nb'), ...bytes])))
      expect(Object.values(await read(chunks)).at(-1)).toEqual(notParsed('it is not UTF-8'));
  });
});

describe('the cells of an exported row', () => {
  it('are the values of the activity, and empty ones are null', () => {
    expect(itemOfCells({ path: '/', name: 'view', userId: '17', referer: '' }, false)).toEqual({
      path: '/',
      name: 'view',
      userId: '17',
      referer: null,
    });
  });

  it.each([
    ['{"plan":"pro"}', { plan: 'pro' }],
    ['[1]', [1]],
    ['', null],
    ['{"plan":', '{"plan":'],
  ])('have properties as JSON, and what is none for the validation: %j', (properties, value) => {
    expect(itemOfCells({ properties }, false)).toEqual({ properties: value });
  });

  it.each(['interactive', 'session.bot', 'session.consent'])('have true and false in %s', (column) => {
    const valueOf = (text: string): unknown => {
      const item = itemOfCells({ [column]: text, 'session.id': 's' }, false);
      return item[column] ?? Object(item.session)[column.replace('session.', '')];
    };
    expect([valueOf('true'), valueOf('false'), valueOf('1')]).toEqual([true, false, '1']);
  });

  it('have true and false in other columns as texts', () => {
    const cells = { name: 'true', 'session.browser': 'false' };
    expect(itemOfCells(cells, false)).toEqual({ name: 'true', session: { browser: 'false' } });
  });

  it('have the session in columns of its own, or no session if these are empty', () => {
    const cells = { path: '/', 'session.id': 's1', 'session.browser': '' };
    expect(itemOfCells(cells, false)).toEqual({ path: '/', session: { id: 's1', browser: null } });
    expect(itemOfCells({ ...cells, 'session.id': '' }, false)).toEqual({ path: '/', session: null });
    expect(itemOfCells({ path: '/', sessionId: 's1' }, false)).toEqual({ path: '/', sessionId: 's1' });
  });

  it('lose the apostrophe that protects spreadsheets, unless they were exported with --raw', () => {
    const cells = { path: "'=1", 'session.userAgent': "'=2" };
    expect(itemOfCells(cells, false)).toEqual({ path: '=1', session: { userAgent: '=2' } });
    expect(itemOfCells(cells, true)).toEqual({ path: "'=1", session: { userAgent: "'=2" } });
  });
});
