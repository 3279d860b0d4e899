import type { DataSource } from 'typeorm';
import type { DatabaseName } from '../../test/support/databases.js';

/** How a query reads the activities: the names of their indexes, or `all rows`. */
export async function planOf(dataSource: DataSource, database: DatabaseName, sql: string): Promise<string> {
  const found = await READERS[database](dataSource, sql);
  const names = found.map(
    (name) => name?.replace(/^djaffar_activity_|^sqlite_autoindex.*/, '') ?? 'all rows',
  );
  return [...new Set(names)].map((name) => name || 'primary key').join(', ') || '–';
}

interface PostgresNode {
  Alias?: string;
  'Index Name'?: string;
  Plans?: PostgresNode[];
}

function indexesOf(node: PostgresNode): string[] {
  const own = node['Index Name'] ? [node['Index Name']] : [];
  return [...own, ...(node.Plans ?? []).flatMap(indexesOf)];
}

function readsOf(node: PostgresNode): (string | undefined)[] {
  if (node.Alias?.startsWith('activity')) {
    const indexes = indexesOf(node);
    return indexes.length > 0 ? indexes : [undefined];
  }
  return (node.Plans ?? []).flatMap(readsOf);
}

const READERS: Record<
  DatabaseName,
  (dataSource: DataSource, sql: string) => Promise<(string | undefined)[]>
> = {
  async postgres(dataSource, sql) {
    const [row]: { 'QUERY PLAN': { Plan: PostgresNode }[] }[] = await dataSource.query(
      `EXPLAIN (FORMAT JSON) ${sql}`,
    );
    return (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => readsOf(Plan));
  },
  async mariadb(dataSource, sql) {
    const rows: { table: string | null; key: string | null; Extra: string | null }[] = await dataSource.query(
      `EXPLAIN ${sql}`,
    );
    return rows.flatMap(({ table, key, Extra }) => {
      if (Extra?.includes('optimized away')) return ['end of an index'];
      return table?.startsWith('activity') ? [key ?? undefined] : [];
    });
  },
  async sqlite(dataSource, sql) {
    const rows: { detail: string }[] = await dataSource.query(`EXPLAIN QUERY PLAN ${sql}`);
    return rows.flatMap(({ detail }) => {
      const [isOurs] = /^(?:SCAN|SEARCH) activity/.exec(detail) ?? [];
      return isOurs ? [/INDEX (\w+)/.exec(detail)?.[1]] : [];
    });
  },
};
