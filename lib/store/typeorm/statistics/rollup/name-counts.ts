// Number of activities per name, except views, as stored in the visit row: `,bought:1,search:2,`.

/** Characters. A visit with more is treated as oversized. */
export const MAX_NAME_COUNTS = 4000;

/** Returns the text that each row with the name contains. */
export function encodedKey(name: string): string {
  return `,${encodeURIComponent(name)}:`;
}

export function encodeNameCounts(counts: Map<string, number>): string | null {
  const marked = [...counts].map(([name, count]) => encodedKey(name) + count);
  return marked.length > 0 ? `${marked.join('')},` : null;
}

export function decodeNameCounts(nameCounts: string): [name: string, count: number][] {
  return nameCounts
    .slice(1, -1)
    .split(',')
    .map((marked) => {
      const [name = '', count] = marked.split(':');
      return [decodeURIComponent(name), Number(count)];
    });
}
