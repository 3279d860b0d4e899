import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { createClient } from '@clickhouse/client';
import { type ActivityOnPage } from '../lib/activity/activity.js';
import { ActivityStats, defaultPage } from '../lib/index.js';
import { DEFAULTS } from '../lib/options/settings.js';
import { clickHouse } from '../lib/store/clickhouse/index.js';
import { startClickHouse } from '../test/support/clickhouse/clickhouse.js';
import { DAYS, fillStatements } from './clickhouse/fill.js';
import { table } from './markdown.js';
import { QUESTIONS } from './statistics/questions.js';

// What questions and writes cost on ClickHouse; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '5' },
    out: { type: 'string', default: 'bench' },
  },
});

const RANGE_DAYS = 30;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Activities in a batch. */
const BATCHES = [1, 100, 1000, 10_000];
const UNHURRIED = { ...DEFAULTS.statistics, maxWait: 600_000, timeout: 600_000, background: false };

async function timed(runs: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  do {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  } while (times.length < runs);
  return times;
}

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

function report(line: (string | number)[]): (string | number)[] {
  process.stderr.write(`${line.join(' ')}\n`);
  return line;
}

function batchOf(size: number): ActivityOnPage[] {
  const date = new Date();
  const none = { page: null, route: null, referer: null, properties: null, subject: null, userId: null };
  const others = {
    userName: null,
    groupId: null,
    groupName: null,
    sessionId: null,
    visitId: null,
    ipAddress: '10.0.0.1',
    interactive: null,
  };
  return Array.from({ length: size }, (_, i) => ({
    ...none,
    ...others,
    id: randomUUID(),
    date,
    receivedAt: date,
    name: 'view',
    path: `/products/${i % 5000}`,
  }));
}

const server = await startClickHouse();
const database = await server.createDatabase();
const client = createClient({ url: server.url, database, request_timeout: 3_600_000 });
const settings = { writer: DEFAULTS.writer, statistics: UNHURRIED, page: defaultPage };
const store = await clickHouse({ url: server.url, database, pause: 0 }).create(settings);
await store.migrate();
for (const query of fillStatements(Number(options.rows)))
  await client.command({ query, clickhouse_settings: { async_insert: 0 } });
const activities = await store.count({});
const stats = new ActivityStats(store);
const [building = Number.NaN] = await timed(1, () => stats.overview());
report(['the visits of', activities, 'activities', building.toFixed(0)]);

const until = Math.floor(Date.now() / HOUR) * HOUR;
const range = { from: new Date(until - RANGE_DAYS * DAY), to: new Date(until) };
const lines: (string | number)[][] = [];
for (const { name, ours } of QUESTIONS) {
  const times = await timed(Number(options.runs), () => ours(stats, range));
  lines.push(report([name, median(times).toFixed(0), Math.max(...times).toFixed(0)]));
}
for (const [name, ask] of Object.entries({
  'find, the latest 50': () => store.page({}, { limit: 50, order: 'desc' }),
  'find of a user': () => store.page({ user: '17' }, { limit: 50, order: 'desc' }),
  'count of a user': () => store.count({ user: '17' }),
})) {
  const times = await timed(Number(options.runs), ask);
  lines.push(report([name, median(times).toFixed(0), Math.max(...times).toFixed(0)]));
}

const writes: (string | number)[][] = [];
for (const size of BATCHES) {
  const times = await timed(Number(options.runs), () =>
    store.lendWriter(
      (write) => write({ activities: batchOf(size), sessions: [], token: () => '' }, 60_000),
      new AbortController().signal,
    ),
  );
  writes.push(report([size, median(times).toFixed(0), ((size / median(times)) * 1000).toFixed(0)]));
}

const [erasing = Number.NaN] = await timed(1, () =>
  store.erase({ filter: { user: '17' }, keepAnonymous: false }, () => {}),
);
let exported = 0;
const [exporting = Number.NaN] = await timed(1, async () => {
  for await (const rows of store.pages({ from: until - 3 * DAY })) exported += rows.length;
});
const result = await client.query({
  query: `SELECT table, sum(bytes_on_disk) AS size FROM system.parts WHERE active AND database = '${database}' GROUP BY table ORDER BY size DESC`,
  format: 'JSONEachRow',
});
const sizes = (await result.json<{ table: string; size: string }>()).map((row): [string, number] => [
  row.table,
  Number(row.size) / activities,
]);
await client.close();
await store.close();
await server.stop();

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const markdown = `# ClickHouse

${machine}. ${activities.toLocaleString('en')} activities over ${DAYS} days, generated like those of [STATISTICS.md](STATISTICS.md); a range of
${RANGE_DAYS} days that ends with an hour; medians of ${options.runs} runs, by \`npm run bench:clickhouse\`. The engine of ClickHouse 26.7 runs in a
separate process (chdb), behind a small HTTP server: **these are not the times of a real server.** Building all visits took ${(building / 1000).toFixed(0)} s,
erasing a user ${erasing.toFixed(0)} ms, and an export read ${((exported / exporting) * 1000).toFixed(0)} activities a second.

${table(['question', 'ms', 'slowest, ms'], lines)}

## Writes

${table(['activities in a batch', 'ms', 'activities a second, one batch after another'], writes)}

## Bytes for each activity

${sizes.reduce((sum, [, bytes]) => sum + bytes, 0).toFixed(1)} in all.

${table(
  ['table', 'bytes'],
  sizes.map(([name, bytes]) => [name, bytes.toFixed(1)]),
)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/CLICKHOUSE.md`, markdown);
