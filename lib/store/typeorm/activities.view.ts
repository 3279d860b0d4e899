import type { DataSource } from 'typeorm';
import type { Dialect } from '../../database/dialects/dialect.js';
import { escapePath, buildTablePath } from '../../database/table.js';

/** The view for people and tools that write SQL. */
export const ACTIVITIES_VIEW = 'djaffar_activities';

/** The SQL of a table's column by its alias, escaped. */
type ColumnOf = (column: string) => string;

/** The parts of the SQL of a column. */
interface Parts {
  column: ColumnOf;
  /** The SQL of a page by the column that has its id. */
  page: (column: string) => string;
  dialect: Dialect;
}

/** Its columns, in their order, and the SQL of each. */
export const VIEW_COLUMNS: Record<string, (parts: Parts) => string> = {
  id: ({ column }) => column('activity.id'),
  date: ({ column, dialect }) =>
    dialect.timestampColumn
      ? column(`activity.${dialect.timestampColumn.name}`)
      : dialect.timestamp(column('activity.date')),
  date_ms: ({ column }) => column('activity.date'),
  received_at: ({ column, dialect }) => dialect.timestamp(column('activity.receivedAt')),
  name: ({ column }) => column('activity.name'),
  path: ({ column }) => column('activity.path'),
  page: ({ column }) => `COALESCE(${column('activity.page')}, ${column('activity.path')})`,
  route: ({ column }) => column('activity.route'),
  referer: ({ column }) => column('activity.referer'),
  properties: ({ column, dialect }) => dialect.json(column('activity.properties')),
  subject: ({ column }) => column('activity.subject'),
  user_id: ({ column }) => column('activity.userId'),
  user_name: ({ column }) => column('activity.userName'),
  group_id: ({ column }) => column('activity.groupId'),
  group_name: ({ column }) => column('activity.groupName'),
  session_id: ({ column }) => column('activity.sessionId'),
  visit_id: ({ column }) => column('activity.visitId'),
  ip_address: ({ column }) => column('activity.ipAddress'),
  interactive: ({ column }) => `COALESCE(${column('activity.interactive')}, TRUE)`,
  user_agent: ({ column }) => column('session.userAgent'),
  browser: ({ column }) => column('session.browser'),
  system: ({ column }) => column('session.system'),
  device: ({ column }) => column('session.device'),
  country: ({ column }) => column('session.country'),
  language: ({ column }) => column('session.language'),
  bot: ({ column }) => `COALESCE(${column('session.bot')}, FALSE)`,
  entry: ({ page }) => page('visit.entry'),
  exit: ({ page }) => page('visit.exit'),
  referrer: ({ column }) => column('visit.referrer'),
  utm_source: ({ column }) => column('visit.utmSource'),
  utm_medium: ({ column }) => column('visit.utmMedium'),
  utm_campaign: ({ column }) => column('visit.utmCampaign'),
  utm_term: ({ column }) => column('visit.utmTerm'),
  utm_content: ({ column }) => column('visit.utmContent'),
};

/**
 * Each table is joined by a key, so that a database can skip the joins whose columns are not selected. MariaDB does so only if no other
 * join depends on it, so pages are subqueries.
 */
const JOINS: [table: string, alias: string, key: string, column: string][] = [
  ['djaffar_session', 'session', 'id', 'activity.sessionId'],
  ['djaffar_visit', 'visit', 'id', 'activity.visitId'],
];

/** The statement that creates the view. */
export function createView(dataSource: DataSource, dialect: Dialect): string {
  const { driver } = dataSource;
  const table = (name: string): string => escapePath(dataSource, buildTablePath(dataSource, name));
  const column: ColumnOf = (path) => escapePath(dataSource, path);
  const page = (id: string): string =>
    `(SELECT ${column('known.path')} FROM ${table('djaffar_path')} ${driver.escape('known')} WHERE ${column('known.id')} = ${column(id)})`;
  const parts = { column, page, dialect };
  const selected = Object.entries(VIEW_COLUMNS).map(
    ([name, sql]) => `${sql(parts)} AS ${driver.escape(name)}`,
  );
  const joined = JOINS.map(
    ([name, alias, key, by]) =>
      `LEFT JOIN ${table(name)} ${driver.escape(alias)} ON ${column(`${alias}.${key}`)} = ${column(by)}`,
  );
  return [
    `CREATE VIEW ${table(ACTIVITIES_VIEW)} AS SELECT ${selected.join(', ')}`,
    `FROM ${table('djaffar_activity')} ${driver.escape('activity')}`,
    ...joined,
  ].join(' ');
}
