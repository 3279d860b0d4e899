import type { DataSourceOptions } from 'typeorm';
import type { Store } from '../store/store.js';
import type { PrivacyOptions } from './privacy.options.js';

/** Limits for writing activities. */
export interface WriterSettings {
  /**
   * How many activities may wait; more are refused at once.
   * @defaultValue 10_000
   */
  maxWaiting: number;
  /**
   * How many activities go into one transaction.
   * @defaultValue 500
   */
  maxBatch: number;
  /**
   * How many transactions may run at once, each with a connection of the pool.
   * @defaultValue 2
   */
  concurrency: number;
  /**
   * Milliseconds after which an activity that is not committed is refused.
   * @defaultValue 5_000
   */
  timeout: number;
}

/** Limits for questions: calls of `find`, `count` and other reads, and of `ActivityStats`. */
export interface QuestionLimits {
  /**
   * The maximum number of concurrent questions; each uses one connection.
   * @defaultValue 4
   */
  concurrency: number;
  /**
   * Milliseconds that a question may take.
   * @defaultValue 30_000
   */
  timeout: number;
  /**
   * Milliseconds that the database may work on one statement of a question; then the statement is cancelled.
   * @defaultValue 30_000
   */
  statementTimeout: number;
}

/** When rollups are updated. */
export interface RollupSettings {
  /**
   * Milliseconds that a question waits for the rollups to be updated.
   * @defaultValue 1000
   */
  maxWait: number;
  /**
   * True if work may continue after a response: rollups are also updated without a question, event streams stay open, and sessions are checked
   * once a second instead of being inserted again with each activity.
   * @defaultValue true
   */
  background: boolean;
}

/** Limits for questions, and when rollups are updated. */
export interface StatisticsSettings extends RollupSettings, QuestionLimits {
  /**
   * Whether the standbys of the data source (`replication`, PostgreSQL only) answer questions and write exports. A result includes
   * everything that was committed before the question; if the standbys are behind, its `asOf` is earlier.
   * @defaultValue false
   */
  replica: boolean;
}

/** Returns the page that a path is counted as. */
export type PageOption = (path: string) => string;

/** The URL of a PostgreSQL, MySQL or MariaDB database, or all options of a TypeORM data source. */
export type DatabaseOptions =
  | {
      /** Begins with `postgres:`, `postgresql:`, `mysql:` or `mariadb:`. */
      url: string;
      /**
       * Connections of the pool.
       * @defaultValue 10
       */
      poolSize?: number;
    }
  | DataSourceOptions;

/** Opens the store of the option `store`. */
export interface StoreFactory {
  /** Called once when the application, or a command, starts. Nest calls the lifecycle hooks that the store has. */
  create(settings: StoreSettings): Store | Promise<Store>;
}

/**
 * The options that a store needs, with their defaults filled in. `retention` is for a store that does not support all of its values; the
 * command `djaffar` gives none.
 */
export interface StoreSettings extends Pick<PrivacyOptions, 'retention'> {
  writer: WriterSettings;
  statistics: StatisticsSettings;
  page: PageOption;
}
