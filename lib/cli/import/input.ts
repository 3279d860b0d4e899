import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Where rows come from: a file, or standard input. */
export class Input {
  private constructor(
    /** `undefined` for standard input. */
    private readonly path: string | undefined,
    /** In bytes; 0 where nobody knows. */
    readonly size: number,
    /** Whether it can be read once more: a pipe cannot. */
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

  /** @param onBytes is told how many bytes there are more */
  async *chunks(onBytes: (count: number) => void): AsyncGenerator<Buffer, void, void> {
    const stream: AsyncIterable<Buffer> =
      this.path === undefined ? process.stdin : createReadStream(this.path);
    for await (const chunk of stream) {
      onBytes(chunk.length);
      yield chunk;
    }
  }
}
