import { truncate, type Properties, uuid } from './activity.js';
import { add } from './queue.js';
import { isSilent } from './settings.js';

/** The path that the browser shows. */
export let here = (): string => location.pathname + location.search;
/** The path and the referrer of the latest view. */
let current: string | undefined;
export let cameFrom: string;

/** Takes the fragment as the path, as routers that use `location.hash` do. Campaigns stay in the query string before it. */
export const useHash = (): void => {
  here = () => {
    const path = location.hash.slice(1) || '/';
    return path + location.search.replace('?', path.includes('?') ? '&' : '?');
  };
};

/** The page of a path: as statistics count it by default, without the query string and a trailing slash. */
export const stripQuery = (path: string): string => {
  return path.replace(/\/?(\?.*)?$/, '');
};

/** @returns whether the server has it, once that is known */
export const track = async (
  name: string | undefined,
  properties?: Properties,
  referer?: string,
  route?: string,
): Promise<boolean> => {
  if (isSilent()) return false;
  return add(
    JSON.stringify({
      date: new Date(),
      id: uuid(),
      name,
      path: truncate(current ?? here()),
      referer: truncate(referer),
      route,
      properties,
    }),
  );
};

/** Tracks a view. Later activities have its path. */
export const view = (
  path = here(),
  referer = current ?? document.referrer,
  route?: string,
): Promise<boolean> => {
  current = path;
  cameFrom = referer;
  return track('view', undefined, referer, route);
};
