import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when the condition is true. It is checked every 10 ms, so that what the test waits for has the cores. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(10);
}
