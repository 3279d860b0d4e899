/** So many questions are under way at once: more of them would slow each other down on the host's database. */
const AT_ONCE = 3;

const waiting: (() => void)[] = [];
let underWay = 0;

/**
 * Asks when it is its turn, and not at all where nobody waits for the answer any more.
 * @param isFirst goes before those who wait already
 */
export async function inTurn<T>(
  ask: () => Promise<T>,
  { signal, isFirst = false }: { signal: AbortSignal; isFirst?: boolean },
): Promise<T> {
  await new Promise<void>((begin) => {
    if (isFirst) waiting.unshift(begin);
    else waiting.push(begin);
    // Not before all who ask at the same time have asked.
    queueMicrotask(admit);
  });
  try {
    signal.throwIfAborted();
    return await ask();
  } finally {
    underWay -= 1;
    admit();
  }
}

function admit(): void {
  for (; underWay < AT_ONCE && waiting.length > 0; underWay++) waiting.shift()?.();
}
