import type { DataSource, QueryRunner } from 'typeorm';
import { monotonicClock } from '../time/clock.js';
import { driverOf } from './driver.js';

/** Milliseconds between two measurements. */
const PAUSE = 60_000;
/** Milliseconds; a smaller difference may come from the network. */
const TOLERANCE = 2000;

/** The database's clock, which all instances share. It is read once a minute. */
export class DatabaseClock {
  private readonly sql: string | undefined;
  private measured: { at: number; date: number } | undefined;

  constructor(
    dataSource: DataSource,
    private readonly clock = monotonicClock,
  ) {
    this.sql = driverOf(dataSource)?.now;
  }

  /** Reads the clock if the last measurement is old. */
  async measure(runner: QueryRunner): Promise<void> {
    const before = this.clock.now();
    if (!this.sql || (this.measured && before - this.measured.at < PAUSE)) return;
    const [row]: { now: string | number }[] = await runner.query(`SELECT ${this.sql} AS now`);
    // The middle of the query's time.
    this.measured = { at: (before + this.clock.now()) / 2, date: Number(row?.now) };
  }

  /** Returns the milliseconds that it is ahead of this machine's clock; 0 if the difference is small or unknown. */
  ahead(): number {
    if (!this.measured) return 0;
    const ahead = this.measured.date + (this.clock.now() - this.measured.at) - Date.now();
    return Math.abs(ahead) > TOLERANCE ? Math.round(ahead) : 0;
  }
}
