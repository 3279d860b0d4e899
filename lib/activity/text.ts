/** Counts code points, as databases do, so that an emoji is one character. */
export function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  return text.length > 2 * characters || Array.from(text).length > characters;
}

/** Truncates a text to a number of code points. */
export function truncate(text: string, characters: number): string {
  return isLongerThan(text, characters)
    ? Array.from(text.slice(0, 2 * characters))
        .slice(0, characters)
        .join('')
    : text;
}

/** Whether every database can store the text: it has no NUL and no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Replaces characters that cannot be stored by U+FFFD, the replacement character. */
export function sanitize(text: string): string {
  return isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\uFFFD');
}
