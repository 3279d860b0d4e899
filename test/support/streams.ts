import { type Readable, Writable } from 'node:stream';

/**
 * Replaces a standard stream of this process.
 * @returns a function that restores it
 */
export function replaceStream(name: 'stdin' | 'stdout' | 'stderr', value: Readable | Writable): () => void {
  const before = Object.getOwnPropertyDescriptor(process, name);
  if (!before) throw new Error(`process has no ${name} of its own`);
  Object.defineProperty(process, name, { value, configurable: true });
  return () => void Object.defineProperty(process, name, before);
}

/** Keeps what is written to it. */
export class CapturedStream extends Writable {
  /** The error of each write. */
  failure: Error | undefined;
  private readonly chunks: Buffer[] = [];

  /** @param isTTY whether it passes for a terminal */
  constructor(readonly isTTY = false) {
    super();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    // The writer reuses its buffer, so it must be copied.
    if (!this.failure) this.chunks.push(Buffer.from(chunk));
    done(this.failure);
    this.emit('kept');
  }

  get text(): string {
    // Decodes like `text()`, without a byte order mark.
    return new TextDecoder().decode(Buffer.concat(this.chunks));
  }

  /** Calls a function once, as soon as it has the text. */
  onText(text: string, act: () => void): void {
    const look = (): void => {
      if (!this.text.includes(text)) return;
      this.off('kept', look);
      act();
    };
    this.on('kept', look);
  }

  /** Returns what was written since the last call. */
  take(): string {
    const { text } = this;
    this.chunks.length = 0;
    return text;
  }
}
