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

interface AskedPosition extends LogPosition {
  /** By the monotonic clock. */
  askedAt: number;
}

/**
 * The time is read before the position, so everything that was committed before that time is in the log. A position behind the header
 * of a page (24 bytes, 40 at the start of a file), which no record ends, is that of the page: a standby replays records.
 */
const POSITION = `
  SELECT
    floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint AS time,
    (bytes - CASE
      WHEN bytes % pg_size_bytes(current_setting('wal_segment_size')) = 40 THEN 40
      WHEN bytes % current_setting('wal_block_size')::bigint = 24 THEN 24
      ELSE 0
    END)::bigint AS end
  FROM (SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes) log`;

/** Positions of the primary's log, of the last {@link MAX_LAG} milliseconds. */
export class LogPositions {
  /** The oldest first. */
  private positions: AskedPosition[] = [];

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Asks the primary for its current position.
   * @param deadline by the monotonic clock
   */
  async record(deadline: number): Promise<LogPosition> {
    const askedAt = monotonicClock.now();
    const [row] = await connectionsOf(this.dataSource).ask(
      (signal) =>
        onPrimary(
          this.dataSource,
          (_, runner): Promise<{ time: string; end: string }[]> => runner.query(POSITION),
          signal,
        ),
      { deadline, symptom: null },
    );
    if (!row) throw new Error('a SELECT without a table has one row');
    const position = { time: Number(row.time), end: BigInt(row.end), askedAt };
    this.keep(position);
    return position;
  }

  /** True if no position of the primary is known yet. */
  get isEmpty(): boolean {
    return this.positions.length === 0;
  }

  /** Returns the latest position that was replayed; `undefined` if none was that is at most `maxAge` milliseconds old. */
  latestReplayed(replayed: bigint, maxAge = MAX_LAG): LogPosition | undefined {
    const oldest = monotonicClock.now() - maxAge;
    return this.positions.findLast(({ end, askedAt }) => askedAt >= oldest && end <= replayed);
  }

  /** Whether a position that is older than {@link MAX_LAG} was not replayed yet. */
  isFarBehind(replayed: bigint): boolean {
    const oldest = monotonicClock.now() - MAX_LAG;
    return this.positions.some(({ end, askedAt }) => askedAt < oldest && end > replayed);
  }

  private keep(position: AskedPosition): void {
    const { positions } = this;
    // Replies may arrive in another order.
    const at = positions.findLastIndex(({ askedAt }) => askedAt <= position.askedAt) + 1;
    const before = positions[at - 1];
    if (before && position.askedAt - before.askedAt < PITCH) return;
    positions.splice(at, 0, position);
    // The last older one stays, to detect standbys that are far behind.
    const young = positions.findIndex(({ askedAt }) => askedAt >= position.askedAt - MAX_LAG);
    if (young > 1) positions.splice(0, young - 1);
  }
}
