import type { ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { StoreSettings } from '../../options/store.options.js';

/** Where the ClickHouse server is, and how the tables are kept there. */
export interface ClickHouseOptions {
  /**
   * The HTTP interface of the server, or of a load balancer before its replicas.
   * @defaultValue 'http://localhost:8123'
   */
  url?: string | undefined;
  /**
   * The database with the tables. `djaffar migrate` creates it if it is missing.
   * @defaultValue 'default'
   */
  database?: string | undefined;
  /** Default: the user `default`. */
  username?: string | undefined;
  /** Default: none. */
  password?: string | undefined;
  /** The name of a cluster: the tables are created, changed and dropped `ON CLUSTER`. */
  cluster?: string | undefined;
  /**
   * Whether the tables are replicated: they get a `Replicated…` engine, and a write is acknowledged when a majority of the
   * replicas has it. Without it, a write is acknowledged when it is on the disk of the server.
   * @defaultValue false
   */
  replicated?: boolean | undefined;
  /** Milliseconds from one insert of this process to the next. Activities that arrive in between go into one insert. Default 20. */
  pause?: number | undefined;
  /** More options of `createClient`, such as `tls` or `http_headers`. */
  client?: Omit<ClickHouseClientConfigOptions, 'url' | 'database' | 'username' | 'password'> | undefined;
}

export type ClickHouseSettings = Required<Omit<ClickHouseOptions, 'username' | 'password' | 'cluster'>> &
  Pick<ClickHouseOptions, 'username' | 'password' | 'cluster'>;

const NAMES: (keyof ClickHouseOptions)[] = [
  'url',
  'database',
  'username',
  'password',
  'cluster',
  'replicated',
  'pause',
  'client',
];

/** @throws Error that names the wrong option, what was given and what is allowed */
export function toClickHouseSettings(options: ClickHouseOptions): ClickHouseSettings {
  for (const name of Object.keys(options))
    if (!NAMES.some((known) => known === name))
      throw wrong(name, 'is not known', `one of ${NAMES.join(', ')}`);
  const { url = 'http://localhost:8123', database = 'default', replicated = false, pause = 20 } = options;
  const { username, password, cluster, client = {} } = options;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw wrong('url', `is ${JSON.stringify(url)}`, 'an http:// or https:// URL');
  for (const [name, value] of Object.entries({ database, cluster }))
    if (value !== undefined && !/^[A-Za-z_][\w-]*$/.test(value))
      throw wrong(name, `is ${JSON.stringify(value)}`, 'letters, digits, "_" and "-"');
  if (typeof replicated !== 'boolean') throw wrong('replicated', `is ${String(replicated)}`, 'true or false');
  if (!Number.isInteger(pause) || pause < 0)
    throw wrong('pause', `is ${pause}`, 'a whole number of milliseconds');
  return { url, database, username, password, cluster, replicated, pause, client };
}

/** @throws Error that names the options that ClickHouse does not support */
export function checkIsBuilt({ retention = {}, claim }: StoreSettings): void {
  const needed = [
    ...(claim === 'session' ? ["session.claim: 'session'"] : []),
    ...(retention.figures === 'keep' ? ["retention.figures: 'keep'"] : []),
  ];
  if (needed.length > 0)
    throw new Error(
      `Djaffar: ClickHouse does not support these options yet: ${needed.join(', ')}; change or remove them`,
    );
}

function wrong(name: string, fault: string, allowed: string): Error {
  return new Error(`clickHouse(): the option "${name}" ${fault}; allowed: ${allowed}`);
}
