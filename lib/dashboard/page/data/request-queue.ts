/** So many questions are under way at once: more of them would slow each other down on the host's database. */
const AT_ONCE = 3;

interface Turn {
  begin: () => void;
  priority: boolean;
}

const waiting: Turn[] = [];
const underWay = new Set<Turn>();

/**
 * Asks when it is its turn, and not at all where nobody waits for the answer any more.
 * @param priority goes before the others, who begin once it is answered
 */
export async function enqueue<T>(
  request: () => Promise<T>,
  { signal, priority = false }: { signal: AbortSignal; priority?: boolean },
): Promise<T> {
  const turn = await new Promise<Turn>((resolve) => {
    const mine: Turn = { priority, begin: () => resolve(mine) };
    const place = priority ? waiting.findIndex((other) => !other.priority) : -1;
    waiting.splice(place < 0 ? waiting.length : place, 0, mine);
    // Not before all who ask at the same time have asked.
    queueMicrotask(admit);
  });
  try {
    signal.throwIfAborted();
    return await request();
  } finally {
    underWay.delete(turn);
    admit();
  }
}

function admit(): void {
  while (underWay.size < AT_ONCE) {
    const [next] = waiting;
    if (!next || (!next.priority && [...underWay].some(({ priority }) => priority))) return;
    waiting.shift();
    underWay.add(next);
    next.begin();
  }
}
