import type { DataSource, QueryRunner } from 'typeorm';
import type { DatabaseFailure } from './failure.js';
import type { Openable } from './reader/readers.js';

/** Functions of the drivers that TypeORM does not provide. */
export interface Driver {
  /** Whether there is a network between. */
  isRemote: boolean;

  /** SQL of the milliseconds since 1970 by the database's clock; `undefined` if that is this machine's. */
  now: string | undefined;

  /** How many connections the host's pool may have; `undefined` if there is no limit. */
  poolSize(dataSource: DataSource): number | undefined;

  /** If TypeORM's own would stop the event loop, one that only reads. */
  createRunner?(dataSource: DataSource): QueryRunner;

  /** Resolves when the runner has a connection; opening a new one takes a bounded time. */
  connect(dataSource: DataSource, runner: QueryRunner): Promise<unknown>;

  /**
   * Ends a connection at once; its running statement fails.
   * @returns resolves when the pool has noticed; before that it would lend the connection again
   */
  destroy(connection: unknown): Promise<void>;

  /**
   * Asks the server to stop what it does for a connection, on a connection of its own: the pool may have none left. It is
   * missing if {@link destroy} stops it.
   */
  cancel?(dataSource: DataSource, connection: unknown): void;

  /** Destroys idle connections: if one is silent, the others probably are too. */
  destroyIdle(dataSource: DataSource): void;

  /** Destroys the connections that are still being made: a pool that ends would wait for them. */
  destroyConnecting(dataSource: DataSource): void;

  /** @returns the error and its remedy, if the database or its connection cannot store every text */
  encodingFault(dataSource: DataSource): Promise<string | undefined>;

  /** How another process can open the database, if reading it in this one would stop the event loop. */
  openable?: (dataSource: DataSource) => Promise<Openable>;

  /** @returns `undefined` if the error is no failure of the database */
  failure(error: unknown): DatabaseFailure | undefined;
}
