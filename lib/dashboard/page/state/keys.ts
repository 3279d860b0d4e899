/** Returns the keys of an object literal, in their order. */
export function typedKeys<Key extends string>(table: Readonly<Partial<Record<Key, unknown>>>): Key[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object literal has no other keys
  return Object.keys(table) as Key[];
}
