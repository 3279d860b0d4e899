/**
 * Runs a statement that `stop` cancels when the signal says so. It waits for a cancellation that is under way, which
 * would otherwise hit whatever the connection is used for next.
 */
export async function cancellable(
  signal: AbortSignal,
  stop: () => Promise<unknown>,
  run: () => Promise<unknown>,
): Promise<void> {
  signal.throwIfAborted();
  let stopping: Promise<unknown> | undefined;
  const onAbort = (): void => {
    // The statement itself tells what became of it.
    stopping = stop().catch(() => {});
  };
  signal.addEventListener('abort', onAbort);
  try {
    await run();
  } finally {
    signal.removeEventListener('abort', onAbort);
    await stopping;
  }
}
