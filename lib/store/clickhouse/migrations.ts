import { type Finding, ok, problem } from '../finding.js';
import type { ClickHouseSettings } from './clickhouse.options.js';
import type { Server, StatementLimits } from './server.js';
import { text } from './sql.js';
import {
  ACTIVITY,
  COOKIELESS_VISIT,
  DIRTY_VISIT,
  MIGRATION,
  OUTCOME,
  SALT,
  SESSION,
  SIGNING_KEY,
  STATE,
  TABLES,
  VISIT,
} from './tables.js';

/** The parts of `CREATE TABLE` that depend on the server. */
interface Dialect {
  /** The SQL after the name of a table. */
  onCluster: string;
  /** @param engine without the prefix `Replicated` */
  engine: (engine: string) => string;
  /** Settings that make an acknowledged insert durable. */
  durable: string;
  /** The settings of a table whose changes have turns: the server must know the tokens of the latest inserts. See turns.ts. */
  inTurns: string;
}

/** Statements that do no harm if they are run again: a migration may have stopped between two of them. */
interface Migration {
  version: number;
  name: string;
  statements: (dialect: Dialect) => string[];
}

/** How many turns the server knows: more than all instances take while one waits for the answer to an insert. */
const KNOWN_TURNS = 10_000;

/** A text that most rows have in common with others. */
const REPEATED = 'LowCardinality(String)';
const REPEATED_OR_NULL = 'LowCardinality(Nullable(String))';
const MAYBE = 'Nullable(String) CODEC(ZSTD(1))';
/** Milliseconds since 1970. ClickHouse's dates end in 2299. */
const INSTANT = 'Int64 CODEC(DoubleDelta, ZSTD(1))';

const MIGRATIONS: Migration[] = [
  {
    version: 1,
    name: 'create the tables',
    statements: ({ onCluster, engine, durable, inTurns }) => [
      // Sorted by hour, so that a time range is a range of the key, then by visit, so that a visit is read at once. The key makes
      // no id unique: see duplicates.ts. All rows of an insert are in one partition, so that it is all or nothing.
      `CREATE TABLE IF NOT EXISTS ${ACTIVITY}${onCluster} (
        id UUID,
        date ${INSTANT},
        receivedAt ${INSTANT},
        name ${REPEATED},
        path String CODEC(ZSTD(1)),
        page ${MAYBE},
        pageOrPath ${REPEATED} MATERIALIZED ifNull(page, path),
        route ${REPEATED_OR_NULL},
        referer ${MAYBE},
        properties ${MAYBE},
        subject ${MAYBE},
        userId ${MAYBE},
        userName ${MAYBE},
        groupId ${REPEATED_OR_NULL},
        groupName ${REPEATED_OR_NULL},
        sessionId ${MAYBE},
        visitId String COMMENT 'empty: none' CODEC(ZSTD(1)),
        ipAddress ${MAYBE},
        interactive Nullable(Bool),
        referrer ${REPEATED_OR_NULL} COMMENT 'the host of the referer',
        utmSource ${REPEATED_OR_NULL},
        utmMedium ${REPEATED_OR_NULL},
        utmCampaign ${REPEATED_OR_NULL},
        utmTerm ${REPEATED_OR_NULL},
        utmContent ${REPEATED_OR_NULL},
        inView Float64 COMMENT 'milliseconds before an engagement' CODEC(ZSTD(1)),
        isNear Bool COMMENT 'the id of the visit tells its start, less than a day from the date',
        writtenAt Int64 DEFAULT toUnixTimestamp64Milli(now64(3)) COMMENT 'by the clock of the server' CODEC(DoubleDelta, ZSTD(1)),
        writeId UInt32 COMMENT 'random, one for each insert',
        INDEX ids id TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX users userId TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX groups groupId TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX sessions sessionId TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX visits visitId TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX received receivedAt TYPE minmax GRANULARITY 1,
        INDEX written writtenAt TYPE minmax GRANULARITY 1,
        INDEX near isNear TYPE minmax GRANULARITY 1
      ) ENGINE = ${engine('MergeTree()')}
      PARTITION BY toYYYYMM(toDateTime(intDiv(writtenAt, 1000), 'UTC'))
      ORDER BY (intDiv(date, 3600000), visitId, date, toUInt128(id))${durable}`,
      `CREATE TABLE IF NOT EXISTS ${SESSION}${onCluster} (
        id String,
        userAgent ${MAYBE},
        startedAt ${INSTANT},
        browser ${REPEATED_OR_NULL},
        system ${REPEATED_OR_NULL},
        device ${REPEATED_OR_NULL},
        country ${REPEATED_OR_NULL},
        language ${REPEATED_OR_NULL},
        bot Bool,
        consent Nullable(Bool),
        version UInt64 COMMENT 'the greatest counts: first with a user agent, then the one that started first',
        INDEX bots bot TYPE minmax GRANULARITY 1
      ) ENGINE = ${engine('ReplacingMergeTree(version)')}
      ORDER BY id${durable}`,
      `CREATE TABLE IF NOT EXISTS ${VISIT}${onCluster} (
        id String,
        startedAt ${INSTANT},
        endedAt ${INSTANT},
        sessionId ${MAYBE},
        userId ${MAYBE},
        activities UInt32,
        views UInt32,
        bounced Bool,
        duration UInt32 COMMENT 'seconds',
        entry String CODEC(ZSTD(1)),
        exit String CODEC(ZSTD(1)),
        referrer ${REPEATED_OR_NULL},
        utmSource ${REPEATED_OR_NULL},
        utmMedium ${REPEATED_OR_NULL},
        utmCampaign ${REPEATED_OR_NULL},
        utmTerm ${REPEATED_OR_NULL},
        utmContent ${REPEATED_OR_NULL},
        browser ${REPEATED_OR_NULL},
        system ${REPEATED_OR_NULL},
        device ${REPEATED_OR_NULL},
        country ${REPEATED_OR_NULL},
        language ${REPEATED_OR_NULL},
        bot Bool,
        mixed Bool COMMENT 'its activities have different sessions, or some have none',
        pages Array(${REPEATED}) COMMENT 'of the views, in order, without repeats' CODEC(ZSTD(1)),
        pairs Array(Tuple(page ${REPEATED}, name ${REPEATED})) COMMENT 'each page with each name of its activities' CODEC(ZSTD(1)),
        version Int64 COMMENT 'microseconds, when the activities were read',
        gone UInt8,
        INDEX starts startedAt TYPE minmax GRANULARITY 1,
        INDEX users userId TYPE bloom_filter(0.01) GRANULARITY 1
      ) ENGINE = ${engine('ReplacingMergeTree(version, gone)')}
      ORDER BY id${durable}`,
      `CREATE TABLE IF NOT EXISTS ${DIRTY_VISIT}${onCluster} (
        change UUID,
        visitId String,
        sessionId ${MAYBE},
        markedAt Int64 DEFAULT toUnixTimestamp64Milli(now64(3)),
        claimUntil Int64 COMMENT 'of a claim: when its change has no effect any more'
      ) ENGINE = ${engine('MergeTree()')}
      ORDER BY (change, visitId)${durable}`,
      `CREATE TABLE IF NOT EXISTS ${STATE}${onCluster} (
        name String,
        value Int64
      ) ENGINE = ${engine('ReplacingMergeTree(value)')}
      ORDER BY name${durable}`,
      `CREATE TABLE IF NOT EXISTS ${SIGNING_KEY}${onCluster} (
        number UInt32,
        createdAt Int64,
        secret String
      ) ENGINE = ${engine('MergeTree()')}
      ORDER BY (number, secret)${durable}`,
      `CREATE TABLE IF NOT EXISTS ${SALT}${onCluster} (
        period Int32,
        secret String,
        turn UInt64
      ) ENGINE = ${engine('ReplacingMergeTree(turn)')}
      ORDER BY period${inTurns}`,
      `CREATE TABLE IF NOT EXISTS ${COOKIELESS_VISIT}${onCluster} (
        sessionId String COMMENT 'empty: only the latest turn',
        visitId String,
        startedAt Int64,
        lastSeen Int64,
        user String COMMENT 'a digest',
        version UInt32,
        turn UInt64,
        INDEX seen lastSeen TYPE minmax GRANULARITY 1
      ) ENGINE = ${engine('ReplacingMergeTree(turn)')}
      ORDER BY sessionId${inTurns}`,
      `CREATE TABLE IF NOT EXISTS ${OUTCOME}${onCluster} (
        hour Int64,
        cause LowCardinality(String),
        count UInt64
      ) ENGINE = ${engine('SummingMergeTree()')}
      ORDER BY (hour, cause)
      TTL toDateTime(intDiv(hour, 1000)) + INTERVAL 30 DAY${durable}`,
    ],
  },
];

/** Creates the database and the tables, or changes them to what this version needs. */
export async function migrate(
  server: Pick<Server, 'settings' | 'command' | 'query'>,
  withoutDatabase: Pick<Server, 'command'>,
): Promise<void> {
  const { settings } = server;
  const dialect = createDialect(settings);
  const { database, cluster } = settings;
  const onCluster = cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``;
  await withoutDatabase.command(`CREATE DATABASE IF NOT EXISTS \`${database}\`${onCluster}`);
  await server.command(
    `CREATE TABLE IF NOT EXISTS ${MIGRATION}${dialect.onCluster} (version UInt32, name String, appliedAt DateTime DEFAULT now())
    ENGINE = ${dialect.engine('MergeTree()')} ORDER BY version${dialect.durable}`,
  );
  const applied = new Set(
    (await server.query<{ version: number }>(`SELECT version FROM ${MIGRATION}`)).map(
      ({ version }) => version,
    ),
  );
  for (const { version, name, statements } of MIGRATIONS) {
    if (applied.has(version)) continue;
    for (const statement of statements(dialect)) await server.command(statement);
    await server.command(`INSERT INTO ${MIGRATION} (version, name) VALUES (${version}, ${text(name)})`);
  }
}

function createDialect({ cluster, replicated }: ClickHouseSettings): Dialect {
  // By default, a server that loses power loses the acknowledged inserts of the last seconds.
  const durable = replicated ? '' : '\n      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1';
  return {
    onCluster: cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``,
    engine: (engine) => (replicated ? `Replicated${engine}` : engine),
    durable,
    inTurns: replicated
      ? `\n      SETTINGS replicated_deduplication_window = ${KNOWN_TURNS}`
      : `${durable}, non_replicated_deduplication_window = ${KNOWN_TURNS}`,
  };
}

/** Finds the tables that are missing. */
export async function inspect(server: Server, limits: StatementLimits): Promise<Finding[]> {
  const rows = await server.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = currentDatabase()',
    limits,
  );
  const found = new Set(rows.map(({ name }) => name));
  const missing = TABLES.filter((table) => !found.has(table));
  if (missing.length === 0) return [ok('all tables are there')];
  return missing.map((table) =>
    problem(`the table ${table} is missing`, 'run the migrations: npx djaffar -d … migrate'),
  );
}
