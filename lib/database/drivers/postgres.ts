import type { DataSource, QueryRunner } from 'typeorm';
import { close, type Stream } from '../close.js';
import type { Driver } from '../driver.types.js';
import { cancel, type Cancellable } from './postgres-cancel.js';
import { type Classification, failureFrom, MIGRATIONS, NO_CONNECTION, RIGHTS } from '../failure.js';

/** The used part of pg's pool. */
interface Pool {
  options: { max: number; connectionTimeoutMillis?: number | undefined };
  idleCount: number;
  /** The class of its clients. */
  Client?: new (options: unknown) => Client;
  connect(callback: (error: unknown, client?: Client, release?: (destroy: boolean) => void) => void): void;
}

interface Client {
  /** Missing in pg-native. */
  connection?: { stream: Stream };
  connect(callback: (...result: unknown[]) => void): void;
  end(callback: () => void): void;
}

/**
 * Milliseconds for a new connection. By default pg waits forever, and each waiting connection takes a place of the pool, so a silent
 * network could take all of them.
 */
const CONNECT_TIMEOUT = 5000;

/** State of a pool. */
interface PoolState {
  /** Our requests for a connection that are not answered yet. */
  asking: number;
  /** Clients that are connecting at the moment. */
  readonly connecting: Set<Client>;
}

const states = new WeakMap<Pool, PoolState>();

function loadState(pool: Pool): PoolState {
  const found = states.get(pool);
  if (found) return found;
  const state = { asking: 0, connecting: new Set<Client>() };
  states.set(pool, state);
  boundConnecting(pool, state);
  return state;
}

/**
 * While one of our requests waits, each new connection of the pool has a time limit, because the pool does not say for which
 * request it opens one. The pool's own option would also limit the wait of the host's requests.
 */
function boundConnecting(pool: Pool, state: PoolState): void {
  const { Client: Unbounded, options } = pool;
  if (!Unbounded) return;
  pool.Client = class extends Unbounded {
    override connect(callback: (...result: unknown[]) => void): void {
      if (state.asking === 0) return super.connect(callback);
      const limit = options.connectionTimeoutMillis || CONNECT_TIMEOUT;
      const timer = setTimeout(() => void destroy(this), limit);
      state.connecting.add(this);
      super.connect((...result) => {
        clearTimeout(timer);
        state.connecting.delete(this);
        callback(...result);
      });
    }
  };
}

// TypeORM has the pools on the driver, without a type.

function listStandbyPools({ driver }: DataSource): Pool[] {
  const slaves: Pool[] | undefined = Reflect.get(driver, 'slaves');
  return slaves ?? [];
}

function listPools(dataSource: DataSource): Pool[] {
  const master: Pool | undefined = Reflect.get(dataSource.driver, 'master');
  return [...(master?.options ? [master] : []), ...listStandbyPools(dataSource)];
}

/** TypeORM's own runner would use any of the standbys. */
function standbyRunner(dataSource: DataSource, pool: Pool): QueryRunner {
  const driver: DataSource['driver'] = Object.create(dataSource.driver, { slaves: { value: [pool] } });
  const runner = driver.createQueryRunner('slave');
  return Object.assign(runner, { manager: dataSource.createEntityManager(runner) });
}

async function destroy(client: Client): Promise<void> {
  // Otherwise it would send a message and wait for the answer.
  if (client.connection) await close(client.connection.stream);
  else client.end(() => {});
}

function destroyIdle(pool: Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    pool.connect((_, client, release) => {
      if (client) void destroy(client);
      release?.(true);
    });
  }
}

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function classify({ code }: { code?: unknown }): Classification | undefined {
  if (typeof code !== 'string' || !/^[\dA-Z]{5}$/.test(code)) return undefined;
  switch (code) {
    case '42P01': // undefined_table
    case '42703': // undefined_column
    case '3F000': // invalid_schema_name
      return { kind: 'schema', advice: MIGRATIONS };
    case '42501': // insufficient_privilege
      return { kind: 'schema', advice: RIGHTS };
    case '55P03': // lock_not_available
      return { kind: 'transient', isLocked: true };
    case '25006': // read_only_sql_transaction
      return { kind: 'transient', isReadOnly: true };
    case '57014': // query_canceled
      return { kind: 'transient', isTooSlow: true };
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P03': // cannot_connect_now
      return NO_CONNECTION;
  }
  switch (code.slice(0, 2)) {
    case '22': // data exception
    case '23': // integrity constraint violation
      return { kind: 'data' };
    case '08': // connection exception
      return NO_CONNECTION;
    case '42': // syntax error or access rule violation
      return { kind: 'schema' };
  }
  return { kind: 'transient' };
}

export const postgres: Driver = {
  isRemote: true,
  // PostgreSQL uses no index with clock_timestamp().
  now: '(extract(epoch FROM statement_timestamp()) * 1000)::bigint',
  poolSize: (dataSource) => listPools(dataSource)[0]?.options.max,

  standbyPools: (dataSource) =>
    listStandbyPools(dataSource).map((pool) => ({
      createRunner: () => standbyRunner(dataSource, pool),
      destroyIdle: () => destroyIdle(pool),
    })),

  async connect(dataSource, runner) {
    const pools = listPools(dataSource).map(loadState);
    for (const pool of pools) pool.asking += 1;
    try {
      return await runner.connect();
    } finally {
      for (const pool of pools) pool.asking -= 1;
    }
  },

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeORM gives the driver's own, without a type
  destroy: (connection) => destroy(connection as Client),

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same
  cancel: (_, connection) => cancel(connection as Cancellable),

  destroyIdle(dataSource) {
    for (const pool of listPools(dataSource)) destroyIdle(pool);
  },

  destroyConnecting(dataSource) {
    for (const pool of listPools(dataSource))
      for (const client of loadState(pool).connecting) void destroy(client);
  },

  async encodingFault(dataSource) {
    const [found]: { server_encoding: string }[] = await dataSource.query('SHOW server_encoding');
    if (!found || found.server_encoding === 'UTF8') return undefined;
    return `the database has the encoding ${found.server_encoding}, which cannot hold every text; create it anew with ENCODING 'UTF8' TEMPLATE template0, and restore a dump of it there`;
  },

  failure: (error) => failureFrom(error, classify),
};
