/** The keys of a table of words, in their order. */
export function keysOf<Key extends string>(table: Readonly<Partial<Record<Key, unknown>>>): Key[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a table of words has no keys but its own
  return Object.keys(table) as Key[];
}
