import { type FileHandle, open } from 'node:fs/promises';

/** Where data go. */
export interface Output {
  /** Whether it goes on behind what is there already. */
  readonly isContinued: boolean;
  /** Resolves when the system has taken all of it. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Whoever reads the pipe has had enough. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Standard output. What another command has written before, nobody knows. */
export class StandardOutput implements Output {
  constructor(readonly isContinued = false) {
    // Whoever writes is told of the error.
    process.stdout.on('error', ignore);
  }

  async write(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    process.stdout.off('error', ignore);
  }
}

/** A file that never keeps half of what is written at once, as on a full disk. */
export class FileOutput implements Output {
  readonly isContinued: boolean;

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

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
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
  await output.write(`${text}\n`).catch((error: unknown) => {
    if (!isClosedPipe(error)) throw error;
  });
}

function ignore(): void {}
