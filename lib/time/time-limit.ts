import { setTimeout as wait } from 'node:timers/promises';

/** A timer cannot wait for longer; in milliseconds. */
export const MAX_TIMER = 2 ** 31 - 1;

/** Resolves when the work is done, or after so many milliseconds. It rejects if the work rejects before. */
export async function settleWithin(milliseconds: number, work: Promise<unknown> | undefined): Promise<void> {
  const done = new AbortController();
  const limit = wait(Math.min(milliseconds, MAX_TIMER), undefined, { signal: done.signal, ref: false });
  try {
    await Promise.race([work, limit]);
  } finally {
    done.abort();
    await limit.catch(() => {});
  }
}
