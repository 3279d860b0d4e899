import { type FileHandle, open } from 'node:fs/promises';
import { ReusableBuffer } from '../export/reusable-buffer.js';
import { escapeControls } from './errors.js';

/** Where data go. */
export interface Output {
  /** Whether it goes on behind what is there already. */
  readonly isContinued: boolean;
  /** Resolves when the system has taken all of them; not to be called again before that. */
  write(pieces: Iterable<string | Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

/** Whoever reads the pipe has had enough. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Pieces as bytes, one behind another. */
class Bytes {
  private readonly memory = new ReusableBuffer();

  /** Good until the next call. */
  of(pieces: Iterable<string | Uint8Array>): Buffer {
    let bytes = this.memory.allocate(0);
    let size = 0;
    for (const piece of pieces) {
      const isText = typeof piece === 'string';
      bytes = this.memory.allocate(size + (isText ? 3 : 1) * piece.length, size);
      if (isText) {
        size += bytes.write(piece, size);
      } else {
        bytes.set(piece, size);
        size += piece.length;
      }
    }
    return bytes.subarray(0, size);
  }
}

/** Standard output. What another command has written before, nobody knows. */
export class StandardOutput implements Output {
  private readonly bytes = new Bytes();

  constructor(readonly isContinued = false) {
    // Whoever writes is told of the error.
    process.stdout.on('error', ignore);
  }

  async write(pieces: Iterable<string | Uint8Array>): Promise<void> {
    const bytes = this.bytes.of(pieces);
    // Files and pipes get the data as they are.
    const written = process.stdout.isTTY ? escapeControls(bytes.toString()) : bytes;
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(written, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    process.stdout.off('error', ignore);
  }
}

/** A file that never keeps half of what is written at once, as on a full disk. */
export class FileOutput implements Output {
  readonly isContinued: boolean;
  private readonly bytes = new Bytes();

  private constructor(
    private readonly handle: FileHandle,
    private size: number,
  ) {
    this.isContinued = size > 0;
  }

  static async open(path: string, append: boolean): Promise<FileOutput> {
    const handle = await open(path, append ? 'a' : 'w');
    return new FileOutput(handle, (await handle.stat()).size);
  }

  async write(pieces: Iterable<string | Uint8Array>): Promise<void> {
    const bytes = this.bytes.of(pieces);
    try {
      await this.handle.appendFile(bytes);
    } catch (error) {
      await this.handle.truncate(this.size).catch(ignore);
      throw error;
    }
    this.size += bytes.length;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** One answer on standard output. */
export async function print(text: string): Promise<void> {
  const output = new StandardOutput();
  await output.write([`${text}\n`]).catch((error: unknown) => {
    if (!isClosedPipe(error)) throw error;
  });
}

function ignore(): void {}
