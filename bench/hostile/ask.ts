import { setTimeout as wait } from 'node:timers/promises';
import type { AsOf } from '../../lib/index.js';

/** How questions were answered, in milliseconds. */
export interface Asked {
  count: number;
  median: number;
  worst: number;
  /** How far `asOf` was behind the answer at worst. */
  lag: number;
  failures: number;
}

/** Asks again and again, with a pause between. */
export async function askFor(
  milliseconds: number,
  question: () => Promise<AsOf>,
  pause = 250,
): Promise<Asked> {
  const end = performance.now() + milliseconds;
  const times: number[] = [];
  let lag = 0;
  let failures = 0;
  while (performance.now() < end) {
    const begun = performance.now();
    try {
      const { asOf } = await question();
      lag = Math.max(lag, Date.now() - Date.parse(asOf));
    } catch {
      failures += 1;
    }
    times.push(performance.now() - begun);
    await wait(pause);
  }
  times.sort((a, b) => a - b);
  const round = (value = 0): number => Math.round(value);
  return {
    count: times.length,
    median: round(times[times.length >> 1]),
    worst: round(times.at(-1)),
    lag,
    failures,
  };
}
