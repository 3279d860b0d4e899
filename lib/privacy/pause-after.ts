import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds. */
const MIN_PAUSE = 20;
const MAX_PAUSE = 10_000;

/**
 * Waits after a step, so that work in the background uses only a part of the time.
 * @param took milliseconds of the step
 * @param factor the pause as a multiple of the step's time
 * @throws AbortError if the signal aborts
 */
export async function pauseAfter(took: number, factor: number, signal: AbortSignal): Promise<void> {
  const pause = Math.min(Math.max(factor * took, MIN_PAUSE), MAX_PAUSE);
  await wait(pause, undefined, { signal, ref: false });
}
