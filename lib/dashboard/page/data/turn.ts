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
 * @param isFirst goes before the others, who begin once it is answered
 */
export async function inTurn<T>(
  ask: () => Promise<T>,
  { signal, isFirst = false }: { signal: AbortSignal; isFirst?: boolean },
): Promise<T> {
  const turn = await new Promise<Turn>((resolve) => {
    const mine: Turn = { isFirst, begin: () => resolve(mine) };
    const place = isFirst ? waiting.findIndex((other) => !other.isFirst) : -1;
    waiting.splice(place < 0 ? waiting.length : place, 0, mine);
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
  while (underWay.size < AT_ONCE) {
    const [next] = waiting;
    if (!next || (!next.isFirst && [...underWay].some(({ isFirst }) => isFirst))) return;
    waiting.shift();
    underWay.add(next);
    next.begin();
  }
}
