import { useEffect, useState } from 'preact/hooks';
import { request, type Json, RequestError } from './request.js';
import type { QueryState } from './use-query.js';

/** Repeats a request while the page is visible; the value remains until the next one. */
export function usePolled<T>(path: string, milliseconds: number): QueryState<Json<T>> {
  const [state, setState] = useState<{ value?: Json<T>; failure?: RequestError }>({});
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden) return;
      try {
        const response = await request(path, { signal });
        const value: Json<T> = await response.json();
        if (!signal.aborted) setState({ value });
      } catch (error) {
        if (signal.aborted) return;
        setState({ failure: error instanceof RequestError ? error : new RequestError(String(error), 0) });
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
    failure: state.failure,
    staleSince: undefined,
    retry: () => setAttempt((count) => count + 1),
  };
}
