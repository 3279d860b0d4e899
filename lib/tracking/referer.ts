import { MAX_PATH } from '../activity/new-activity.js';
import { truncate, sanitize } from '../activity/text.js';

/** Returns the path of a `Referer` header, truncated if it is too long. It replaces a missing path. */
export function pathOfReferer(referer: string | undefined): string | undefined {
  if (!referer) return undefined;
  const path = referer.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  const rooted = path === referer || path.startsWith('/') ? path : `/${path}`;
  return truncate(sanitize(rooted), MAX_PATH);
}
