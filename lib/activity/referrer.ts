import { domainToASCII, domainToUnicode } from 'node:url';

/** Web pages, and the apps of phones: Android names the package that a link was opened from. */
const SCHEMES = /^(?:https?|android-app|ios-app):/i;

/** A host that has two spellings, such as `bücher.example` and `xn--bcher-kva.example`. */
const INTERNATIONAL = /[^\0-\x7f]|\bxn--/;

/** @returns the host that a visitor came from, without `www.`: see {@link hostText} */
export function parseReferrer(referer: string | null | undefined): string | undefined {
  const host = hostIn(referer);
  return host && hostText(host).replace(/^www\./, '');
}

/** Returns a host in Unicode and lower case, without a final dot; anything else in lower case. */
export function hostText(host: string): string {
  const bare = host.toLowerCase().replace(/\.$/, '');
  return INTERNATIONAL.test(bare) ? domainToUnicode(domainToASCII(bare)) || bare : bare;
}

/** The host of an absolute URL. */
function hostIn(url: string | null | undefined): string | undefined {
  if (!url || !SCHEMES.test(url)) return undefined;
  try {
    return new URL(url).hostname || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns only the path of an own page, because it is not a traffic source; any other referer is returned unchanged.
 * @param own hosts of the app, and of the page that tracks
 */
export function withoutOwnHost(referer: string | null, own: (string | undefined)[]): string | null {
  const from = parseReferrer(referer);
  if (!referer || from === undefined) return referer;
  const isOwn = own.some((host) => host && hostText(host).replace(/^www\./, '') === from);
  if (!isOwn) return referer;
  const path = referer.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : `/${path}`;
}
