import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { DataSource } from 'typeorm';
import { Activity, djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { databaseOptions } from '../sample/database.js';
import { createDatabase, type DatabaseName } from '../test/support/databases.js';
import { QUERY_HEADINGS, queryOf } from '../test/support/sql-docs.js';
import { fill } from './fill.js';
import { fillMariadb } from './fill-mariadb.js';
import { fillSqlite } from './fill-sqlite.js';
import { ACTIVITY_COLUMNS, generateRows, inGroups } from './generated-rows.js';
import { table } from './markdown.js';
import { planOf } from './sql/plans.js';
import { bytesOf } from './sql/sizes.js';

// What people write in SQL: how the databases read the activities for it, how long it takes, and what the indexes for it cost.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1500000' },
    runs: { type: 'string', default: '3' },
    databases: { type: 'string', default: 'postgres,sqlite,mariadb' },
    /** URLs of databases that were filled before, or will be: they are kept. */
    postgres: { type: 'string' },
    sqlite: { type: 'string' },
    mariadb: { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const DAY = 86_400_000;
const RANGE_DAYS = 30;
/** Milliseconds after which a query is not run again. */
const PATIENCE = 10_000;
/** How many activities are stored to find out what that costs, and how many at once. */
const WRITTEN = 50_000;
const BATCH_SIZE = 500;
const databases = options.databases.split(',') as DatabaseName[];

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
const until = Math.floor(Date.now() / DAY) * DAY;

/** A query of docs/sql.md over the latest 30 days, of users and pages that are there. */
const overLatestDays = (sql: string): string =>
  sql
    .replaceAll('2026-11-01', dayOf(until - RANGE_DAYS * DAY))
    .replaceAll('2026-12-01', dayOf(until))
    .replaceAll(`'17'`, `'27'`)
    .replaceAll(`'/'`, `'/products/2'`)
    .replaceAll(`'/pricing'`, `'/products/1'`);

const VIEW = 'djaffar_activities';
const QUERIES: [name: string, sql: (database: DatabaseName) => string][] = [
  ...QUERY_HEADINGS.map((heading): (typeof QUERIES)[number] => [
    heading,
    (database) => overLatestDays(queryOf(heading, database)),
  ]),
  ['`max(date)`', () => `SELECT MAX(date) FROM ${VIEW}`],
  [
    'activities of a day',
    () =>
      `SELECT COUNT(*) FROM ${VIEW} WHERE date >= '${dayOf(until - 2 * DAY)}' AND date < '${dayOf(until - DAY)}'`,
  ],
  [
    'latest 50 of a frequent page',
    () => `SELECT date, user_id FROM ${VIEW} WHERE page = '/products/1' ORDER BY date DESC LIMIT 50`,
  ],
  [
    'latest 50 of a rare page',
    () => `SELECT date, user_id FROM ${VIEW} WHERE page = '/products/4987' ORDER BY date DESC LIMIT 50`,
  ],
  [
    'latest 50 of a rare path',
    () => `SELECT date, user_id FROM ${VIEW} WHERE path = '/products/4987' ORDER BY date DESC LIMIT 50`,
  ],
  [
    'the table: latest 50',
    () => 'SELECT * FROM djaffar_activity activity ORDER BY activity.date DESC LIMIT 50',
  ],
  ['the table: `max(date)`', () => 'SELECT MAX(activity.date) FROM djaffar_activity activity'],
];

/** The indexes that only people's SQL uses. */
const NATURAL: Record<DatabaseName, string[]> = {
  postgres: ['djaffar_activity_timestamp', 'djaffar_activity_date'],
  sqlite: ['djaffar_activity_timestamp'],
  mariadb: ['djaffar_activity_timestamp'],
};

async function timeOf(query: () => Promise<unknown>): Promise<number> {
  let [best, total] = [Number.POSITIVE_INFINITY, 0];
  for (let run = 0; run < Number(options.runs) && total < PATIENCE; run++) {
    const begun = performance.now();
    await query();
    const took = performance.now() - begun;
    best = Math.min(best, took);
    total += took;
  }
  return best;
}

/** Microseconds to store an activity by statements of 500, each in a transaction of its own. */
async function writeTimeOf(dataSource: DataSource, first: string): Promise<number> {
  const { driver } = dataSource;
  const names = ACTIVITY_COLUMNS.map((name) => driver.escape(name)).join(', ');
  const statements = [...inGroups(generateRows(WRITTEN).activities, BATCH_SIZE)].map((rows) => {
    const parameters = rows.flatMap(([id, ...others]) => [`${first}${String(id).slice(1)}`, ...others]);
    const isNumbered = dataSource.options.type === 'postgres';
    const one = (row: number): string =>
      `(${ACTIVITY_COLUMNS.map((_, i) => (isNumbered ? `$${row * ACTIVITY_COLUMNS.length + i + 1}` : '?')).join(', ')})`;
    return {
      sql: `INSERT INTO djaffar_activity (${names}) VALUES ${rows.map((_, i) => one(i)).join(', ')}`,
      parameters,
    };
  });
  const begun = performance.now();
  for (const { sql, parameters } of statements) await dataSource.query(sql, parameters);
  return ((performance.now() - begun) * 1000) / WRITTEN;
}

async function openAt(url: string): Promise<DataSource> {
  const given = databaseOptions(url);
  // One connection has its time zone for all queries.
  const extra = given.type === 'postgres' ? { max: 1 } : { connectionLimit: 1 };
  const all = { ...given, extra, entities: djaffarEntities, migrations: djaffarMigrations };
  const dataSource = await new DataSource(all).initialize();
  await dataSource.runMigrations();
  return dataSource;
}

interface Result {
  plans: string[];
  times: string[];
  bytes: number;
  natural: [name: string, bytes: number][];
}

async function measure(database: DatabaseName): Promise<Result> {
  const kept = options[database];
  const made = kept === undefined ? await createDatabase(database) : undefined;
  const url = made?.url ?? kept ?? '';
  const dataSource = await openAt(url);
  const repository = dataSource.getRepository(Activity);
  if (!(await repository.exists())) {
    process.stderr.write(`filling ${database} with ${options.rows} activities\n`);
    if (database === 'postgres') await fill(url, Number(options.rows));
    else if (database === 'mariadb') await fillMariadb(dataSource, Number(options.rows));
    else await fillSqlite(dataSource, url.replace('sqlite:', ''), Number(options.rows));
  }
  if (database === 'postgres') await dataSource.query(`SET TIME ZONE 'UTC'`);
  if (database === 'mariadb') await dataSource.query(`SET time_zone = '+00:00'`);
  const rows = await repository.count();
  const result: Result = { plans: [], times: [], bytes: 0, natural: [] };
  for (const [name, sqlOf] of QUERIES) {
    const sql = sqlOf(database);
    result.plans.push(await planOf(dataSource, database, sql));
    const took = await timeOf(() => dataSource.query(sql));
    result.times.push(took < 10 ? took.toFixed(1) : took.toFixed(0));
    process.stderr.write(`${database}: ${name}: ${result.plans.at(-1)}, ${result.times.at(-1)} ms\n`);
  }
  const bytes = await bytesOf(dataSource, database);
  result.bytes = [...bytes.values()].reduce((sum, each) => sum + each, 0) / rows;
  result.natural = NATURAL[database].map((name) => [name, (bytes.get(name) ?? Number.NaN) / rows]);
  for (const [name, size] of bytes)
    process.stderr.write(`${database}: ${name}: ${(size / rows).toFixed(1)}\n`);
  await dataSource.destroy();
  await made?.drop();
  return result;
}

/** In new tables: what is appended to an index costs the same however large it is. */
async function measureWrites(database: DatabaseName): Promise<{ all: number; without: number }> {
  const made = await createDatabase(database);
  let dataSource = await openAt(made.url);
  await writeTimeOf(dataSource, 'd');
  const all = await writeTimeOf(dataSource, 'e');
  // SQLite changes no table that a statement of the same connection has open.
  await dataSource.destroy();
  dataSource = await openAt(made.url);
  for (const name of NATURAL[database])
    await dataSource.query(`DROP INDEX ${name}${database === 'mariadb' ? ' ON djaffar_activity' : ''}`);
  const without = await writeTimeOf(dataSource, 'f');
  await dataSource.destroy();
  await made.drop();
  return { all, without };
}

const results: Result[] = [];
for (const database of databases) results.push(await measure(database));
const writes: { all: number; without: number }[] = [];
for (const database of databases) writes.push(await measureWrites(database));

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const markdown = `# SQL that people write

${machine}; databases on the same machine with their default settings. ${Number(options.rows).toLocaleString('en')} activities over 90 days; the queries of
[docs/sql.md](../docs/sql.md) over ${RANGE_DAYS} days, and others that people write; the best of ${options.runs} runs, by \`npm run bench:sql\`. **Read by**
is the index of \`djaffar_activity\` that the plan uses, without its prefix.

${table(
  ['query', ...databases.flatMap((database) => [`${database}: read by`, 'ms'])],
  QUERIES.map(([name], i) => [
    name,
    ...results.flatMap(({ plans, times }) => [plans[i] ?? '', times[i] ?? '']),
  ]),
)}

## What the indexes for it cost

Bytes for each activity, and microseconds to store one by an \`INSERT\` of ${BATCH_SIZE}.

${table(
  ['', ...databases],
  [
    ...[...new Set(Object.values(NATURAL).flat())].map((name) => [
      `\`${name}\``,
      ...results.map(({ natural }) => natural.find(([own]) => own === name)?.[1].toFixed(1) ?? '–'),
    ]),
    ['all tables and indexes', ...results.map(({ bytes }) => bytes.toFixed(0))],
    [
      'without these',
      ...results.map(({ bytes, natural }) => natural.reduce((rest, [, own]) => rest - own, bytes).toFixed(0)),
    ],
    ['time to store', ...writes.map(({ all }) => all.toFixed(1))],
    ['without these', ...writes.map(({ without }) => without.toFixed(1))],
  ],
)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/SQL.md`, markdown);
