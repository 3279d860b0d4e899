import type { RefObject } from 'preact';
import { type Inputs, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Milliseconds without a key press before a request. */
const PAUSE = 200;

/** Calls a function when nothing has changed for a while, so that typing does not send a request for each key. */
export function usePause(act: () => void, changes: Inputs): void {
  useEffect(() => {
    const timer = setTimeout(act, PAUSE);
    return () => clearTimeout(timer);
  }, changes);
}

/** Whether an element has been visible, so that data are requested only then. */
export function useVisible<T extends Element>(): [RefObject<T | null>, boolean] {
  const ref = useRef<T>(null);
  const [isVisible, setVisible] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element || isVisible) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setVisible(true);
      },
      { rootMargin: '200px' },
    );
    // Everything is printed.
    const show = (): void => setVisible(true);
    addEventListener('beforeprint', show);
    observer.observe(element);
    return () => {
      observer.disconnect();
      removeEventListener('beforeprint', show);
    };
  }, [isVisible]);
  return [ref, isVisible];
}

/** Returns the width of an element in pixels; 0 until it is known. */
export function useWidth<T extends Element>(): [RefObject<T | null>, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const measure = (): void => setWidth(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Returns the current time, updated each second. */
export function useClock(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
