import { randomUUID } from 'node:crypto';
import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings as EngineSettings,
  createClient,
} from '@clickhouse/client';
import { IncidentLog } from '../../diagnostics/incident-log.js';
import { monotonicClock } from '../../time/clock.js';
import { AbandonedError, cancellation, onAbort } from '../cancellation.js';
import { LateError, NARROW, UnavailableError } from '../unavailable.error.js';
import type { ClickHouseSettings } from './clickhouse.options.js';
import { classifyFailure } from './failure.js';
import { text } from './sql.js';
import { ACTIVITY, SESSION, SIGNING_KEY, STATE, VISIT } from './tables.js';
import { DAY } from '../../time/units.js';

/** The log text if a query fails. */
export const UNREADABLE = 'what is stored cannot be read';

/** Lists of ids make statements longer than ClickHouse accepts by default. */
const STATEMENT: EngineSettings = {
  max_query_size: '16777216',
  max_ast_elements: '1000000',
  max_expanded_ast_elements: '1000000',
  // Without it, an insert is acknowledged before it is written.
  async_insert: 0,
  output_format_json_quote_64bit_integers: 0,
  // `NULL IN (NULL)` is not true, as in standard SQL.
  transform_null_in: 0,
  join_use_nulls: 1,
  // `toString(id) AS id` is not meant by `WHERE id = …`.
  prefer_column_name_to_alias: 1,
  // A statement that reads a table twice sees the same rows of it.
  enable_shared_storage_snapshot_in_query: 1,
  // Wait until all replicas have executed a deletion.
  mutations_sync: '2',
  lightweight_deletes_sync: '2',
};

/** Milliseconds after the time limit in which the server ends a statement by itself; then the request is aborted. */
const GRACE = 500;
/** Milliseconds in which the server is asked to end a statement. */
const MAX_KILL = 5000;
/** The longest that one statement of a command may take. */
const MAX_DURATION = DAY;

/** The limits of a statement. */
export interface StatementLimits {
  /** Gives the statement up. */
  signal?: AbortSignal | undefined;
  /** Milliseconds. */
  timeout?: number;
}

export interface ReadLimits {
  /** The log text if it fails; `null` logs nothing. */
  symptom?: string | null;
  /** Milliseconds for all of the work. */
  timeout?: number;
}

/** Talks to the ClickHouse server. */
export class Server {
  readonly incidents = new IncidentLog();
  private readonly client: ClickHouseClient;
  /** Gives up whatever is under way. */
  private readonly closing = new AbortController();

  /** @param timeout milliseconds that a question may take */
  constructor(
    readonly settings: ClickHouseSettings,
    private readonly timeout: number,
    connections: number,
  ) {
    const { url, database, username, password, client } = settings;
    this.client = createClient({
      max_open_connections: connections,
      request_timeout: MAX_DURATION,
      ...client,
      url,
      database,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      log: { level: ClickHouseLogLevel.OFF },
      application: 'nestjs-djaffar',
      clickhouse_settings: { ...client.clickhouse_settings, ...STATEMENT },
    });
  }

  get isOpen(): boolean {
    return !this.closing.signal.aborted;
  }

  /** The rows of a `SELECT` without `FORMAT`. */
  async query<T>(sql: string, limits: StatementLimits = {}): Promise<T[]> {
    const query_id = randomUUID();
    return this.bounded(limits, async (abort_signal, clickhouse_settings) => {
      const stop = onAbort(abort_signal, () => this.kill(query_id));
      try {
        const result = await this.client.query({
          query: sql,
          format: 'JSONEachRow',
          abort_signal,
          clickhouse_settings,
          query_id,
        });
        return await result.json<T>();
      } finally {
        stop();
      }
    });
  }

  /** Returns the time of the server in milliseconds since 1970. */
  async findNow(limits: StatementLimits = {}): Promise<number> {
    const [row] = await this.query<{ now: number }>('SELECT toUnixTimestamp64Milli(now64(3)) AS now', limits);
    if (!row) throw new Error('the server did not return its time');
    return row.now;
  }

  async command(sql: string, limits: StatementLimits = {}, settings: EngineSettings = {}): Promise<void> {
    await this.bounded(limits, async (abort_signal, bounds) => {
      await this.client.command({
        query: sql,
        abort_signal,
        clickhouse_settings: { ...bounds, ...settings },
      });
    });
  }

  /**
   * Inserts rows durably, in one block: all or none.
   * @param token nothing is inserted if the table has got rows with this token; without it, the same rows can be inserted again
   */
  async insert(
    table: string,
    rows: readonly object[],
    limits: StatementLimits = {},
    token?: string,
  ): Promise<void> {
    await this.bounded(limits, async (abort_signal, bounds) => {
      const { replicated } = this.settings;
      await this.client.insert({
        table,
        values: [...rows],
        format: 'JSONEachRow',
        abort_signal,
        clickhouse_settings: {
          ...bounds,
          // Several pieces of text would become several blocks, which are stored separately.
          input_format_parallel_parsing: 0,
          max_insert_block_size: '1048576',
          // Without a token, the same rows would count as sent twice, but erased rows must be stored again.
          insert_deduplicate: token === undefined ? 0 : 1,
          ...(token !== undefined && { insert_deduplication_token: token }),
          wait_end_of_query: 1,
          ...(replicated && {
            insert_quorum: 'auto',
            insert_quorum_timeout: Math.ceil(Math.min(limits.timeout ?? MAX_DURATION, MAX_DURATION)),
          }),
        },
      });
    });
  }

  /** Waits until the queried replica has everything that the others have acknowledged. */
  async sync(
    limits?: StatementLimits,
    tables = [ACTIVITY, SESSION, VISIT, STATE, SIGNING_KEY],
  ): Promise<void> {
    if (!this.settings.replicated) return;
    for (const table of tables) await this.command(`SYSTEM SYNC REPLICA ${table} LIGHTWEIGHT`, limits);
  }

  /**
   * Runs statements for a caller who waits, by default within the time for a question.
   * @throws UnavailableError
   */
  async ask<T>(
    work: (limits: StatementLimits) => Promise<T>,
    { symptom = UNREADABLE, timeout = this.timeout }: ReadLimits = {},
  ): Promise<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const stop = onAbort(cancellation(), () => controller.abort(new AbandonedError()));
    const end = monotonicClock.now() + timeout;
    const late = (): LateError =>
      new LateError(`the question takes longer than ${Math.round(timeout)} ms; ${NARROW}`);
    const timer = Number.isFinite(timeout)
      ? setTimeout(() => controller.abort(late()), timeout + GRACE).unref()
      : undefined;
    try {
      signal.throwIfAborted();
      return await work({ signal, timeout: Math.max(end - monotonicClock.now(), 1) });
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      const unavailable = this.toUnavailable(cause, symptom);
      throw unavailable ?? cause;
    } finally {
      stop();
      clearTimeout(timer);
    }
  }

  /** Logs a failure of the engine; `undefined` for other errors. */
  toUnavailable(error: unknown, symptom: string | null = UNREADABLE): UnavailableError | undefined {
    if (error instanceof UnavailableError) return error;
    const failure = classifyFailure(error);
    if (!failure || failure.kind === 'data') return undefined;
    if (symptom !== null) this.incidents.failed(symptom, failure, 'warn');
    const advice = failure.advice ? ` (${failure.advice})` : '';
    return new UnavailableError(`the database did not answer: ${failure.reason}${advice}`, {
      cause: error,
      answer: 'the database did not answer',
    });
  }

  /** Gives up whatever is under way, and takes nothing more. */
  abort(): void {
    this.closing.abort(new UnavailableError('the application is shutting down'));
  }

  async close(): Promise<void> {
    this.abort();
    await this.client.close();
  }

  /** Ends a statement that nobody waits for: an aborted request closes only the connection, and the server continues. */
  private kill(queryId: string): void {
    const { cluster } = this.settings;
    const onCluster = cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``;
    const query = `KILL QUERY${onCluster} WHERE query_id = ${text(queryId)} ASYNC`;
    // If it fails, the server ends the statement at its own time limit.
    this.client.command({ query, abort_signal: AbortSignal.timeout(MAX_KILL) }).catch(() => {});
  }

  private async bounded<T>(
    { signal, timeout = MAX_DURATION }: StatementLimits,
    work: (signal: AbortSignal, settings: EngineSettings) => Promise<T>,
  ): Promise<T> {
    const milliseconds = Math.max(Math.min(timeout, MAX_DURATION), 1);
    const controller = new AbortController();
    const giveUp = (reason: unknown): void => controller.abort(reason);
    const { signal: closing } = this.closing;
    const silence = new UnavailableError('the database does not answer');
    const timer = setTimeout(giveUp, milliseconds + GRACE, silence).unref();
    const stops = [signal, closing].map((outer) => onAbort(outer, () => giveUp(outer?.reason)));
    try {
      controller.signal.throwIfAborted();
      return await work(controller.signal, { max_execution_time: milliseconds / 1000 });
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      clearTimeout(timer);
      for (const stop of stops) stop();
    }
  }
}
