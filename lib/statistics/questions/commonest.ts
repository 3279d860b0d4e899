/** So many of the commonest, and all that are as common as the last of them: their paths decide. */
export function commonest(counts: Map<number, number>, limit: number): number[] {
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  const least = ordered[limit - 1]?.[1] ?? 0;
  return ordered.filter(([, count]) => count >= least).map(([number]) => number);
}

/** By code points, as the databases do; none comes last. */
export function byText(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
