import { useEffect, useState } from 'preact/hooks';
import { useNow } from '../state/now.js';
import { ask, type Json, Refusal } from './ask.js';
import { inTurn } from './turn.js';

export interface Answer<T> {
  /** The one before stays while the next is on its way. */
  value: T | undefined;
  isLoading: boolean;
  refusal: Refusal | undefined;
  retry: () => void;
}

/** As texts: going back shows at once what was there. */
const known = new Map<string, string>();
const MOST_KNOWN = 100;

/**
 * @param path of a question to the host; `undefined` asks nothing yet
 * @param isFirst what is looked at first is asked for before the rest
 */
export function useAnswer<T>(path: string | undefined, { isFirst = false } = {}): Answer<Json<T>> {
  const [state, setState] = useState<{ path?: string; value?: Json<T>; refusal?: Refusal }>({});
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
        const value: Json<T> = JSON.parse(await answerTo(path, { signal, isFirst }));
        if (!signal.aborted) setState({ path, value });
      } catch (error) {
        if (signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal(String(error), 0);
        setState(({ value }) => ({ path, refusal, ...(value !== undefined && { value }) }));
      }
    };
    void load();
    return () => controller.abort();
  }, [path, attempt, now]);

  return {
    value: state.value,
    isLoading: path !== undefined && !isSettled,
    refusal: isSettled ? state.refusal : undefined,
    retry: () => {
      setState(({ value }) => (value === undefined ? {} : { value }));
      setAttempt((count) => count + 1);
    },
  };
}

async function answerTo(path: string, turn: { signal: AbortSignal; isFirst: boolean }): Promise<string> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const text = await inTurn(async () => (await ask(path, { signal: turn.signal })).text(), turn);
  const [oldest] = known.keys();
  if (known.size >= MOST_KNOWN && oldest !== undefined) known.delete(oldest);
  known.set(path, text);
  return text;
}

/** Ask anew, or something was erased: nothing that was known need be true any more. */
export function forgetAnswers(): void {
  known.clear();
}
