/** Bytes. Lines of exports are shorter; longer ones are not kept in memory. */
export const MAX_LINE = 1 << 20;

const NEWLINE = 10;

export interface Line {
  /** From 1. */
  number: number;
  /** `undefined` if the line is too long. */
  bytes: Buffer | undefined;
}

/** Splits chunks into lines, in constant memory. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line, void, void> {
  let number = 1;
  let begun: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer): void => {
    size += part.length;
    if (size <= MAX_LINE) begun.push(part);
    else begun = [];
  };
  const end = (): Line => {
    const line = { number, bytes: size <= MAX_LINE ? Buffer.concat(begun) : undefined };
    number += 1;
    begun = [];
    size = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let at = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, at)) {
      add(chunk.subarray(at, to));
      at = to + 1;
      yield end();
    }
    add(chunk.subarray(at));
  }
  if (size > 0) yield end();
}
