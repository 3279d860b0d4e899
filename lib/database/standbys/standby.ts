import type { DataSource, QueryRunner } from 'typeorm';
import { cancelledBy } from '../../store/cancellation.js';
import { UnavailableError } from '../../store/unavailable.error.js';
import { monotonicClock } from '../../time/clock.js';
import { connectionsOf } from '../connections.js';
import { classifyFailure } from '../driver.js';
import type { StandbyPool } from '../driver.types.js';
import { Slots } from '../slots.js';

/** Milliseconds in which a standby must report its position in the log. */
const ANSWER_TIMEOUT = 1000;
/** Milliseconds for which a standby is passed over. */
const PASS_OVER = 10_000;
/** Milliseconds between two checks while it answers a question. */
const CHECK = 1000;

/** A primary, such as a standby that was promoted, has no position: its history may be another one. */
const REPLAYED = `SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END AS replayed`;

/** A standby of the primary, which replays its log. */
export class Standby {
  /** Its check needs no place of a question, so a silent standby keeps no question waiting. */
  private readonly slots = new Slots(1);
  private asking: Promise<bigint | undefined> | undefined;
  private passedOverUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param name for the log
   */
  constructor(
    private readonly dataSource: DataSource,
    private readonly name: string,
    private readonly pool: StandbyPool,
  ) {}

  createRunner(): QueryRunner {
    return this.pool.createRunner();
  }

  /** True if it must get no queries for now. */
  get isPassedOver(): boolean {
    return monotonicClock.now() < this.passedOverUntil;
  }

  passOver(reason: string): void {
    this.passedOverUntil = monotonicClock.now() + PASS_OVER;
    connectionsOf(this.dataSource).incidents.failed(this.symptom, { code: reason, reason }, 'warn');
  }

  /**
   * Returns how far it has replayed the primary's log, in bytes; a later call never returns less. If it does not answer, it is passed
   * over, and this returns `undefined`.
   */
  replayed(): Promise<bigint | undefined> {
    // The callers share the answer, so none of them may cancel it.
    this.asking ??= cancelledBy(new AbortController().signal, () => this.ask()).finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /**
   * Does the work for as long as the standby answers.
   * @throws UnavailableError if it becomes silent
   */
  async whileAnswering<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const silent = new AbortController();
    const check = async (): Promise<void> => {
      if ((await this.replayed()) === undefined)
        silent.abort(new UnavailableError('the standby does not answer'));
    };
    const timer = setInterval(() => void check(), CHECK).unref();
    try {
      return await work(AbortSignal.any([signal, silent.signal]));
    } finally {
      clearInterval(timer);
    }
  }

  private get symptom(): string {
    return `${this.name} answers no questions`;
  }

  private async ask(): Promise<bigint | undefined> {
    const { dataSource } = this;
    const connections = connectionsOf(dataSource);
    try {
      const [row] = await connections.ask(
        (signal) =>
          connections.use(
            ({ runner }): Promise<{ replayed: string | null }[]> => runner.query(REPLAYED),
            signal,
            { standby: this },
          ),
        { timeout: ANSWER_TIMEOUT, slots: this.slots, symptom: null },
      );
      if (row?.replayed != null) {
        if (!this.isPassedOver) connections.incidents.worked(this.symptom);
        return BigInt(row.replayed);
      }
      this.passOver('it is not in recovery, so it is no standby');
    } catch (error) {
      // If one connection is silent, the others probably are too.
      this.pool.destroyIdle();
      this.passOver(classifyFailure(dataSource, error)?.reason ?? String(error));
    }
    return undefined;
  }
}
