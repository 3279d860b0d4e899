import { LRUCache } from 'lru-cache';

/** Characters. RFC 5646 asks for room for this many. */
export const MAX_LANGUAGE = 35;

/** Longer headers are read up to here. */
const MAX_HEADER = 256;

/** Tags by their text: to parse one takes some microseconds, and most visitors send one of a few. */
const known = new LRUCache<string, { tag: string | null }>({
  max: 500,
  memoMethod: (tag) => ({ tag: parseTag(tag) }),
});

/** Returns the language that a browser prefers: the first of its `Accept-Language` header, such as `en-US`. */
export function parseLanguage(header: string | undefined): string | null {
  const [first = ''] = (header ?? '').slice(0, MAX_HEADER).split(/[,;]/, 1);
  return storedLanguage(first);
}

/**
 * Returns a BCP 47 tag in its canonical form, without extensions and private parts, which could be anything.
 * @returns `null` if it is none, such as `*`
 */
export function storedLanguage(tag: unknown): string | null {
  if (typeof tag !== 'string') return null;
  const trimmed = tag.trim();
  return trimmed === '' || trimmed.length > MAX_HEADER ? null : known.memo(trimmed).tag;
}

function parseTag(tag: string): string | null {
  try {
    const [canonical = ''] = Intl.getCanonicalLocales(tag);
    const { baseName } = new Intl.Locale(canonical);
    return /^und\b/.test(baseName) || baseName.length > MAX_LANGUAGE ? null : baseName;
  } catch {
    return null;
  }
}
