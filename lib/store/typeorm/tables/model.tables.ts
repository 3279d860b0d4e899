import { Column, type ColumnOptions, Entity, Index, JoinColumn, ManyToOne } from 'typeorm';
import { Activity, type ActivityOnPage } from '../../../activity/activity.js';
import { Session } from '../../../activity/session.js';
import { MAX_SUBJECT } from '../../../activity/subject.js';
import { instant, json } from '../../../database/column-transformers.js';

/**
 * Maps a class of the model to a table, as TypeORM's decorators do: the model itself knows no engine. The columns are named
 * as the properties, so that a naming strategy of the host leaves them as the migrations have made them. TypeORM does not synchronize
 * the tables: it can describe neither their collations, nor indexes on expressions, nor a column of one database.
 * @returns the class
 */
export function mapClass<T extends new () => object, Columns>(
  model: T,
  table: string,
  columns: Record<keyof Columns, ColumnOptions>,
): T {
  Entity(table, { synchronize: false })(model);
  for (const [property, options] of Object.entries<ColumnOptions>(columns))
    Column({ name: property, ...options })(model.prototype, property);
  return model;
}

export const activityTable = mapClass<typeof Activity, ActivityOnPage>(Activity, 'djaffar_activity', {
  id: { type: 'uuid', primary: true },
  date: { type: 'bigint', transformer: instant },
  receivedAt: { type: 'bigint', transformer: instant },
  name: { type: 'varchar', length: 64 },
  path: { type: 'varchar', length: 2048 },
  page: { type: 'varchar', length: 2048, nullable: true, select: false },
  route: { type: 'varchar', length: 255, nullable: true },
  referer: { type: 'varchar', length: 2048, nullable: true },
  properties: { type: 'text', nullable: true, transformer: json },
  subject: { type: 'varchar', length: MAX_SUBJECT, nullable: true },
  userId: { type: 'varchar', length: 255, nullable: true },
  userName: { type: 'varchar', length: 255, nullable: true },
  groupId: { type: 'varchar', length: MAX_SUBJECT, nullable: true },
  groupName: { type: 'varchar', length: 255, nullable: true },
  sessionId: { type: 'varchar', length: 64, nullable: true },
  visitId: { type: 'varchar', length: 16, nullable: true },
  ipAddress: { type: 'varchar', length: 45, nullable: true },
  interactive: { type: 'boolean', nullable: true },
});

const { prototype } = activityTable;
ManyToOne(() => Session, { createForeignKeyConstraints: false, nullable: true, persistence: false })(
  prototype,
  'session',
);
JoinColumn({ name: 'sessionId' })(prototype, 'session');

// Single-column indexes, so that B-tree deduplication stores each value once.
Index('djaffar_activity_session', ['sessionId'])(activityTable);
Index('djaffar_activity_visit', ['visitId'])(activityTable);
// The migration creates the other indexes, which differ between databases.

export const sessionTable = mapClass<typeof Session, Session>(Session, 'djaffar_session', {
  id: { type: 'varchar', length: 64, primary: true },
  userAgent: { type: 'varchar', length: 1024, nullable: true },
  startedAt: { type: 'bigint', transformer: instant },
  browser: { type: 'varchar', length: 64, nullable: true },
  system: { type: 'varchar', length: 64, nullable: true },
  device: { type: 'varchar', length: 16, nullable: true },
  country: { type: 'varchar', length: 2, nullable: true },
  language: { type: 'varchar', length: 35, nullable: true },
  bot: { type: 'boolean' },
  consent: { type: 'boolean', nullable: true },
});
