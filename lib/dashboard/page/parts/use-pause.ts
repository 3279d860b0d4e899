import { type Inputs, useEffect } from 'preact/hooks';

/** Milliseconds without a key before the host is asked. */
const PAUSE = 200;

/** Does something once nothing has changed for a while, as whoever types is not asked at each key. */
export function usePause(act: () => void, changes: Inputs): void {
  useEffect(() => {
    const timer = setTimeout(act, PAUSE);
    return () => clearTimeout(timer);
  }, changes);
}
