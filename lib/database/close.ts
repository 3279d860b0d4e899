/** The used part of a driver's socket. */
export interface Stream {
  readonly destroyed: boolean;
  destroy(error?: Error): unknown;
  unref?(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** Resolves after the stream is closed and earlier listeners were called; at once if it is destroyed already. */
export function close(stream: Stream, error?: Error): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once('close', resolve);
    stream.destroy(error);
  });
}
