import type { DataSource, QueryRunner } from 'typeorm';
import type { DatabaseFailure } from './failure.js';
import type { Openable } from './reader/readers.js';

/** The connections of one standby. */
export interface StandbyPool {
  createRunner: () => QueryRunner;
  /** See {@link Driver.destroyIdle}. */
  destroyIdle: () => void;
}

/** Functions of the drivers that TypeORM does not provide. */
export interface Driver {
  /** Whether the database is reached over a network. */
  isRemote: boolean;

  /** The SQL of the database's clock, in milliseconds since 1970; `undefined` if that is this machine's clock. */
  now: string | undefined;

  /** How many connections the host's pool may have; `undefined` if there is no limit. */
  poolSize(dataSource: DataSource): number | undefined;

  /** Creates a runner that only reads, if TypeORM's own would block the event loop. */
  createRunner?(dataSource: DataSource): QueryRunner;

  /** Returns the pools of the standbys, if questions can be asked of these. */
  standbyPools?(dataSource: DataSource): StandbyPool[];

  /** Resolves when the runner has a connection. A new connection is opened within a time limit. */
  connect(dataSource: DataSource, runner: QueryRunner): Promise<unknown>;

  /**
   * Ends a connection at once; its running statement fails.
   * @returns resolves when the pool has removed it, because it would lend it again before that
   */
  destroy(connection: unknown): Promise<void>;

  /**
   * Asks the server to cancel the statement of a connection, on a separate connection, because the pool may have none left.
   * It is missing if {@link destroy} cancels the statement.
   */
  cancel?(dataSource: DataSource, connection: unknown): void;

  /** Destroys idle connections: if one is silent, the others probably are too. */
  destroyIdle(dataSource: DataSource): void;

  /** Destroys connections that are being opened, for which a closing pool would wait. */
  destroyConnecting(dataSource: DataSource): void;

  /** Describes the problem and its remedy if the database or its connection cannot store every text. */
  encodingFault(dataSource: DataSource): Promise<string | undefined>;

  /** Returns how another process can open the database, if reading it in this one would block the event loop. */
  openable?: (dataSource: DataSource) => Promise<Openable>;

  /** Classifies an error; `undefined` if it is no failure of the database. */
  failure(error: unknown): DatabaseFailure | undefined;
}
