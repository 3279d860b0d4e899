import { monotonicClock } from '../time/clock.js';

/**
 * Remembers recently added ids, for at least half of the time and at most all of it. Old ids are dropped together, so that
 * memory depends on new ids only; a cache that drops single entries keeps old ones until it is full.
 */
export class RecentIds {
  private current = new Set<string>();
  private previous = new Set<string>();
  private turnedAt = -Infinity;

  /**
   * @param time in milliseconds
   * @param max how many there are at most
   */
  constructor(
    private readonly time: number,
    private readonly max: number,
    private readonly clock = monotonicClock,
  ) {}

  add(id: string): void {
    this.turn();
    this.current.add(id);
  }

  has(id: string): boolean {
    this.turn();
    return this.current.has(id) || this.previous.has(id);
  }

  clear(): void {
    this.current.clear();
    this.previous.clear();
  }

  private turn(): void {
    const now = this.clock.now();
    const age = now - this.turnedAt;
    if (age < this.time / 2 && this.current.size < this.max / 2) return;
    this.previous = age < this.time ? this.current : new Set();
    this.current = new Set();
    this.turnedAt = now;
  }
}
