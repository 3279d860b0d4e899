import type { DataSource } from 'typeorm';
import { monotonicClock } from '../../time/clock.js';
import { connectionsOf } from '../connections.js';
import { onPrimary } from '../primary.js';

/** Milliseconds. A standby that is further behind answers no question. */
export const MAX_LAG = 30_000;
/** Milliseconds between two positions that are kept. */
const PITCH = 100;

/** The end of the primary's log at a moment: a standby that has replayed it has everything that was committed before. */
export interface LogPosition {
  /** Milliseconds since 1970, by the primary's clock. */
  time: number;
  /** Bytes of the log. */
  end: bigint;
}

interface Noted extends LogPosition {
  /** By the monotonic clock. */
  notedAt: number;
}

/**
 * The time is read before the position, so everything that was committed before that time is in the log. If a page of the log has only its
 * header
 * yet, which no record ends, the position is the end of the page before it: a standby replays records.
 */
const POSITION = `
  SELECT
    floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint AS time,
    (bytes - CASE WHEN bytes % current_setting('wal_block_size')::bigint = 24 THEN 24 ELSE 0 END)::bigint AS end
  FROM (SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes) log`;

/** Positions of the primary's log, of the last {@link MAX_LAG} milliseconds. */
export class LogPositions {
  /** The oldest first. */
  private noted: Noted[] = [];

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Asks the primary for its current position.
   * @param deadline by the monotonic clock
   */
  async note(deadline: number): Promise<LogPosition> {
    const notedAt = monotonicClock.now();
    const [row] = await connectionsOf(this.dataSource).ask(
      (signal) =>
        onPrimary(
          this.dataSource,
          (_, runner): Promise<{ time: string; end: string }[]> => runner.query(POSITION),
          signal,
        ),
      { deadline, subject: null },
    );
    if (!row) throw new Error('a SELECT without a table has one row');
    const position = { time: Number(row.time), end: BigInt(row.end), notedAt };
    this.keep(position);
    return position;
  }

  /** Returns the latest position that was replayed; `undefined` if none of the last {@link MAX_LAG} milliseconds was. */
  latestReplayed(replayed: bigint): LogPosition | undefined {
    const oldest = monotonicClock.now() - MAX_LAG;
    return this.noted.findLast(({ end, notedAt }) => notedAt >= oldest && end <= replayed);
  }

  /** Whether a position that is older than {@link MAX_LAG} was not replayed yet. */
  isFarBehind(replayed: bigint): boolean {
    const oldest = monotonicClock.now() - MAX_LAG;
    return this.noted.some(({ end, notedAt }) => notedAt < oldest && end > replayed);
  }

  private keep(position: Noted): void {
    const { noted } = this;
    // Replies may arrive in another order.
    const at = noted.findLastIndex(({ notedAt }) => notedAt <= position.notedAt) + 1;
    const before = noted[at - 1];
    if (before && position.notedAt - before.notedAt < PITCH) return;
    noted.splice(at, 0, position);
    // The last older one stays, to detect standbys that are far behind.
    const young = noted.findIndex(({ notedAt }) => notedAt >= position.notedAt - MAX_LAG);
    if (young > 1) noted.splice(0, young - 1);
  }
}
