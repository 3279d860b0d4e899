import { cut, type Properties, uuid } from './activity.js';
import { add } from './queue.js';
import { isSilent } from './settings.js';

/** The path that the browser shows. */
export let here = (): string => location.pathname + location.search;
/** The path of the latest view. */
let current: string | undefined;

/** Takes the fragment as the path, as routers by `location.hash` do. */
export function useHash(): void {
  here = () => location.hash.slice(1) || '/';
}

/** @returns whether the server has it, once that is known */
export async function track(
  name: string | undefined,
  properties?: Properties,
  referer?: string,
): Promise<boolean> {
  if (isSilent()) return false;
  return add(
    JSON.stringify({
      date: new Date(),
      id: uuid(),
      name,
      path: cut(current ?? here()),
      referer: cut(referer),
      properties,
    }),
  );
}

/** Tracks a view of a path, and makes it the path of what follows. */
export function view(path = here()): Promise<boolean> {
  const referer = current ?? document.referrer;
  current = path;
  return track('view', undefined, referer);
}
