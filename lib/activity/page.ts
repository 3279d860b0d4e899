import { Logger } from '@nestjs/common';
import { MAX_PATH } from './new-activity.js';
import { truncate, sanitize } from './text.js';
import type { PageOption } from '../options/store.options.js';

/**
 * The page of a path by default: without its query string and trailing slashes. Of a fragment only the path of a router
 * stays (`#/cart`, `#!/cart`), without its query string too; if there is nothing before it, any fragment stays.
 */
export function defaultPage(path: string): string {
  const hash = path.indexOf('#');
  if (hash < 0) return trim(path) || '/';
  const [before, fragment] = [trim(path.slice(0, hash)), trim(path.slice(hash))];
  const isRoute = fragment.startsWith('#/') || fragment.startsWith('#!/');
  return (before === '' || isRoute ? before + fragment : before) || '/';
}

/** Removes the query string and trailing slashes; the root path `/` stays. */
function trim(text: string): string {
  const query = text.indexOf('?');
  let end = query < 0 ? text.length : query;
  while (end > 1 && text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

/** Finds the page that statistics count for a path: by the option `page` of the host, or the default page. */
export class PageResolver {
  private hasFailed = false;

  constructor(private readonly option?: PageOption | undefined) {}

  /** @returns the value of the column `page`: `null` if the page is the path itself */
  find(path: string): string | null {
    const page = this.option ? this.ask(this.option, path) : defaultPage(path);
    return page === path ? null : page;
  }

  /** Paths come from visitors, so an activity is stored even if the host's function fails on its path. */
  private ask(option: PageOption, path: string): string {
    let page: unknown;
    try {
      page = option(path);
      if (typeof page === 'string' && page !== '') return truncate(sanitize(page), MAX_PATH);
      throw new TypeError('it must return a string that is not empty');
    } catch (error) {
      if (!this.hasFailed)
        new Logger('Djaffar').warn(
          `the option "page" failed for the path ${JSON.stringify(path)}, which gets the default page: ${String(error)}`,
        );
      this.hasFailed = true;
      return defaultPage(path);
    }
  }
}
