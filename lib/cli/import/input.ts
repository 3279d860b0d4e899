import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { rejoin } from './rejoin.js';

/** The first bytes of a gzip file. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/** A file, or standard input. */
export class Input {
  private constructor(
    /** `undefined` for standard input. */
    private readonly path: string | undefined,
    /** In bytes; 0 if it is unknown. */
    readonly size: number,
    /** Whether it can be read twice; a pipe cannot. */
    readonly isFile: boolean,
  ) {}

  static async of(name: string): Promise<Input> {
    if (name === '-') return new Input(undefined, 0, false);
    const found = await stat(name);
    return new Input(name, found.size, found.isFile());
  }

  get name(): string {
    return this.path ?? 'standard input';
  }

  /**
   * Reads and decompresses the content.
   * @param onBytes called with the number of (compressed) bytes that were read since the last call
   * @throws AbortError after `stop`
   */
  async *chunks(onBytes: (count: number) => void, stop?: AbortSignal): AsyncGenerator<Buffer, void, void> {
    const stream = this.path === undefined ? process.stdin : createReadStream(this.path);
    if (stop) addAbortSignal(stop, stream);
    const read = countBytes(stream, onBytes);
    const first = await read.next();
    if (first.done) return;
    const all = rejoin(first.value, read);
    if (!first.value.subarray(0, GZIP.length).equals(GZIP)) {
      yield* all;
      return;
    }
    const gunzip = createGunzip();
    // Errors are thrown when the chunks are read.
    pipeline(Readable.from(all), gunzip, () => {});
    const uncompressed: AsyncIterable<Buffer> = gunzip;
    yield* uncompressed;
  }
}

async function* countBytes(
  stream: AsyncIterable<Buffer>,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of stream) {
    onBytes(chunk.length);
    yield chunk;
  }
}
