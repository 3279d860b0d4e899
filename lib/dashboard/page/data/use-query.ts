import { useEffect, useState } from 'preact/hooks';
import { useNow } from '../state/now.js';
import { request, type Json, RequestError } from './request.js';
import { enqueue } from './request-queue.js';

export interface QueryState<T> {
  /** The previous value remains while the next one is loading. */
  value: T | undefined;
  isLoading: boolean;
  failure: RequestError | undefined;
  retry: () => void;
  /** The time up to which the result is complete, if it is out of date. */
  staleSince: Date | undefined;
}

/** An answer as text, and when the server sent it. */
interface Received {
  text: string;
  date: string | null;
}

/** Milliseconds by which a result may be out of date without a note. */
const MAX_LAG = 5000;

/** Cached answers, so that going back shows them at once. */
const known = new Map<string, Received>();
const MAX_CACHED = 100;

/**
 * @param path the path to request; `undefined` requests nothing yet
 * @param priority is loaded before the rest of the page
 */
export function useQuery<T>(path: string | undefined, { priority = false } = {}): QueryState<Json<T>> {
  const [state, setState] = useState<{
    path?: string;
    value?: Json<T>;
    staleSince?: Date;
    failure?: RequestError;
  }>({});
  const [attempt, setAttempt] = useState(0);
  // Changes on refresh, which reloads everything.
  const now = useNow();
  const isSettled = state.path === path;

  useEffect(() => {
    if (path === undefined) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const load = async (): Promise<void> => {
      try {
        const { text, date } = await answerTo(path, { signal, priority });
        const value: Json<T> = JSON.parse(text);
        const staleSince = findStaleSince(value, date);
        if (!signal.aborted) setState({ path, value, ...(staleSince && { staleSince }) });
      } catch (error) {
        if (signal.aborted) return;
        const failure = error instanceof RequestError ? error : new RequestError(String(error), 0);
        setState(({ value }) => ({ path, failure, ...(value !== undefined && { value }) }));
      }
    };
    void load();
    return () => controller.abort();
  }, [path, attempt, now]);

  return {
    value: state.value,
    isLoading: path !== undefined && !isSettled,
    failure: isSettled ? state.failure : undefined,
    staleSince: state.staleSince,
    retry: () => {
      setState(({ value }) => (value === undefined ? {} : { value }));
      setAttempt((count) => count + 1);
    },
  };
}

/** Compares only times of the server, because the browser's clock may be wrong. */
function findStaleSince(value: unknown, date: string | null): Date | undefined {
  const asOf =
    typeof value === 'object' && value && 'asOf' in value ? new Date(String(value.asOf)) : undefined;
  return asOf && date !== null && Date.parse(date) - +asOf > MAX_LAG ? asOf : undefined;
}

async function answerTo(path: string, turn: { signal: AbortSignal; priority: boolean }): Promise<Received> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const received = await enqueue(async () => {
    const response = await request(path, { signal: turn.signal });
    return { text: await response.text(), date: response.headers.get('date') };
  }, turn);
  const [oldest] = known.keys();
  if (known.size >= MAX_CACHED && oldest !== undefined) known.delete(oldest);
  known.set(path, received);
  return received;
}

/** Clears the cache after a refresh or an erasure. */
export function clearCache(): void {
  known.clear();
}
