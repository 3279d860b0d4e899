import { useEffect, useState } from 'preact/hooks';
import { request, type Json, RequestError } from './request.js';
import { type QueryState, useQuery } from './use-query.js';

interface Page<T> {
  items: T[];
  next: string | null;
}

export interface PagedState<T> {
  first: QueryState<Page<T>>;
  /** The items of all pages so far. */
  items: T[];
  /** Requests the next page; `undefined` after the last page. */
  more: (() => void) | undefined;
  /** Why the next page could not be loaded. */
  failure: RequestError | undefined;
}

/** Loads page after page by the cursors of the API. */
export function usePages<T>(path: string): PagedState<Json<T>> {
  const first = useQuery<Page<T>>(path);
  const [later, setLater] = useState<Page<Json<T>>>();
  const [failure, setFailure] = useState<RequestError>();
  useEffect(() => {
    setLater(undefined);
    setFailure(undefined);
  }, [first.value]);
  const next = later ? later.next : first.value?.next;
  const load = async (after: string): Promise<void> => {
    try {
      const response = await request(`${path}&after=${encodeURIComponent(after)}`);
      const page: Page<Json<T>> = await response.json();
      setLater((before) => ({ items: [...(before?.items ?? []), ...page.items], next: page.next }));
      setFailure(undefined);
    } catch (error) {
      setFailure(error instanceof RequestError ? error : new RequestError(String(error), 0));
    }
  };
  const items: Json<T>[] = [...(first.value?.items ?? []), ...(later?.items ?? [])];
  return { first, items, more: next ? () => void load(next) : undefined, failure };
}
