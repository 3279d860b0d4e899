/**
 * Caches data that the activities of one page share, such as their sessions. Most of them recur in the next page; looking up the rest costs
 * less than a larger cache.
 */
export class PageCache<T> {
  private cached = new Map<string, T>();

  /** @param find looks up the keys that are not cached */
  async of(
    keys: Iterable<string | null>,
    find: (missing: string[]) => Promise<Iterable<[string, T]>>,
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    const missing = new Set<string>();
    for (const key of keys) {
      if (key === null || found.has(key)) continue;
      const value = this.cached.get(key);
      if (value) found.set(key, value);
      else missing.add(key);
    }
    if (missing.size > 0) for (const [key, value] of await find([...missing])) found.set(key, value);
    this.cached = found;
    return found;
  }
}
