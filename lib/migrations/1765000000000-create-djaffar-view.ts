import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ACTIVITIES_VIEW, createView } from '../store/typeorm/activities.view.js';
import { dialectOf } from '../database/dialects/dialect.js';
import { escapePath, buildTablePath } from '../database/table.js';

/** The view of activities with plain names and types. */
export class CreateDjaffarView1765000000000 implements MigrationInterface {
  name = 'CreateDjaffarView1765000000000';

  async up(runner: QueryRunner): Promise<void> {
    await dropView(runner);
    await runner.query(createView(runner.connection, dialectOf(runner.connection)));
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropView(runner);
  }
}

/** There is one before the migration if an earlier try was broken off on MariaDB or MySQL. */
async function dropView(runner: QueryRunner): Promise<void> {
  const { connection } = runner;
  await runner.query(
    `DROP VIEW IF EXISTS ${escapePath(connection, buildTablePath(connection, ACTIVITIES_VIEW))}`,
  );
}
