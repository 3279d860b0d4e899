import type { Selection } from './selection.js';
import { DAY, floor, QUARTER, type Stretch } from '../stretch.js';
import { RollupState } from '../rollup/sums.entity.js';

/**
 * What is read from the sums of paths, which are of days up to the one that `read` is given, then of quarters of an
 * hour. It is read again where a day was put together meanwhile, which may have been seen as neither.
 */
export async function settled<T>(
  { manager }: Selection,
  read: (daysUntil: number) => Promise<T>,
): Promise<T> {
  const states = manager.getRepository(RollupState);
  for (;;) {
    const { daysUntil } = await states.findOneByOrFail({ id: 1 });
    const found = await read(daysUntil.getTime());
    if ((await states.findOneByOrFail({ id: 1 })).daysUntil.getTime() === daysUntil.getTime()) return found;
  }
}

/** What of the range there are such sums of. */
export function wholeOf({ since, until }: Stretch, daysUntil: number): Stretch | undefined {
  const up = (instant: number): number => {
    const span = spanAt(instant, daysUntil);
    return floor(instant + span - 1, span);
  };
  const whole = { since: up(since), until: floor(until, spanAt(until, daysUntil)) };
  return whole.since < whole.until ? whole : undefined;
}

/** Whether one of them begins at the instant. */
export function isBeginning(instant: number, daysUntil: number): boolean {
  return instant % spanAt(instant, daysUntil) === 0;
}

function spanAt(instant: number, daysUntil: number): number {
  return instant < daysUntil ? DAY : QUARTER;
}
