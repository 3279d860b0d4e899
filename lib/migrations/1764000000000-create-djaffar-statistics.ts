import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { MAX_LANGUAGE } from '../activity/language.js';
import { dialectOf } from '../database/dialects/dialect.js';
import { escapePath, buildTablePath } from '../database/table.js';
import { buildColumns, createIndexes, optional, primary } from './columns.js';

const DIRTY_RANGE = 'djaffar_dirty_range';
const PATH = 'djaffar_path';
const VISIT = 'djaffar_visit';
const NAME_ROLLUP = 'djaffar_name_rollup';
const PATH_ROLLUP = 'djaffar_path_rollup';
const DAILY_COUNT = 'djaffar_daily_count';
const ROLLUP_STATE = 'djaffar_rollup_state';

/** The rollup tables of statistics, which can be recomputed from the activities. */
export class CreateDjaffarStatistics1764000000000 implements MigrationInterface {
  name = 'CreateDjaffarStatistics1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { text, longText, uuid, bigint, int, boolean } = await buildColumns(runner);
    const name = (table: string): string => buildTablePath(runner.connection, table);
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
      new Table({ name: name(PATH), columns: [primary(int('id')), text('path', 2048)] }),
      new Table({
        name: name(VISIT),
        columns: [
          primary(text('id', 16)),
          // Widest columns first: avoids alignment padding in PostgreSQL.
          bigint('startedAt'),
          bigint('endedAt'),
          optional(bigint('previousSessionVisitAt')),
          optional(bigint('previousUserVisitAt')),
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
          optional(text('country', 2)),
          optional(text('language', MAX_LANGUAGE)),
          optional(longText('pathSequence')),
          optional(longText('otherPaths')),
          optional(longText('nameCounts')),
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
            columnNames: [
              'startedAt',
              'bot',
              'mixed',
              'bounced',
              'duration',
              'previousSessionVisitAt',
              'previousUserVisitAt',
            ],
          },
          { name: 'djaffar_visit_session', columnNames: ['sessionId', 'startedAt'] },
          { name: 'djaffar_visit_user', columnNames: ['userId', 'startedAt'] },
        ],
      }),
      new Table({
        name: name(NAME_ROLLUP),
        columns: [primary(bigint('startedAt')), primary(text('name', 64)), int('activities')],
      }),
      new Table({
        name: name(PATH_ROLLUP),
        columns: [primary(bigint('startedAt')), primary(int('path')), int('activities'), int('views')],
      }),
      new Table({
        name: name(DAILY_COUNT),
        columns: [primary(bigint('startedAt')), primary(text('metric', 80)), optional(longText('counts'))],
      }),
      new Table({
        name: name(ROLLUP_STATE),
        columns: [
          primary(int('id')),
          int('version'),
          bigint('compactedUntil'),
          bigint('frozenUntil'),
          bigint('maxVisitDuration'),
          bigint('maxMixedDuration'),
          optional(text('leaseHolder', 36)),
          bigint('leaseUntil'),
          bigint('largeFrom'),
        ],
      }),
    ];
    for (const table of tables) await runner.createTable(table, true);
    const paths = escapePath(runner.connection, name(PATH));
    await createIndexes(runner, [dialectOf(runner.connection).pathIndex(paths)]);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [DIRTY_RANGE, PATH, VISIT, NAME_ROLLUP, PATH_ROLLUP, DAILY_COUNT, ROLLUP_STATE])
      await runner.dropTable(buildTablePath(runner.connection, table));
  }
}
