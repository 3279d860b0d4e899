import pg from 'pg';
import { DataSource } from 'typeorm';
import { djaffarEntities } from '../lib/index.js';
import { RollupService } from '../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { databaseOptions } from '../sample/database.js';

export const DAYS = 90;
const ROWS_OF_VISIT = 10;
const SESSIONS_OF_ROW = 1 / 50;
const PATHS = 5000;

/**
 * Fills the empty tables of a PostgreSQL database with so many activities of the last 90 days, in their order, and computes
 * the rollups. On average a visit has ten activities and a session five visits; paths and referrers follow Zipf's law.
 */
export async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows: indexes } = await client.query<{
    name: string;
    definition: string;
    constraint: string | null;
  }>(
    `SELECT indexname AS name, indexdef AS definition, c.conname AS constraint
       FROM pg_indexes LEFT JOIN pg_constraint c ON c.conname = indexname
      WHERE tablename = 'djaffar_activity'`,
  );
  // Indexes are built faster after the rows are inserted.
  for (const { name, constraint } of indexes) {
    await client.query(
      constraint ? `ALTER TABLE djaffar_activity DROP CONSTRAINT "${name}"` : `DROP INDEX "${name}"`,
    );
  }
  await client.query(`SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'; SELECT setseed(0.42)`);
  for (const statement of statements(rows)) await client.query(statement);
  for (const { name, definition, constraint } of indexes) {
    await client.query(
      constraint ? `ALTER TABLE djaffar_activity ADD CONSTRAINT "${name}" PRIMARY KEY (id)` : definition,
    );
  }
  await client.query('VACUUM ANALYZE');
  const dataSource = new DataSource({ ...databaseOptions(url), entities: djaffarEntities });
  await dataSource.initialize();
  await new RollupService(dataSource).drain();
  await dataSource.destroy();
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  await client.end();
}

function statements(rows: number): string[] {
  const visits = Math.ceil(rows / ROWS_OF_VISIT);
  const sessions = Math.ceil(rows * SESSIONS_OF_ROW);
  const session = (i: string): string => `lpad((${i})::text, 15, 's')`;
  return [
    `INSERT INTO djaffar_session (id, "userAgent", "startedAt", browser, system, device, bot)
     SELECT ${session('i')}, 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 0,
            (ARRAY['Firefox', 'Chrome', 'Safari', 'Microsoft Edge'])[1 + i % 4],
            (ARRAY['Linux', 'Windows', 'macOS', 'Android', 'iOS'])[1 + i % 5],
            (ARRAY['desktop', 'mobile', 'tablet'])[1 + i % 3], i % 33 = 0
       FROM generate_series(1, ${sessions}) i`,
    // The length of a visit is geometric. Its id has the length and the order of those of cookies.
    `CREATE TEMP TABLE visit AS
     SELECT i, ${session(`1 + floor(random() * ${sessions})::int`)} AS session,
            1 + floor(-ln(1 - random()) * ${ROWS_OF_VISIT - 0.5})::int AS length,
            start, to_hex(start) || substr(md5(i::text), 1, 4) AS id, random() AS chance
       FROM generate_series(1, ${visits}) i,
            LATERAL (SELECT (extract(epoch FROM now()) * 1000)::bigint - (random() * ${DAYS} * 86400000 + 0 * i)::bigint AS start) begun`,
    `INSERT INTO djaffar_activity
       (id, date, "receivedAt", name, path, page, referer, properties, "userId", "userName", "sessionId", "visitId", "ipAddress")
     SELECT gen_random_uuid(), date, date + 40, name,
            page || query, CASE WHEN query <> '' THEN page END, referer, properties,
            "user", 'user' || "user", session, id, ip
       FROM (SELECT start + step * (2000 + random() * 60000)::int AS date,
                    CASE WHEN random() < 0.8 THEN 'view' WHEN random() < 0.6 THEN 'engagement'
                         WHEN random() < 0.8 THEN 'click' ELSE 'bought' END AS name,
                    '/products/' || floor(exp(random() * ln(${PATHS})))::int AS page,
                    CASE WHEN step = 0 AND chance < 0.05 THEN '?utm_source=mail&utm_campaign=c' || i % 20 ELSE '' END AS query,
                    CASE WHEN step = 0 AND chance < 0.4
                         THEN 'https://www.site' || floor(exp(random() * ln(500)))::int || '.example/' END AS referer,
                    CASE WHEN random() < 0.05
                         THEN '{"plan":"' || (ARRAY['free', 'pro', 'team'])[1 + floor(random() * 3)::int] || '"}' END AS properties,
                    CASE WHEN right(session, 1) IN ('1', '4', '7')
                         THEN (ltrim(session, 's')::int % 50000)::text END AS "user",
                    session, id, '10.' || i % 250 || '.' || i % 200 || '.' || i % 199 AS ip
               FROM visit, LATERAL generate_series(0, length - 1) step
              ORDER BY 1) made`,
    'DROP TABLE visit',
  ];
}
