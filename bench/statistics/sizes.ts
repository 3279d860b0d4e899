import type { DataSource } from 'typeorm';

export interface Size {
  name: string;
  /** Bytes for each activity. */
  bytes: number;
}

/** Returns the size of tables and indexes on disk, the largest first. */
export async function sizesOf(dataSource: DataSource, activities: number): Promise<Size[]> {
  const rows: { name: string; bytes: string }[] = await dataSource.query(
    `SELECT CASE WHEN t.oid = r.oid THEN 'table ' || t.relname
                 WHEN i.indisprimary THEN 'primary key of ' || t.relname ELSE 'index ' || r.relname END AS name,
            CASE WHEN t.oid = r.oid THEN pg_table_size(r.oid) ELSE pg_relation_size(r.oid) END AS bytes
       FROM pg_class r LEFT JOIN pg_index i ON i.indexrelid = r.oid
       JOIN pg_class t ON t.oid = COALESCE(i.indrelid, r.oid)
      WHERE t.relname LIKE 'djaffar%' AND t.relkind = 'r' AND r.relkind IN ('r', 'i')
      ORDER BY 2 DESC`,
  );
  return rows.map(({ name, bytes }) => ({ name, bytes: Number(bytes) / activities }));
}
