import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ReusableBuffer } from '../export/reusable-buffer.js';
import { escapeControls } from './errors.js';

/** The destination of data. */
export interface Output {
  /** Whether it appends to existing data. */
  readonly isResumed: boolean;
  /** Resolves when the system has accepted all pieces. Must not be called again before that. */
  write(pieces: Iterable<string | Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

/** Whether the reader has closed the pipe. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Concatenates pieces in a reusable buffer. */
class Bytes {
  private readonly memory = new ReusableBuffer();

  /** The buffer is valid until the next call. */
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

/** Standard output. It is unknown if another command has written to it before. */
export class StandardOutput implements Output {
  private readonly bytes = new Bytes();

  constructor(readonly isResumed = false) {
    // The error is also passed to the callback of `write`.
    process.stdout.on('error', ignore);
  }

  async write(pieces: Iterable<string | Uint8Array>): Promise<void> {
    const bytes = this.bytes.of(pieces);
    // Files and pipes get the data unescaped.
    const written = process.stdout.isTTY ? escapeControls(bytes.toString()) : bytes;
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(written, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    process.stdout.off('error', ignore);
  }
}

/** A file. If a write fails half-way, as on a full disk, the file is truncated to the previous write. */
export class FileOutput implements Output {
  readonly isResumed: boolean;
  private readonly bytes = new Bytes();

  private constructor(
    private readonly handle: FileHandle,
    private size: number,
  ) {
    this.isResumed = size > 0;
  }

  static async open(path: string, append: boolean): Promise<FileOutput> {
    // Opens a new file for appending too: after the file was truncated, the next write must start at its end.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
    const handle = await open(path, append ? flags : flags | constants.O_TRUNC);
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

/** Prints a line on standard output. */
export async function print(text: string): Promise<void> {
  const output = new StandardOutput();
  await output.write([`${text}\n`]).catch((error: unknown) => {
    if (!isClosedPipe(error)) throw error;
  });
}

function ignore(): void {}
