import type { DataSource } from 'typeorm';
import { close, type Stream } from '../close.js';
import type { Driver } from '../driver.types.js';
import { type Classification, failureFrom, MIGRATIONS, NO_CONNECTION, RIGHTS } from '../failure.js';

/** The used part of mysql2's pool. */
interface Pool {
  config: { connectionLimit: number; connectionConfig: { connectTimeout: number } };
  getConnection(callback: (error: unknown, connection?: Connection) => void): void;
}

interface Connection {
  /** Missing in drivers other than mysql2. */
  stream?: Stream;
  /** Whether it is established. */
  authorized: boolean;
  /** The server's id of the connection. */
  threadId?: number;
  config: Record<string, unknown>;
  destroy(): void;
}

/** A connection outside the pool. */
interface OwnConnection extends Connection {
  on(event: 'error', listener: () => void): void;
  query(sql: string, callback: () => void): void;
}

/** The settings of a new connection to the same server as the same user. */
const ACCESS = ['host', 'port', 'socketPath', 'localAddress', 'user', 'password', 'ssl', 'authPlugins'];

/** Milliseconds for a new connection, unless the host sets it; mysql2's default is 10 s. */
const CONNECT_TIMEOUT = 5000;

function findPool({ driver }: DataSource): Pool | undefined {
  // TypeORM has it on the driver, without a type.
  const pool: Pool | undefined = Reflect.get(driver, 'pool');
  return pool?.config ? pool : undefined;
}

function isSetByHost({ options }: DataSource): boolean {
  const { connectTimeout, extra }: { connectTimeout?: number; extra?: { connectTimeout?: number } } = {
    connectTimeout: undefined,
    ...options,
  };
  return connectTimeout !== undefined || extra?.connectTimeout !== undefined;
}

async function destroy(connection: Connection): Promise<void> {
  // mysql2's own destroy() never answers the running statement, and leaves the socket open until the other side closes it.
  if (connection.stream) await close(connection.stream, new Error('Connection terminated'));
  else connection.destroy();
}

/** Only a KILL stops a statement: the server does not notice that its client has gone. */
function cancel({ driver }: DataSource, { threadId, config }: Connection): void {
  // TypeORM has it on the driver, without a type.
  const mysql2: { createConnection?: (options: object) => OwnConnection } = Reflect.get(driver, 'mysql');
  if (threadId === undefined || !mysql2.createConnection) return;
  const access = ACCESS.flatMap((name) => (config[name] === undefined ? [] : [[name, config[name]]]));
  const connection = mysql2.createConnection({
    ...Object.fromEntries(access),
    connectTimeout: CONNECT_TIMEOUT,
  });
  // A silent network must not keep the process alive.
  connection.stream?.unref?.();
  // The outcome is that of the statement itself.
  connection.on('error', () => {});
  connection.query(`KILL ${threadId}`, () => connection.destroy());
}

/** The SQLSTATE is too coarse: 42000 is a syntax error, a missing right, and too many connections of a user. */
function classify({ errno, sqlState }: { errno?: unknown; sqlState?: unknown }): Classification | undefined {
  if (typeof errno !== 'number' || typeof sqlState !== 'string') return undefined;
  switch (errno) {
    case 1146: // ER_NO_SUCH_TABLE
    case 1054: // ER_BAD_FIELD_ERROR
      return { kind: 'schema', advice: MIGRATIONS };
    case 1044: // ER_DBACCESS_DENIED_ERROR
    case 1142: // ER_TABLEACCESS_DENIED_ERROR
    case 1143: // ER_COLUMNACCESS_DENIED_ERROR
      return { kind: 'schema', advice: RIGHTS };
    case 1203: // ER_TOO_MANY_USER_CONNECTIONS
    case 1226: // ER_USER_LIMIT_REACHED
      return { kind: 'transient' };
    case 1053: // ER_SERVER_SHUTDOWN
    case 1927: // ER_CONNECTION_KILLED
      return NO_CONNECTION;
    case 1205: // ER_LOCK_WAIT_TIMEOUT
      return { kind: 'transient', isLocked: true };
    case 1290: // ER_OPTION_PREVENTS_STATEMENT: --read-only
    case 1792: // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    case 1836: // ER_READ_ONLY_MODE
      return { kind: 'transient', isReadOnly: true };
    case 1969: // ER_STATEMENT_TIMEOUT of MariaDB
    case 3024: // ER_QUERY_TIMEOUT of MySQL
      return { kind: 'transient', isTooSlow: true };
    case 1153: // ER_NET_PACKET_TOO_LARGE: half of the rows may fit
    case 1366: // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
    case 3819: // ER_CHECK_CONSTRAINT_VIOLATED
      return { kind: 'data' };
  }
  const type = sqlState.slice(0, 2);
  if (type === '22' || type === '23') return { kind: 'data' };
  return { kind: type === '42' ? 'schema' : 'transient' };
}

export const mysql: Driver = {
  isRemote: true,
  // UNIX_TIMESTAMP is ambiguous in the hour when the daylight saving time of the connection's zone ends.
  now: `CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) / 1000 AS SIGNED)`,
  poolSize: (dataSource) => findPool(dataSource)?.config.connectionLimit || undefined,

  connect(dataSource, runner) {
    const config = findPool(dataSource)?.config.connectionConfig;
    if (!config || isSetByHost(dataSource)) return runner.connect();
    // The pool copies it for a new connection before connect() returns.
    const { connectTimeout } = config;
    config.connectTimeout = CONNECT_TIMEOUT;
    try {
      return runner.connect();
    } finally {
      config.connectTimeout = connectTimeout;
    }
  },

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeORM gives the driver's own, without a type
  destroy: (connection) => destroy(connection as Connection),

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same
  cancel: (dataSource, connection) => cancel(dataSource, connection as Connection),

  destroyIdle(dataSource) {
    const pool = findPool(dataSource);
    // Undocumented. Without it, idle connections end only at their next use.
    const free: { length: number } | undefined = pool && Reflect.get(pool, '_freeConnections');
    for (let idle = free?.length ?? 0; idle > 0; idle--)
      pool?.getConnection((_, connection) => connection && void destroy(connection));
  },

  destroyConnecting(dataSource) {
    const pool = findPool(dataSource);
    // Undocumented.
    const all: { length: number; get(i: number): Connection | undefined } | undefined =
      pool && Reflect.get(pool, '_allConnections');
    const connections = Array.from({ length: all?.length ?? 0 }, (_, i) => all?.get(i));
    for (const each of connections) if (each && !each.authorized) void destroy(each);
  },

  async encodingFault(dataSource) {
    const [found]: { charset: string }[] = await dataSource.query('SELECT @@character_set_client AS charset');
    if (!found || found.charset === 'utf8mb4') return undefined;
    return `the connection to the database has the character set ${found.charset}, which cannot hold every text; set charset: 'utf8mb4' in the data source`;
  },

  failure: (error) => failureFrom(error, classify),
};
