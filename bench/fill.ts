import pg from 'pg';

const SESSIONS = 200_000;

/** Puts so many activities, of 200,000 sessions over 90 days, into the empty tables of a PostgreSQL database. */
export async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
      WHERE tablename = 'djaffar_activity' AND indexname LIKE 'djaffar%'`,
  );
  // Built afterwards, all at once, they take a fraction of the time.
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await client.query(
    `INSERT INTO djaffar_session
     SELECT 's' || lpad(i::text, 21, '0'), 'Mozilla/5.0', 0, 'Firefox', 'Linux', 'desktop', false
       FROM generate_series(1, ${SESSIONS}) i`,
  );
  await client.query(
    `INSERT INTO djaffar_activity (id, date, "receivedAt", name, path, "userId", "sessionId", "visitId", "ipAddress")
     SELECT gen_random_uuid()::text, now.ms - i * span.ms, now.ms - i * span.ms,
            CASE WHEN i % 10 = 0 THEN 'bought' ELSE 'view' END,
            '/p/' || (power(random(), 3) * 5000)::int,
            CASE WHEN i % 3 = 0 THEN (random() * 50000)::int::text END,
            's' || lpad((1 + (random() * ${SESSIONS - 1})::int)::text, 21, '0'),
            lpad((i / 10)::text, 16, 'v'),
            '10.' || (random() * 255)::int || '.' || (random() * 255)::int || '.' || (random() * 255)::int
       FROM generate_series(1, ${rows}) i,
            (SELECT (extract(epoch FROM now()) * 1000)::bigint AS ms) now,
            (SELECT (90 * 86400000::bigint) / ${rows} AS ms) span`,
  );
  for (const { definition } of indexes) await client.query(definition);
  await client.query('VACUUM ANALYZE djaffar_activity');
  await client.query('CHECKPOINT');
  await client.end();
}
