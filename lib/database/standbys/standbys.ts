import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { AbandonedError } from '../../store/cancellation.js';
import { TooSlowError, UnavailableError } from '../../store/unavailable.error.js';
import { monotonicClock } from '../../time/clock.js';
import { connectionsOf } from '../connections.js';
import { driverOf, classifyFailure } from '../driver.js';
import { LogPositions, MAX_LAG } from './log-positions.js';
import { Standby } from './standby.js';

/** Milliseconds between two checks of a standby's position. */
const POLL = 10;
/** The log text. */
const UNKNOWN =
  'the primary does not return the position of its log: standbys answer as of the last known one, if they have it';

/** The standby that answers, and how current its data are. */
export interface AnsweringStandby {
  standby: Standby;
  /** It has everything that was committed before: milliseconds since 1970, by the primary's clock. */
  hasUntil: number;
  /** True if it has everything that was committed before the query. */
  isUpToDate: boolean;
}

/** How long to wait for a standby. Both times are by the monotonic clock. */
interface Patience {
  /** The end of the wait for a standby that is behind. */
  until: number;
  /** The end of the time for everything. */
  deadline: number;
}

/** The standbys of a data source, for questions that may be answered by one. */
export class Standbys {
  private readonly all: Standby[];
  private readonly positions: LogPositions;
  /** The index of the standby that gets the next query. */
  private next = 0;

  constructor(private readonly dataSource: DataSource) {
    const pools = driverOf(dataSource)?.standbyPools?.(dataSource) ?? [];
    this.all = pools.map((pool, i) => new Standby(dataSource, `standby ${i + 1}`, pool));
    this.positions = new LogPositions(dataSource);
  }

  /**
   * Waits for a standby that has everything that is committed now; when the time is over, or if the primary does not answer, returns
   * the one with the most. Standbys take turns.
   * @returns `undefined` if the primary must answer: each standby is down, silent or far behind
   */
  async choose({ until, deadline }: Patience): Promise<AnsweringStandby | undefined> {
    const { all, positions } = this;
    if (all.length === 0) return undefined;
    const { incidents } = connectionsOf(this.dataSource);
    let current;
    try {
      // With a position that is known, a standby can answer although the primary is silent.
      current = await positions.record(positions.isEmpty ? deadline : Math.min(until, deadline));
      incidents.worked(UNKNOWN);
    } catch (error) {
      if (error instanceof AbandonedError) throw error;
      const reason = classifyFailure(this.dataSource, error)?.reason ?? String(error);
      incidents.failed(UNKNOWN, { code: reason, reason }, 'warn');
      return this.chooseWithoutPrimary();
    }
    for (;;) {
      let best: AnsweringStandby | undefined;
      for (const standby of this.rotate()) {
        const replayed = standby.isPassedOver ? undefined : await standby.replayed();
        if (replayed === undefined) continue;
        if (replayed >= current.end) return { standby, hasUntil: current.time, isUpToDate: true };
        if (positions.isFarBehind(replayed)) standby.passOver(`it is more than ${MAX_LAG / 1000} s behind`);
        const latest = positions.latestReplayed(replayed);
        if (latest && latest.time > (best?.hasUntil ?? 0))
          best = { standby, hasUntil: latest.time, isUpToDate: false };
      }
      if (monotonicClock.now() >= Math.min(until, deadline)) return best;
      if (all.every(({ isPassedOver }) => isPassedOver)) return undefined;
      await wait(POLL);
    }
  }

  /** Nothing is committed while the primary is down, so a standby is as current as the last position that it has, however old. */
  private async chooseWithoutPrimary(): Promise<AnsweringStandby | undefined> {
    let best: AnsweringStandby | undefined;
    for (const standby of this.rotate()) {
      const replayed = standby.isPassedOver ? undefined : await standby.replayed();
      const latest = replayed === undefined ? undefined : this.positions.latestReplayed(replayed, Infinity);
      if (latest && latest.time > (best?.hasUntil ?? 0))
        best = { standby, hasUntil: latest.time, isUpToDate: false };
    }
    return best;
  }

  private rotate(): Standby[] {
    const { all } = this;
    this.next = (this.next + 1) % all.length;
    return [...all.slice(this.next), ...all.slice(0, this.next)];
  }
}

/** True if the primary may answer instead: the standby lost the connection, or the replay conflicts with the query. */
export function mayPrimaryAnswer(dataSource: DataSource, error: unknown): boolean {
  if (error instanceof AbandonedError || error instanceof TooSlowError) return false;
  if (error instanceof UnavailableError) return true;
  const failure = classifyFailure(dataSource, error);
  return failure !== undefined && failure.kind !== 'data' && !failure.isTooSlow;
}
