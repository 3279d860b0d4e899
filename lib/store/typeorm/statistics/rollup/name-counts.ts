// How often a visit did what, but for views, as its row has it: `,bought:1,search:2,`.

/** Characters; a visit of more is taken for one of too many activities. */
export const MAX_DOINGS = 4000;

/** What stands there of a name, however often it was done. */
export function markOf(name: string): string {
  return `,${encodeURIComponent(name)}:`;
}

export function doingsOf(counts: Map<string, number>): string | null {
  const marked = [...counts].map(([name, count]) => markOf(name) + count);
  return marked.length > 0 ? `${marked.join('')},` : null;
}

export function countsIn(doings: string): [name: string, count: number][] {
  return doings
    .slice(1, -1)
    .split(',')
    .map((marked) => {
      const [name = '', count] = marked.split(':');
      return [decodeURIComponent(name), Number(count)];
    });
}
