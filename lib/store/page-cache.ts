/**
 * What activities have in common, such as their session: what the latest page had, where most of the next page's is. What
 * is kept for longer costs more than to look it up again.
 */
export class Latest<T> {
  private known = new Map<string, T>();

  /** @param find what is not known */
  async of(
    keys: Iterable<string | null>,
    find: (missing: string[]) => Promise<Iterable<[string, T]>>,
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    const missing = new Set<string>();
    for (const key of keys) {
      if (key === null || found.has(key)) continue;
      const value = this.known.get(key);
      if (value) found.set(key, value);
      else missing.add(key);
    }
    if (missing.size > 0) for (const [key, value] of await find([...missing])) found.set(key, value);
    this.known = found;
    return found;
  }
}
