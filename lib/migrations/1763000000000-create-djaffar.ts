import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';
import { dialectOf } from '../activity/dialects/dialect.js';
import { escapePath, pathOf } from '../activity/table.js';

const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });

const ACTIVITY = 'djaffar_activity';
const SESSION = 'djaffar_session';

/** The tables of activities and sessions. */
export class CreateDjaffar1763000000000 implements MigrationInterface {
  name = 'CreateDjaffar1763000000000';

  async up(runner: QueryRunner): Promise<void> {
    // TypeORM 0.3 has no `runner.dataSource` yet.
    const { connection: dataSource } = runner;
    const dialect = dialectOf(dataSource);
    const exact = await dialect.exactText(runner);
    const text = (name: string, length: number): TableColumnOptions => ({
      ...exact,
      name,
      type: 'varchar',
      length: `${length}`,
    });
    await runner.createTable(
      new Table({
        name: pathOf(dataSource, SESSION),
        columns: [
          { ...text('id', 64), isPrimary: true },
          optional(text('userAgent', 1024)),
          { name: 'startedAt', type: 'bigint' },
          optional(text('browser', 64)),
          optional(text('system', 64)),
          optional(text('device', 16)),
          { name: 'bot', type: dataSource.driver.normalizeType({ type: 'boolean' }) },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: pathOf(dataSource, ACTIVITY),
        columns: [
          { ...text('id', 36), isPrimary: true },
          { name: 'date', type: 'bigint' },
          { name: 'receivedAt', type: 'bigint' },
          text('name', 64),
          text('path', 2048),
          optional(text('referer', 2048)),
          optional({ ...exact, name: 'properties', type: 'text' }),
          optional(text('userId', 255)),
          optional(text('userName', 255)),
          optional(text('sessionId', 64)),
          optional(text('visitId', 16)),
          optional(text('ipAddress', 45)),
        ],
        indices: [
          { name: 'djaffar_activity_date', columnNames: ['date'] },
          { name: 'djaffar_activity_user', columnNames: ['userId', 'date'] },
          { name: 'djaffar_activity_session', columnNames: ['sessionId', 'date'] },
          { name: 'djaffar_activity_visit', columnNames: ['visitId'] },
          { name: 'djaffar_activity_name', columnNames: ['name', 'date'] },
          { name: 'djaffar_activity_ip', columnNames: ['ipAddress', 'date'] },
        ],
      }),
    );
    await dialect.createPathIndex(
      runner,
      'djaffar_activity_path',
      escapePath(dataSource, pathOf(dataSource, ACTIVITY)),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [ACTIVITY, SESSION]) await runner.dropTable(pathOf(runner.connection, table));
  }
}
