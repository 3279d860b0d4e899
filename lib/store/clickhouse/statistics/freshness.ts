import type { RollupSettings } from '../../../options/store.options.js';
import { HOUR, MINUTE } from '../../../time/units.js';
import { monotonicClock } from '../../../time/clock.js';
import { UnavailableError } from '../../unavailable.error.js';
import type { DirtyVisits } from '../dirty-visits.js';
import type { Duplicates } from '../duplicates.js';
import { classifyFailure } from '../failure.js';
import type { Server, StatementLimits } from '../server.js';
import type { Sessions } from '../sessions.js';
import { lists, text } from '../sql.js';
import { ACTIVITY, DIRTY_VISIT, STATE } from '../tables.js';
import { rebuildAllVisits, rebuildVisits } from './visit-builder.js';
import { selectListed } from './visit-selection.js';
import { withTimeLimit } from '../../../time/time-limit.js';

/** Milliseconds from the `writtenAt` of a row until others see the row, at most. */
const MAX_WRITE = 2 * MINUTE;
/** How many visits one statement rebuilds by a list of ids, and up to how many visits such lists are used. */
const LISTED = 5000;
const MAX_LISTED = 100_000;
/** Milliseconds between two background updates, and between two writes of the state. */
const PAUSE = 5000;
/** Milliseconds after which marks of dirty visits are removed: the process that marked them must have ended by then. */
const ABANDONED = 25 * HOUR;
/** Milliseconds after which marks of a claim are removed, from when the server takes its change no more. */
const ABANDONED_CLAIM = 15 * MINUTE;
/** For how many times its duration the rebuild of a marked change is not repeated. */
const PAUSE_FACTOR = 10;

const SYMPTOM = 'the statistics cannot be brought up to date';
const STATE_OF_VISITS = 'visits';

/**
 * Keeps the visits up to date. An update removes duplicates, and rebuilds the visits whose activities were written since two minutes
 * before the last update, if their rows have changed. It may run twice, or on several instances at once.
 */
export class Freshness {
  /** Milliseconds since 1970, by the server's clock: activities that were written before are in the visits. */
  private upToDate: number | undefined;
  /** The value of `upToDate` in the state table. */
  private storedUpToDate = 0;
  /** When `storedUpToDate` was read. */
  private loadedAt = Number.NEGATIVE_INFINITY;
  /** By id of recently written visits: a hash of the new rows at the last rebuild. */
  private rebuilt = new Map<string, string>();
  private rebuiltSince = 0;
  /** When the state may be discarded again. */
  private forgetAgainAt = Number.NEGATIVE_INFINITY;
  /** Until when a marked change is not rebuilt again, by the monotonic clock. */
  private readonly pausedUntil = new Map<string, number>();
  private running: Promise<number> | undefined;
  private next: Promise<number> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly server: Server,
    private readonly duplicates: Duplicates,
    private readonly dirtyVisits: DirtyVisits,
    private readonly sessions: Sessions,
    private readonly settings: Pick<RollupSettings, 'maxWait' | 'background'>,
  ) {}

  /** Returns the age of the oldest row that no update has processed, and the server's clock, in milliseconds. */
  async findLag(limits: StatementLimits): Promise<{ lag: number; now: number }> {
    const [row] = await this.server.query<{ lag: number; now: number }>(
      `WITH (SELECT max(value) FROM ${STATE} WHERE name = ${text(STATE_OF_VISITS)}) AS upToDate,
        toUnixTimestamp64Milli(now64(3)) AS clock
      SELECT clock AS now, if(count() = 0, 0, greatest(0, clock - min(writtenAt))) AS lag
      FROM ${ACTIVITY} WHERE writtenAt >= upToDate`,
      limits,
    );
    return row ?? { lag: 0, now: Date.now() };
  }

  start(): void {
    if (!this.settings.background || this.isStopped) return;
    this.timer = setTimeout(() => {
      void this.update()
        .catch(() => {})
        .finally(() => this.start());
    }, PAUSE).unref();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.running?.catch(() => {});
  }

  /**
   * Waits until the visits contain everything that was committed before the call, at most for `statistics.maxWait`.
   * @returns milliseconds since 1970: the visits contain everything that was committed before
   * @throws UnavailableError if they were never computed
   */
  async catchUp(): Promise<number> {
    const { maxWait } = this.settings;
    const update = this.update();
    if (maxWait === Number.POSITIVE_INFINITY) return update;
    const asOf = await withTimeLimit(maxWait, update, () => undefined, true);
    if (asOf !== undefined) return asOf;
    update.catch(() => {});
    await this.loadState();
    if (this.upToDate !== undefined) return this.upToDate;
    throw new UnavailableError('the statistics are being computed for the first time');
  }

  /** Removes recent duplicates. Must be called after a read that must not contain any. */
  async removeDuplicates(limits?: StatementLimits): Promise<number> {
    if (monotonicClock.now() - this.loadedAt > MINUTE) await this.loadState();
    return this.duplicates.remove(this.windowStart, limits);
  }

  /** Updates the visits. If an update is running, another one follows, because the running one may not see the latest commits. */
  update(): Promise<number> {
    if (!this.running) return this.begin();
    this.next ??= this.running.catch(() => {}).then(() => this.begin());
    return this.next;
  }

  private begin(): Promise<number> {
    this.next = undefined;
    this.running = this.run()
      .then((asOf) => {
        this.server.incidents.worked(SYMPTOM);
        return asOf;
      })
      .catch((error: unknown) => {
        const failure = classifyFailure(error);
        if (failure && this.server.isOpen) this.server.incidents.failed(SYMPTOM, failure, 'warn');
        throw error;
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async run(): Promise<number> {
    await this.server.sync();
    const now = await this.loadState();
    if ((this.upToDate ?? 0) > now + MAX_WRITE) await this.forgetFuture(now);
    const since = this.windowStart;
    await this.duplicates.remove(since);
    if (since === 0) await rebuildAllVisits(this.server, since);
    else await this.rebuildWritten(since);
    await this.rebuildAbandoned(now);
    this.upToDate = now;
    if (now - this.storedUpToDate > PAUSE) {
      await this.server.command(
        `INSERT INTO ${STATE} (name, value) VALUES (${text(STATE_OF_VISITS)}, ${now})`,
        {},
        { async_insert: 0 },
      );
      this.storedUpToDate = now;
    }
    return now;
  }

  /** @returns the server's clock */
  private async loadState(): Promise<number> {
    const [row] = await this.server.query<{ now: number; stored: number }>(
      `SELECT toUnixTimestamp64Milli(now64(3)) AS now, max(value) AS stored FROM ${STATE} WHERE name = ${text(STATE_OF_VISITS)}`,
    );
    const { now = 0, stored = 0 } = row ?? {};
    this.storedUpToDate = stored;
    this.loadedAt = monotonicClock.now();
    if (stored > 0) this.upToDate = Math.max(this.upToDate ?? 0, stored);
    return now;
  }

  /**
   * Has all visits computed anew, because the server's clock was set back: rows that are written until it has caught up would never be in
   * the visits.
   */
  private async forgetFuture(now: number): Promise<void> {
    // Another instance has done it.
    if (this.storedUpToDate <= now + MAX_WRITE) {
      this.upToDate = this.storedUpToDate || undefined;
      return;
    }
    // Clocks of replicas that differ would otherwise cause it again and again.
    if (monotonicClock.now() < this.forgetAgainAt) return;
    this.forgetAgainAt = monotonicClock.now() + HOUR;
    await this.server.command(
      `DELETE FROM ${STATE} WHERE name = ${text(STATE_OF_VISITS)} AND value > ${now}`,
    );
    this.upToDate = undefined;
    this.storedUpToDate = 0;
  }

  /** In whole minutes, so that it does not change with each update. */
  private get windowStart(): number {
    const since = (this.upToDate ?? 0) - MAX_WRITE;
    return Math.max(since - (since % MINUTE), 0);
  }

  private async rebuildWritten(since: number): Promise<void> {
    const written = await this.server.query<{ visitId: string; written: string }>(
      `SELECT visitId, toString(sum(cityHash64(id, writeId))) AS written FROM ${ACTIVITY}
      WHERE writtenAt >= ${since} AND visitId != '' GROUP BY visitId LIMIT ${MAX_LISTED + 1}
      SETTINGS max_rows_to_group_by = ${MAX_LISTED}, group_by_overflow_mode = 'break'`,
    );
    if (written.length > MAX_LISTED) {
      await rebuildAllVisits(this.server, since);
      return;
    }
    const known = this.rebuiltSince === since ? this.rebuilt : new Map<string, string>();
    const changed = written.filter(({ visitId, written: rows }) => known.get(visitId) !== rows);
    for (const some of lists(changed, LISTED)) {
      const ids = some.map(({ visitId }) => visitId);
      await rebuildVisits(this.server, selectListed(ids));
    }
    this.rebuilt = new Map(written.map(({ visitId, written: rows }) => [visitId, rows]));
    this.rebuiltSince = since;
  }

  /**
   * Rebuilds all marked visits: the process that marked them may be dead, or still at work. A change is not rebuilt again for ten times as
   * long as that took. Marks are removed after a last rebuild when no statement should be at work any more.
   */
  private async rebuildAbandoned(now: number): Promise<void> {
    const changes = await this.server.query<{ change: string; isClaim: boolean; keptUntil: number }>(
      `SELECT toString(change) AS change, max(claimUntil) > 0 AS isClaim,
        if(isClaim, max(claimUntil) + ${ABANDONED_CLAIM}, max(markedAt) + ${ABANDONED}) AS keptUntil
      FROM ${DIRTY_VISIT} GROUP BY change`,
    );
    const marked = new Set(changes.map(({ change }) => change));
    for (const change of this.pausedUntil.keys()) if (!marked.has(change)) this.pausedUntil.delete(change);
    for (const { change, isClaim, keptUntil } of changes) {
      const begun = monotonicClock.now();
      if (begun < (this.pausedUntil.get(change) ?? 0)) continue;
      try {
        await this.dirtyVisits.rebuild(change);
        // It may have erased the last activities of these sessions; a claim erases none.
        if (!isClaim) await this.sessions.deleteUnused(await this.dirtyVisits.findSessions(change));
      } finally {
        const end = monotonicClock.now();
        this.pausedUntil.set(change, end + PAUSE_FACTOR * (end - begun));
      }
      if (now <= keptUntil) continue;
      if (!isClaim) await this.dirtyVisits.removeOldRows(change);
      await this.dirtyVisits.unmark(change);
    }
  }
}
