import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { dialectOf } from '../database/dialects/dialect.js';
import { escapePath, buildTablePath } from '../database/table.js';
import { MAX_LANGUAGE } from '../activity/language.js';
import { MAX_SUBJECT } from '../activity/subject.js';
import { buildColumns, createIndexes, optional, primary } from './columns.js';

const ACTIVITY = 'djaffar_activity';
const SESSION = 'djaffar_session';
const SIGNING_KEY = 'djaffar_signing_key';
const RETENTION = 'djaffar_retention';
const SALT = 'djaffar_salt';
const COOKIELESS_VISIT = 'djaffar_cookieless_visit';
const OUTBOX = 'djaffar_outbox';
const SUBSCRIPTION = 'djaffar_subscription';
const OUTCOME = 'djaffar_outcome';

/** All tables that cannot be recomputed from the activities. */
export class CreateDjaffar1763000000000 implements MigrationInterface {
  name = 'CreateDjaffar1763000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { connection: dataSource } = runner;
    const { text, longText, uuid, bigint, int, boolean, serial } = await buildColumns(runner);
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, SESSION),
        columns: [
          primary(text('id', 64)),
          optional(text('userAgent', 1024)),
          bigint('startedAt'),
          optional(text('browser', 64)),
          optional(text('system', 64)),
          optional(text('device', 16)),
          optional(text('country', 2)),
          optional(text('language', MAX_LANGUAGE)),
          boolean('bot'),
          optional(boolean('consent')),
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, ACTIVITY),
        columns: [
          primary(uuid('id')),
          bigint('date'),
          bigint('receivedAt'),
          text('name', 64),
          text('path', 2048),
          optional(text('page', 2048)),
          optional(text('route', 255)),
          optional(text('referer', 2048)),
          optional(longText('properties')),
          optional(text('subject', MAX_SUBJECT)),
          optional(text('userId', 255)),
          optional(text('userName', 255)),
          optional(text('groupId', MAX_SUBJECT)),
          optional(text('groupName', 255)),
          optional(text('sessionId', 64)),
          optional(text('visitId', 16)),
          optional(text('ipAddress', 45)),
          optional(boolean('interactive')),
        ],
        indices: [
          { name: 'djaffar_activity_session', columnNames: ['sessionId'] },
          { name: 'djaffar_activity_visit', columnNames: ['visitId'] },
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, SIGNING_KEY),
        columns: [primary(int('number')), bigint('createdAt'), text('secret', 43)],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, RETENTION),
        columns: [primary(int('id')), optional(text('holder', 36)), bigint('leaseUntil'), bigint('doneAt')],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, SALT),
        columns: [primary(int('period')), text('secret', 43)],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, COOKIELESS_VISIT),
        columns: [
          primary(text('sessionId', 64)),
          text('visitId', 16),
          bigint('startedAt'),
          bigint('lastSeen'),
          text('userDigest', 8),
          int('version'),
        ],
        indices: [{ name: 'djaffar_cookieless_visit_seen', columnNames: ['lastSeen'] }],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, OUTBOX),
        columns: [serial('number'), text('subscription', 64), uuid('activityId')],
        indices: [{ name: 'djaffar_outbox_subscription', columnNames: ['subscription', 'number'] }],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, SUBSCRIPTION),
        columns: [
          primary(text('name', 64)),
          bigint('createdAt'),
          int('failures'),
          bigint('retryAt'),
          optional(bigint('parkedAt')),
          optional(text('error', 64)),
          optional(text('holder', 36)),
          bigint('leaseUntil'),
          optional(bigint('historyDate')),
          optional(text('historyId', 36)),
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: buildTablePath(dataSource, OUTCOME),
        columns: [primary(bigint('hour')), primary(text('cause', 64)), bigint('count')],
      }),
      true,
    );
    const table = (name: string): string => escapePath(dataSource, buildTablePath(dataSource, name));
    const dialect = dialectOf(dataSource);
    const { timestampColumn } = dialect;
    if (
      timestampColumn &&
      !(await runner.hasColumn(buildTablePath(dataSource, ACTIVITY), timestampColumn.name))
    )
      await runner.query(`ALTER TABLE ${table(ACTIVITY)} ADD COLUMN ${timestampColumn.definition}`);
    await createIndexes(runner, [
      ...dialect.activityIndexes(table(ACTIVITY)),
      ...dialect.sessionIndexes(table(SESSION)),
    ]);
  }

  async down(runner: QueryRunner): Promise<void> {
    const { connection: dataSource } = runner;
    // TypeORM's `dropTable` looks generated columns up in a table of its own, which may not be there.
    for (const table of [
      ACTIVITY,
      SESSION,
      SIGNING_KEY,
      RETENTION,
      SALT,
      COOKIELESS_VISIT,
      OUTBOX,
      SUBSCRIPTION,
      OUTCOME,
    ])
      await runner.query(`DROP TABLE ${escapePath(dataSource, buildTablePath(dataSource, table))}`);
  }
}
