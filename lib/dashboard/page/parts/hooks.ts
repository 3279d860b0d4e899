import type { RefObject } from 'preact';
import { type Inputs, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Milliseconds without a key before the host is asked. */
const PAUSE = 200;

/** Does something once nothing has changed for a while, as whoever types is not asked at each key. */
export function usePause(act: () => void, changes: Inputs): void {
  useEffect(() => {
    const timer = setTimeout(act, PAUSE);
    return () => clearTimeout(timer);
  }, changes);
}

/** Whether an element has been in sight: what nobody looks at need not be asked. */
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
    // Printed is all of it.
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

/** How wide an element is, for what is drawn to measure; 0 until it is known. */
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
