import type { DataSource } from 'typeorm';
import type { DatabaseName } from '../../test/support/databases.js';

/** Bytes of each table and index of Djaffar. */
export async function bytesOf(dataSource: DataSource, database: DatabaseName): Promise<Map<string, number>> {
  const rows: { name: string; bytes: string | number }[] = await dataSource.query(QUERIES[database]);
  return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
}

const QUERIES: Record<DatabaseName, string> = {
  postgres: `
    SELECT relname AS name, CASE WHEN relkind = 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END AS bytes
      FROM pg_class WHERE relname LIKE '%djaffar%' AND relkind IN ('r', 'i')
        OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid::regclass::text LIKE 'djaffar%')`,
  // The table itself is its primary key.
  mariadb: `
    SELECT IF(index_name = 'PRIMARY', table_name, index_name) AS name, stat_value * @@innodb_page_size AS bytes
      FROM mysql.innodb_index_stats
     WHERE database_name = DATABASE() AND table_name LIKE 'djaffar%' AND stat_name = 'size'`,
  sqlite: `SELECT name, SUM(pgsize) AS bytes FROM dbstat WHERE name LIKE '%djaffar%' GROUP BY name`,
};
