import { domainToUnicode } from 'node:url';

/** The page of a path by default, as docs/statistics.md defines it. */
export function pageOf(path: string): string {
  const hash = path.indexOf('#');
  const before = withoutQuery(hash < 0 ? path : path.slice(0, hash));
  const fragment = withoutQuery(hash < 0 ? '' : path.slice(hash));
  // The fragment is a path, or there is nothing else.
  const isKept = /^#!?\//.test(fragment) || before === '';
  return before + (isKept ? fragment : '') || '/';
}

/** Without a query string and the slashes at the end. */
function withoutQuery(text: string): string {
  let path = text.split('?')[0]!;
  while (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1);
  return path;
}

/** The first parameter with this name in the query string. */
export function parameterOf(path: string, name: string): string | null {
  const [beforeFragment = ''] = path.split('#');
  const query = beforeFragment.split('?').slice(1).join('?').replaceAll('&amp;', '&');
  const value = [...new URLSearchParams(query)].find(([key]) => key.toLowerCase() === name)?.[1];
  // No database stores NUL.
  return value ? Array.from(value.replaceAll('\0', '\uFFFD')).slice(0, 255).join('') : null;
}

/** The host or app of an absolute URL. */
export function referrerOf(referer: string | null): string | null {
  const url = /^(?:https?|android-app):\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]+)/i;
  const host = url.exec(referer ?? '')?.[1];
  return host === undefined ? null : hostOf(host).replace(/^www\./, '');
}

/** A host in Unicode and lower case, without a final dot. */
export function hostOf(host: string): string {
  const lower = host.toLowerCase().replace(/\.$/, '');
  return domainToUnicode(lower) || lower;
}
