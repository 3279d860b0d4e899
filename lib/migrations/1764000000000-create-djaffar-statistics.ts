import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { dialectOf } from '../database/dialects/dialect.js';
import { escapePath, pathOf } from '../database/table.js';
import { columnsOf, optional, primary } from './columns.js';

const DIRTY_RANGE = 'djaffar_dirty_range';
const PATH = 'djaffar_path';
const VISIT = 'djaffar_visit';
const TOTAL = 'djaffar_total';
const PATH_TOTAL = 'djaffar_path_total';
const DAY_COUNT = 'djaffar_day_count';
const ROLLUP = 'djaffar_rollup';

/** The tables that are kept ready for statistics; all of them can be made anew from the activities. */
export class CreateDjaffarStatistics1764000000000 implements MigrationInterface {
  name = 'CreateDjaffarStatistics1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { text, longText, uuid, bigint, int, boolean } = await columnsOf(runner);
    const name = (table: string): string => pathOf(runner.connection, table);
    const tables = [
      new Table({
        name: name(DIRTY_RANGE),
        columns: [
          primary(uuid('id')),
          bigint('createdAt'),
          bigint('since'),
          bigint('until'),
          optional(longText('visits')),
          boolean('erased'),
          boolean('unbounded'),
          boolean('deferred'),
        ],
      }),
      new Table({ name: name(PATH), columns: [primary(int('number')), text('path', 2048)] }),
      new Table({
        name: name(VISIT),
        columns: [
          primary(text('id', 16)),
          // The longest first: PostgreSQL fills up to multiples of their size what is before them.
          bigint('startedAt'),
          bigint('endedAt'),
          optional(bigint('sessionBefore')),
          optional(bigint('userBefore')),
          int('duration'),
          int('activities'),
          int('views'),
          int('entry'),
          int('exit'),
          boolean('bounced'),
          boolean('bot'),
          boolean('mixed'),
          optional(text('sessionId', 64)),
          optional(text('userId', 255)),
          optional(text('browser', 64)),
          optional(text('system', 64)),
          optional(text('device', 16)),
          optional(longText('way')),
          optional(longText('beside')),
          optional(longText('doings')),
          optional(text('referrer', 255)),
          optional(text('utmSource', 255)),
          optional(text('utmMedium', 255)),
          optional(text('utmCampaign', 255)),
          optional(text('utmTerm', 255)),
          optional(text('utmContent', 255)),
        ],
        indices: [
          {
            name: 'djaffar_visit_started',
            columnNames: ['startedAt', 'bot', 'mixed', 'bounced', 'duration', 'sessionBefore', 'userBefore'],
          },
          { name: 'djaffar_visit_session', columnNames: ['sessionId', 'startedAt'] },
          { name: 'djaffar_visit_user', columnNames: ['userId', 'startedAt'] },
        ],
      }),
      new Table({
        name: name(TOTAL),
        columns: [primary(bigint('startedAt')), primary(text('name', 64)), int('activities')],
      }),
      new Table({
        name: name(PATH_TOTAL),
        columns: [primary(bigint('startedAt')), primary(int('path')), int('activities'), int('views')],
      }),
      new Table({
        name: name(DAY_COUNT),
        columns: [primary(bigint('startedAt')), primary(text('what', 80)), optional(longText('counts'))],
      }),
      new Table({
        name: name(ROLLUP),
        columns: [
          primary(int('id')),
          int('version'),
          bigint('daysUntil'),
          bigint('longest'),
          bigint('longestMixed'),
          optional(text('leaseHolder', 36)),
          bigint('leaseUntil'),
          bigint('largeFrom'),
        ],
      }),
    ];
    for (const table of tables) await runner.createTable(table);
    const paths = escapePath(runner.connection, name(PATH));
    await runner.query(`CREATE INDEX ${dialectOf(runner.connection).pathIndex(paths)}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [DIRTY_RANGE, PATH, VISIT, TOTAL, PATH_TOTAL, DAY_COUNT, ROLLUP])
      await runner.dropTable(pathOf(runner.connection, table));
  }
}
