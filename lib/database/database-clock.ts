import type { DataSource, QueryRunner } from 'typeorm';
import { monotonicClock } from '../time/clock.js';
import { driverOf } from './driver.js';

/** Milliseconds between two questions. */
const PAUSE = 60_000;
/** Differences up to this, in milliseconds, may be the network's. */
const TOLERANCE = 2000;

/** The database's clock, which is the one that all instances have in common. It is asked once a minute. */
export class DatabaseClock {
  private readonly sql: string | undefined;
  private measured: { at: number; date: number } | undefined;

  constructor(
    dataSource: DataSource,
    private readonly clock = monotonicClock,
  ) {
    this.sql = driverOf(dataSource)?.now;
  }

  /** To be called now and then by who has a connection. */
  async measure(runner: QueryRunner): Promise<void> {
    const before = this.clock.now();
    if (!this.sql || (this.measured && before - this.measured.at < PAUSE)) return;
    const [row]: { now: string | number }[] = await runner.query(`SELECT ${this.sql} AS now`);
    // Halfway between question and answer.
    this.measured = { at: (before + this.clock.now()) / 2, date: Number(row?.now) };
  }

  /** @returns milliseconds that it is ahead of this machine's; 0 if that is little, or not known */
  ahead(): number {
    if (!this.measured) return 0;
    const ahead = this.measured.date + (this.clock.now() - this.measured.at) - Date.now();
    return Math.abs(ahead) > TOLERANCE ? Math.round(ahead) : 0;
  }
}
