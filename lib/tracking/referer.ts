import { MAX_PATH } from '../activity/new-activity.js';
import { cut, makeStorable } from '../activity/text.js';

/** The path that a `Referer` header tells, which stands in for one that the body does not: too long a one is cut. */
export function pathOfReferer(referer: string | undefined): string | undefined {
  if (!referer) return undefined;
  const path = referer.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  const rooted = path === referer || path.startsWith('/') ? path : `/${path}`;
  return cut(makeStorable(rooted), MAX_PATH);
}
