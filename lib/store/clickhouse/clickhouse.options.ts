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
  /**
   * Milliseconds from one change of activities by this process for the option `session.claim` to the next, at least. Logins that come
   * in between are done in one change. Default 10,000.
   */
  claimPause?: number | undefined;
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
  'claimPause',
  'client',
];

/** @throws Error that names the wrong option, what was given and what is allowed */
export function toClickHouseSettings(options: ClickHouseOptions): ClickHouseSettings {
  for (const name of Object.keys(options))
    if (!NAMES.some((known) => known === name))
      throw wrong(name, 'is not known', `one of ${NAMES.join(', ')}`);
  const { url = 'http://localhost:8123', database = 'default', replicated = false } = options;
  const { pause = 20, claimPause = 10_000 } = options;
  const { username, password, cluster, client = {} } = options;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw wrong('url', `is ${JSON.stringify(url)}`, 'an http:// or https:// URL');
  for (const [name, value] of Object.entries({ database, cluster }))
    if (value !== undefined && !/^[A-Za-z_][\w-]*$/.test(value))
      throw wrong(name, `is ${JSON.stringify(value)}`, 'letters, digits, "_" and "-"');
  if (typeof replicated !== 'boolean') throw wrong('replicated', `is ${String(replicated)}`, 'true or false');
  for (const [name, value] of Object.entries({ pause, claimPause }))
    if (!Number.isInteger(value) || value < 0)
      throw wrong(name, `is ${value}`, 'a whole number of milliseconds');
  return { url, database, username, password, cluster, replicated, pause, claimPause, client };
}

/** @throws Error that names the option that ClickHouse does not support */
export function checkIsBuilt({ retention = {} }: StoreSettings): void {
  if (retention.figures === 'keep')
    throw new Error(
      "Djaffar: ClickHouse does not support this option yet: retention.figures: 'keep'; change or remove it",
    );
}

function wrong(name: string, fault: string, allowed: string): Error {
  return new Error(`clickHouse(): the option "${name}" ${fault}; allowed: ${allowed}`);
}
