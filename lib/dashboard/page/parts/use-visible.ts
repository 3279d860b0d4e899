import { type RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

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
