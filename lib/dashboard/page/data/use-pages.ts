import { useEffect, useState } from 'preact/hooks';
import { ask, type Json, Refusal } from './ask.js';
import { type Answer, useAnswer } from './use-answer.js';

interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Pages<T> {
  first: Answer<Page<T>>;
  /** Of all pages so far. */
  items: T[];
  /** Asks for the next page; none where there is no more. */
  more: (() => void) | undefined;
  /** Why there was no next page. */
  refusal: Refusal | undefined;
}

/** Pages that follow each other by the host's cursors. */
export function usePages<T>(path: string): Pages<Json<T>> {
  const first = useAnswer<Page<T>>(path);
  const [later, setLater] = useState<Page<Json<T>>>();
  const [refusal, setRefusal] = useState<Refusal>();
  useEffect(() => {
    setLater(undefined);
    setRefusal(undefined);
  }, [first.value]);
  const next = later ? later.next : first.value?.next;
  const load = async (after: string): Promise<void> => {
    try {
      const response = await ask(`${path}&after=${encodeURIComponent(after)}`);
      const page: Page<Json<T>> = await response.json();
      setLater((before) => ({ items: [...(before?.items ?? []), ...page.items], next: page.next }));
      setRefusal(undefined);
    } catch (error) {
      setRefusal(error instanceof Refusal ? error : new Refusal(String(error), 0));
    }
  };
  const items: Json<T>[] = [...(first.value?.items ?? []), ...(later?.items ?? [])];
  return { first, items, more: next ? () => void load(next) : undefined, refusal };
}
