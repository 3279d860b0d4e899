/** Characters are counted as databases count them: by code points, so that an emoji is one. */
export function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  return text.length > 2 * characters || Array.from(text).length > characters;
}

/** Cuts at a whole character. */
export function cut(text: string, characters: number): string {
  return isLongerThan(text, characters)
    ? Array.from(text.slice(0, 2 * characters))
        .slice(0, characters)
        .join('')
    : text;
}

/** Whether every database can store it: no NUL and no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** What cannot be stored becomes U+FFFD, the replacement character. */
export function makeStorable(text: string): string {
  return isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\uFFFD');
}
