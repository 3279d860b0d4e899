import { useEffect, useState } from 'preact/hooks';
import { ask, type Json, Refusal } from './ask.js';
import type { Answer } from './use-answer.js';

/** Asks again and again, as long as the page is in sight; what was told stays until the next answer. */
export function usePolled<T>(path: string, milliseconds: number): Answer<Json<T>> {
  const [state, setState] = useState<{ value?: Json<T>; refusal?: Refusal }>({});
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden) return;
      try {
        const response = await ask(path, { signal });
        const value: Json<T> = await response.json();
        if (!signal.aborted) setState({ value });
      } catch (error) {
        if (signal.aborted) return;
        setState({ refusal: error instanceof Refusal ? error : new Refusal(String(error), 0) });
      }
      if (!signal.aborted) timer = setTimeout(() => void poll(), milliseconds);
    };
    const onSight = (): void => void poll();
    document.addEventListener('visibilitychange', onSight);
    void poll();
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onSight);
    };
  }, [path, milliseconds, attempt]);
  return {
    value: state.value,
    isLoading: false,
    refusal: state.refusal,
    retry: () => setAttempt((count) => count + 1),
  };
}
