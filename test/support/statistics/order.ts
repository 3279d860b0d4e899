/** Compares code points, which is the order of UTF-8 bytes. */
export function byText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function nullFirst(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  return byText(a, b);
}

export function nullLast(a: string | null, b: string | null): number {
  return a === null || b === null ? -nullFirst(a, b) : byText(a, b);
}
