/** A timer cannot wait for longer; in milliseconds. */
export const MAX_TIMER = 2 ** 31 - 1;

/**
 * Returns the result of the work, or of `onLate` after so many milliseconds, without stopping the work.
 * @param onLate may throw
 * @param isUnref true if the process may end while this waits
 */
export async function withTimeLimit<T, L>(
  milliseconds: number,
  work: Promise<T> | T,
  onLate: () => L,
  isUnref = false,
): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(milliseconds, 0), MAX_TIMER));
    if (isUnref) timer.unref();
  }).then(onLate);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
