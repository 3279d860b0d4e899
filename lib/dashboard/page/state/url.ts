import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';

/** Changes of the query string; `null` removes a parameter. */
export type Changes = Record<string, string | string[] | null>;

/** The query string contains the whole state of the page, so that a view can be shared as a link. */
export const Url = createContext(new URLSearchParams());

export const useUrl = (): URLSearchParams => useContext(Url);

let listener: (() => void) | undefined;

/** @returns the value for the context {@link Url} */
export function useLocation(): URLSearchParams {
  const [search, setSearch] = useState(location.search);
  useEffect(() => {
    const update = (): void => setSearch(location.search);
    listener = update;
    addEventListener('popstate', update);
    addEventListener('click', follow);
    return () => {
      removeEventListener('popstate', update);
      removeEventListener('click', follow);
    };
  }, []);
  return new URLSearchParams(search);
}

/** Returns a link within the page. */
export function hrefWith(url: URLSearchParams, changes: Changes): string {
  const query = new URLSearchParams(url);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const each of value === null ? [] : [value].flat()) query.append(name, each);
  }
  return `?${query.toString()}`;
}

/** Changes the state; going back returns here, unless `replace` is set. */
export function navigate(changes: Changes, { replace = false } = {}): void {
  const href = hrefWith(new URLSearchParams(location.search), changes);
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  listener?.();
}

const viewIn = (search: string): string | null => new URLSearchParams(search).get('view');

/** Handles clicks on links within the page, except those for a new tab, without loading a page. */
function follow(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const href = link?.getAttribute('href');
  if (!href?.startsWith('?') || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', href);
  listener?.();
  if (viewIn(href) !== viewIn(location.search)) scrollTo(0, 0);
}
