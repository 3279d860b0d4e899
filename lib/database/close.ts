/** What is used of a driver's socket. */
export interface Stream {
  readonly destroyed: boolean;
  destroy(error?: Error): unknown;
  unref?(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** Resolves when the stream is closed, and who listened to it before knows; at once if somebody else has destroyed it. */
export function close(stream: Stream, error?: Error): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once('close', resolve);
    stream.destroy(error);
  });
}
