/** How many requests run at once; more would slow each other down on the host's database. */
const CONCURRENCY = 3;

interface Turn {
  begin: () => void;
  priority: boolean;
}

const waiting: Turn[] = [];
const underWay = new Set<Turn>();

/**
 * Runs a request when it is its turn, unless it was aborted before.
 * @param priority runs before the others, which start when it is done
 */
export async function enqueue<T>(
  request: () => Promise<T>,
  { signal, priority = false }: { signal: AbortSignal; priority?: boolean },
): Promise<T> {
  const turn = await new Promise<Turn>((resolve) => {
    const mine: Turn = { priority, begin: () => resolve(mine) };
    const position = priority ? waiting.findIndex((other) => !other.priority) : -1;
    waiting.splice(position < 0 ? waiting.length : position, 0, mine);
    // Waits until all requests of the same moment are queued, so that priority counts.
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
  while (underWay.size < CONCURRENCY) {
    const [next] = waiting;
    if (!next || (!next.priority && [...underWay].some(({ priority }) => priority))) return;
    waiting.shift();
    underWay.add(next);
    next.begin();
  }
}
