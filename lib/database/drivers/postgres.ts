import type { DataSource } from 'typeorm';
import type { Driver } from '../driver.types.js';
import { type Classification, failureFrom, MIGRATIONS, RIGHTS } from '../failure.js';

/** What is used of pg's pool. */
interface Pool {
  options: { max: number; connectionTimeoutMillis?: number | undefined };
  totalCount: number;
  idleCount: number;
  connect(callback: (error: unknown, client?: Client, release?: (destroy: boolean) => void) => void): void;
}

interface Client {
  /** Missing in pg-native. */
  connection?: { stream: { destroy(): void } };
  end(callback: () => void): void;
}

/**
 * Milliseconds for a new connection. By default pg waits without end, and what waits takes a place of the pool: a
 * network that swallows everything would take all of them.
 */
const CONNECT_TIMEOUT = 5000;

function poolsOf({ driver }: DataSource): Pool[] {
  // TypeORM has them on the driver, without a type.
  const [master, slaves]: [Pool | undefined, Pool[] | undefined] = [
    Reflect.get(driver, 'master'),
    Reflect.get(driver, 'slaves'),
  ];
  return [...(master?.options ? [master] : []), ...(slaves ?? [])];
}

function destroy(client: Client): void {
  // Else it would say goodbye, and wait for the answer.
  if (client.connection) client.connection.stream.destroy();
  else client.end(() => {});
}

/** By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function classify({ code }: { code?: unknown }): Classification | undefined {
  if (typeof code !== 'string' || !/^[\dA-Z]{5}$/.test(code)) return undefined;
  switch (code) {
    case '42P01': // undefined_table
    case '42703': // undefined_column
    case '3F000': // invalid_schema_name
      return { blame: 'statement', advice: MIGRATIONS };
    case '42501': // insufficient_privilege
      return { blame: 'statement', advice: RIGHTS };
    case '55P03': // lock_not_available
      return { blame: 'moment', isLocked: true };
  }
  switch (code.slice(0, 2)) {
    case '22': // data exception
    case '23': // integrity constraint violation
      return { blame: 'row' };
    case '42': // syntax error or access rule violation
      return { blame: 'statement' };
  }
  return { blame: 'moment' };
}

export const postgres: Driver = {
  isRemote: true,
  poolSize: (dataSource) => poolsOf(dataSource)[0]?.options.max,

  connect(dataSource, runner) {
    // The pool reads its option when it is asked for a connection, and it is asked before connect() returns.
    const pools = poolsOf(dataSource).filter(
      ({ options, totalCount, idleCount }) =>
        !options.connectionTimeoutMillis && idleCount === 0 && totalCount < options.max,
    );
    for (const { options } of pools) options.connectionTimeoutMillis = CONNECT_TIMEOUT;
    try {
      return runner.connect();
    } finally {
      for (const { options } of pools) options.connectionTimeoutMillis = undefined;
    }
  },

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeORM gives the driver's own, without a type
  destroy: (connection) => destroy(connection as Client),

  destroyIdle(dataSource) {
    for (const pool of poolsOf(dataSource)) {
      for (let idle = pool.idleCount; idle > 0; idle--) {
        pool.connect((_, client, release) => {
          if (client) destroy(client);
          release?.(true);
        });
      }
    }
  },

  async encodingFault(dataSource) {
    const [found]: { server_encoding: string }[] = await dataSource.query('SHOW server_encoding');
    if (!found || found.server_encoding === 'UTF8') return undefined;
    return `the database has the encoding ${found.server_encoding}, which cannot hold every text; create it anew with ENCODING 'UTF8' TEMPLATE template0, and restore a dump of it there`;
  },

  failure: (error) => failureFrom(error, classify),
};
