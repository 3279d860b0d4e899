/** What may be drawn, each with its weight. */
export type Weighted<T> = readonly (readonly [T, number])[];

/** Mulberry32: chance enough for made-up visitors, and the same seed gives the same ones. */
export class Random {
  constructor(private state: number) {}

  /** From 0 to 1, without 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return this.weighted(from.map((value) => [value, 1]));
  }

  /** @throws Error where there is nothing to draw from */
  weighted<T>(from: Weighted<T>): T {
    let left = this.next() * from.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of from) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new Error('there is nothing to draw from');
  }

  /** As the ids of sessions and visits are: letters, digits, - and _. */
  key(length: number): string {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return Array.from({ length }, () => characters[this.between(0, 63)]).join('');
  }
}
