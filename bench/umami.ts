import { cpus, totalmem } from 'node:os';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DataSource } from 'typeorm';
import { ActivityStats, type Dimension, type TopMeasure } from '../lib/index.js';
import { TypeOrmStore } from '../lib/store/typeorm/typeorm.store.js';
import { filledDatabase } from './filled-database.js';
import { table } from './markdown.js';

// `top` of each measure beside the same question on tables as Umami 3 has them; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '5' },
    /** One that was filled before: it is kept. */
    'database-url': { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const WEBSITE = '00000000-0000-4000-8000-000000000001';

/** The columns of Umami that its questions about pages, events and sessions read, and all its indexes of them. */
const SCHEMA = [
  'DROP SCHEMA IF EXISTS umami CASCADE',
  'CREATE SCHEMA umami',
  `CREATE TABLE umami.session (session_id uuid PRIMARY KEY, website_id uuid, browser varchar(20), os varchar(20), device varchar(20), distinct_id varchar(50), created_at timestamptz)`,
  `CREATE TABLE umami.website_event (event_id uuid PRIMARY KEY, website_id uuid, session_id uuid, visit_id uuid, created_at timestamptz,
     url_path varchar(500), url_query varchar(500), utm_source varchar(255), referrer_path varchar(500), referrer_domain varchar(500), page_title varchar(500), event_type int, event_name varchar(50), hostname varchar(100))`,
  `INSERT INTO umami.session SELECT md5(id)::uuid, '${WEBSITE}', left(browser, 20), left(system, 20), device, NULL, to_timestamp("startedAt" / 1000.0)
     FROM djaffar_session WHERE NOT bot`,
  `INSERT INTO umami.website_event SELECT a.id, '${WEBSITE}', md5(a."sessionId")::uuid, md5(a."visitId")::uuid, to_timestamp(a.date / 1000.0),
          coalesce(a.page, a.path), nullif(split_part(a.path, '?', 2), ''), substring(a.path FROM 'utm_source=([^&]*)'), '/', substring(a.referer FROM '//(?:www\\.)?([^/]*)'), NULL,
          CASE WHEN a.name = 'view' THEN 1 ELSE 2 END, nullif(a.name, 'view'), 'www.example.com'
     FROM djaffar_activity a JOIN djaffar_session s ON s.id = a."sessionId" AND NOT s.bot ORDER BY a.date`,
  ...[
    'created_at',
    'session_id',
    'visit_id',
    'website_id',
    'website_id, created_at',
    'website_id, created_at, url_path',
    'website_id, created_at, url_query',
    'website_id, created_at, referrer_domain',
    'website_id, created_at, page_title',
    'website_id, created_at, event_name',
    'website_id, session_id, created_at',
    'website_id, visit_id, created_at',
  ].map((columns) => `CREATE INDEX ON umami.website_event (${columns})`),
  'VACUUM ANALYZE umami.session',
  'VACUUM ANALYZE umami.website_event',
];

const COUNTS: Partial<Record<TopMeasure, string>> = {
  views: 'count(*)',
  activities: 'count(*)',
  visits: 'count(DISTINCT e.visit_id)',
  sessions: 'count(DISTINCT e.session_id)',
  // Umami knows a user by the session.
  users: 'count(DISTINCT e.session_id)',
};

const COLUMNS: Partial<Record<Dimension, string>> = {
  path: 'e.url_path',
  name: 'e.event_name',
  referrer: 'e.referrer_domain',
  utmSource: 'e.utm_source',
  browser: 's.browser',
  system: 's.os',
  device: 's.device',
};

/** The same question in SQL of our own. */
function onUmami(dimension: Dimension, measure: TopMeasure, since: number, until: number): string {
  const column = COLUMNS[dimension] ?? '';
  const join = column.startsWith('s.') ? 'JOIN umami.session s ON s.session_id = e.session_id' : '';
  const where = [
    `e.website_id = '${WEBSITE}'`,
    `e.created_at >= to_timestamp(${since} / 1000.0) AND e.created_at < to_timestamp(${until} / 1000.0)`,
    ...(dimension === 'name' ? ['e.event_type = 2'] : measure === 'activities' ? [] : ['e.event_type = 1']),
    `${column} IS NOT NULL`,
  ];
  return `SELECT ${column} AS value, ${COUNTS[measure]} AS n FROM umami.website_event e ${join} WHERE ${where.join(' AND ')} GROUP BY 1 ORDER BY 2 DESC LIMIT 10`;
}

async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < Number(options.runs); run++) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

const { dataSource, activities, close } = await filledDatabase(options['database-url'], Number(options.rows));
for (const statement of SCHEMA) await dataSource.query(statement);
const stats = new ActivityStats(new TypeOrmStore(dataSource));
const HOUR = 3_600_000;
const until = Math.floor(Date.now() / HOUR) * HOUR;
const since = until - 30 * 24 * HOUR;

async function compare(source: DataSource): Promise<(string | number)[][]> {
  const lines: (string | number)[][] = [];
  for (const [dimension, measures] of [
    ['path', ['views', 'visits', 'sessions', 'users']],
    ['name', ['activities', 'visits', 'sessions', 'users']],
    ['referrer', ['visits', 'sessions', 'users']],
    ['utmSource', ['visits', 'sessions', 'users']],
    ['browser', ['visits', 'sessions', 'users']],
    ['system', ['visits', 'sessions', 'users']],
    ['device', ['visits', 'sessions', 'users']],
  ] satisfies [Dimension, TopMeasure[]][]) {
    for (const measure of measures) {
      const ours = await median(() =>
        stats.top(dimension, { from: new Date(since), to: new Date(until), measure }),
      );
      const theirs = await median(() => source.query(onUmami(dimension, measure, since, until)));
      lines.push([
        `${dimension} by ${measure}`,
        (theirs / ours).toFixed(1),
        ours.toFixed(0),
        theirs.toFixed(0),
      ]);
      process.stderr.write(`${lines.at(-1)?.join(' ')}\n`);
    }
  }
  return lines;
}

const lines = await compare(dataSource);
await dataSource.query('DROP SCHEMA umami CASCADE');
await close();
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const markdown = `# Compared with Umami

${machine}, PostgreSQL on the same machine with its default settings. \`top\` of 30 of 90 days, ${activities.toLocaleString('en')} activities; medians of ${options.runs} runs,
by \`npm run bench:umami\`. **Umami** is the same events in tables with the columns and indexes of Umami 3, queried for the same counts by our own
SQL. Umami identifies a user only by the session, so "by users" is compared with its sessions.

${table(['top', 'times as fast', 'ms', 'Umami, ms'], lines)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/UMAMI.md`, markdown);
