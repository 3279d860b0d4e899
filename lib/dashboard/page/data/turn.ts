/** So many questions are under way at once: more of them would slow each other down on the host's database. */
const AT_ONCE = 3;

interface Turn {
  begin: () => void;
  isFirst: boolean;
}

const waiting: Turn[] = [];
const underWay = new Set<Turn>();

/**
 * Asks when it is its turn, and not at all where nobody waits for the answer any more.
 * @param isFirst goes before those who wait already, who begin once it is answered
 */
export async function inTurn<T>(
  ask: () => Promise<T>,
  { signal, isFirst = false }: { signal: AbortSignal; isFirst?: boolean },
): Promise<T> {
  const turn = await new Promise<Turn>((resolve) => {
    const mine: Turn = { isFirst, begin: () => resolve(mine) };
    if (isFirst) waiting.unshift(mine);
    else waiting.push(mine);
    // Not before all who ask at the same time have asked.
    queueMicrotask(admit);
  });
  try {
    signal.throwIfAborted();
    return await ask();
  } finally {
    underWay.delete(turn);
    admit();
  }
}

function admit(): void {
  while (underWay.size < AT_ONCE && ![...underWay].some(({ isFirst }) => isFirst)) {
    const next = waiting.shift();
    if (!next) return;
    underWay.add(next);
    next.begin();
  }
}
