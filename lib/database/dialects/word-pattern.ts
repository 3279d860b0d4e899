/** Returns a regular expression that matches any of the words at the beginning or after one of the characters. */
export function wordPattern(words: string[], before: string): string {
  return `(^|[${before}])(${words.map((word) => word.replaceAll('+', '[+]')).join('|')})`;
}
