import { linesOf, MAX_LINE } from '../../lib/cli/import/lines.js';
import { rejoin } from '../../lib/cli/import/rejoin.js';

async function* from<T>(values: T[], onEnd?: () => void): AsyncGenerator<T, void, void> {
  try {
    yield* values;
  } finally {
    onEnd?.();
  }
}

/** Returns the number and the text of each line; `undefined` for one that is too long. */
async function read(...chunks: Buffer[]): Promise<[number, string | undefined][]> {
  const found: [number, string | undefined][] = [];
  for await (const { number, bytes } of linesOf(from(chunks))) found.push([number, bytes?.toString()]);
  return found;
}

describe('the lines of a file', () => {
  it('are the same however it is cut', async () => {
    const bytes = Buffer.from('a\n\nbc\r\nd');
    for (let at = 0; at <= bytes.length; at++)
      expect(await read(bytes.subarray(0, at), bytes.subarray(at))).toEqual([
        [1, 'a'],
        [2, ''],
        [3, 'bc\r'],
        [4, 'd'],
      ]);
  });

  it('need no line break at the end, and there is none behind it', async () => {
    expect(await read(Buffer.from('a\nb'))).toEqual(await read(Buffer.from('a\nb\n')));
    expect(await read()).toEqual([]);
    expect(await read(Buffer.from('\n'))).toEqual([[1, '']]);
  });

  it('may be made of many chunks', async () => {
    expect(await read(...Array.from('one\ntwo', (letter) => Buffer.from(letter)))).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
  });

  it.each([1, 2, 3])(
    'are given up if they are too long, and the others are read: in %i chunks',
    async (n) => {
      const allowed = 'x'.repeat(MAX_LINE);
      const bytes = Buffer.from(`${allowed}\n${allowed}y\nz\n${allowed}y`);
      const size = Math.ceil(bytes.length / n);
      const chunks = Array.from({ length: n }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      const found = await read(...chunks);
      expect(found.map(([number, text]) => [number, text?.length])).toEqual([
        [1, MAX_LINE],
        [2, undefined],
        [3, 1],
        [4, undefined],
      ]);
    },
  );
});

describe('a value that was read before the others', () => {
  it('comes first again', async () => {
    const found: number[] = [];
    for await (const each of rejoin(1, from([2, 3]))) found.push(each);
    expect(found).toEqual([1, 2, 3]);
  });

  it.each([1, 2])('leaves no file open if the reader stops at value %i', async (last) => {
    let isClosed = false;
    const rest = from([2, 3], () => (isClosed = true));
    // Its first value was read to look at it.
    const { value } = await rest.next();
    for await (const each of rejoin(Number(value) - 1, rest)) if (each >= last) break;
    expect(isClosed).toBe(true);
  });
});
