import { useEffect, useState } from 'preact/hooks';
import { useNow } from '../state/now.js';
import { request, type Json, RequestError } from './request.js';
import { enqueue } from './request-queue.js';

export interface QueryState<T> {
  /** The one before stays while the next is on its way. */
  value: T | undefined;
  isLoading: boolean;
  failure: RequestError | undefined;
  retry: () => void;
}

/** As texts: going back shows at once what was there. */
const known = new Map<string, string>();
const MAX_CACHED = 100;

/**
 * @param path of a question to the host; `undefined` asks nothing yet
 * @param priority what is looked at first is asked for before the rest
 */
export function useQuery<T>(path: string | undefined, { priority = false } = {}): QueryState<Json<T>> {
  const [state, setState] = useState<{ path?: string; value?: Json<T>; failure?: RequestError }>({});
  const [attempt, setAttempt] = useState(0);
  // Asked anew, all of it is.
  const now = useNow();
  const isSettled = state.path === path;

  useEffect(() => {
    if (path === undefined) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const load = async (): Promise<void> => {
      try {
        const value: Json<T> = JSON.parse(await answerTo(path, { signal, priority }));
        if (!signal.aborted) setState({ path, value });
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
    retry: () => {
      setState(({ value }) => (value === undefined ? {} : { value }));
      setAttempt((count) => count + 1);
    },
  };
}

async function answerTo(path: string, turn: { signal: AbortSignal; priority: boolean }): Promise<string> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const text = await enqueue(async () => (await request(path, { signal: turn.signal })).text(), turn);
  const [oldest] = known.keys();
  if (known.size >= MAX_CACHED && oldest !== undefined) known.delete(oldest);
  known.set(path, text);
  return text;
}

/** Ask anew, or something was erased: nothing that was known need be true any more. */
export function clearCache(): void {
  known.clear();
}
