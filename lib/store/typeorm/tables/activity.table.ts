import { Index, JoinColumn, ManyToOne } from 'typeorm';
import { Activity, type ActivityOnPage } from '../../../activity/activity.js';
import { Session } from '../../../activity/session.js';
import { MAX_SUBJECT } from '../../../activity/subject.js';
import { instant } from '../../../database/columns/instant.js';
import { json } from '../../../database/columns/json.js';
import { mapClass } from './map-class.js';

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
