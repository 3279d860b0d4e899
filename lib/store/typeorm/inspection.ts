import type { DataSource, EntityManager, EntityMetadata } from 'typeorm';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { classifyFailure } from '../../database/driver.js';
import { uncached } from '../../database/primary.js';
import { escapePath } from '../../database/table.js';
import { type Finding, ok, problem, warning } from '../finding.js';
import { SigningKey } from './tables/signing-key.entity.js';

const MIGRATE =
  'run the migrations of the data source, with djaffarMigrations among them: npx djaffar -d … migrate';

const NEVER_STARTED = warning(
  'no visitor has come yet: there is no key to sign cookies',
  'start the app with DjaffarModule on this database, and open a page of it',
);

/** The indexes that are equal on all databases; {@link Dialect} has the others. */
const INDEXES: [name: string, table: string, columns: string[]][] = [
  ['djaffar_activity_session', 'djaffar_activity', ['sessionId']],
  ['djaffar_activity_visit', 'djaffar_activity', ['visitId']],
  ['djaffar_cookieless_visit_seen', 'djaffar_cookieless_visit', ['lastSeen']],
  ['djaffar_outbox_subscription', 'djaffar_outbox', ['subscription', 'number']],
  [
    'djaffar_visit_started',
    'djaffar_visit',
    ['startedAt', 'bot', 'mixed', 'bounced', 'duration', 'previousSessionVisitAt', 'previousUserVisitAt'],
  ],
  ['djaffar_visit_session', 'djaffar_visit', ['sessionId', 'startedAt']],
  ['djaffar_visit_user', 'djaffar_visit', ['userId', 'startedAt']],
];

/** Compares the database with the schema of the migrations, and checks the rights that Djaffar needs, without changing anything. */
export async function inspect(dataSource: DataSource): Promise<Finding[]> {
  const entities = dataSource.entityMetadatas.filter(({ tableName }) => tableName.includes('djaffar_'));
  // The connection that writes.
  return connectionsOf(dataSource).use(async ({ runner }) => {
    const manager = uncached(dataSource, runner);
    const tables = await findTableFaults(manager, entities);
    if (tables.length > 0) return tables;
    return [
      ok('all tables and columns are there'),
      ...(await findIndexFaults(manager, entities)),
      ...(await findRightFaults(manager, entities)),
      ...((await manager.count(SigningKey)) > 0 ? [] : [NEVER_STARTED]),
    ];
  });
}

async function findTableFaults(manager: EntityManager, entities: EntityMetadata[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  let missing = 0;
  for (const { tablePath, columns } of entities) {
    const names = columns.map(({ databaseName }) => escapePath(manager.connection, databaseName));
    const table = escapePath(manager.connection, tablePath);
    try {
      await manager.query(`SELECT ${names.join(', ')} FROM ${table} WHERE 1 = 0`);
    } catch (error) {
      const failure = classifyFailure(manager.connection, error);
      if (!failure) throw error;
      if (failure.isNotMigrated) missing += 1;
      findings.push(
        failure.isNotMigrated
          ? problem(`${table} or a column of it is missing: ${failure.reason}`, MIGRATE)
          : problem(`${table} cannot be read: ${failure.reason}`, failure.advice ?? 'see the reason'),
      );
    }
  }
  return missing === entities.length ? [problem('none of the tables is there', MIGRATE)] : findings;
}

async function findIndexFaults(manager: EntityManager, entities: EntityMetadata[]): Promise<Finding[]> {
  const { connection: dataSource } = manager;
  const dialect = dialectOf(dataSource);
  const quoteTable = (name: string): string => {
    const metadata = entities.find(({ tablePath }) => tablePath.endsWith(name));
    return escapePath(dataSource, metadata?.tablePath ?? name);
  };
  const quoted = (columns: string[]): string =>
    columns.map((column) => dataSource.driver.escape(column)).join(', ');
  const expected = [
    ...dialect.activityIndexes(quoteTable('djaffar_activity')),
    ...dialect.sessionIndexes(quoteTable('djaffar_session')),
    dialect.pathIndex(quoteTable('djaffar_path')),
    ...INDEXES.map(([name, table, columns]) => `${name} ON ${quoteTable(table)} (${quoted(columns)})`),
  ];
  const rows: { name: string }[] = await manager.query(dialect.indexNames);
  const found = new Set(rows.map(({ name }) => name));
  const missing = expected.filter((index) => !found.has(index.split(' ', 1)[0] ?? ''));
  if (missing.length === 0) return [ok('all indexes are there')];
  return missing.map((index) =>
    warning(
      `the index ${index.split(' ', 1)[0]} is missing or invalid: questions are slow`,
      `CREATE INDEX ${index};`,
    ),
  );
}

/** The statements change no row, but need the same rights. */
async function findRightFaults(manager: EntityManager, entities: EntityMetadata[]): Promise<Finding[]> {
  const { connection: dataSource } = manager;
  const findings: Finding[] = [];
  for (const { tablePath, columns } of entities) {
    const table = escapePath(dataSource, tablePath);
    // Only the database itself may give some columns a value.
    const names = columns.flatMap(({ databaseName, isGenerated }) =>
      isGenerated ? [] : dataSource.driver.escape(databaseName),
    );
    const [first] = names;
    const statements = {
      INSERT: `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${table} WHERE 1 = 0`,
      UPDATE: `UPDATE ${table} SET ${first} = ${first} WHERE 1 = 0`,
      DELETE: `DELETE FROM ${table} WHERE 1 = 0`,
    };
    const refused: string[] = [];
    let reason = '';
    for (const [right, statement] of Object.entries(statements)) {
      try {
        await manager.query(statement);
      } catch (error) {
        const failure = classifyFailure(dataSource, error);
        if (!failure) throw error;
        refused.push(right);
        reason = failure.reason;
      }
    }
    if (refused.length > 0)
      findings.push(
        problem(
          `${refused.join(', ')} on ${table} is refused: ${reason}`,
          `GRANT ${refused.join(', ')} ON ${table} TO the user of the data source, or connect to a server that takes writes`,
        ),
      );
  }
  return findings.length > 0 ? findings : [ok('the user may read and write all tables')];
}
