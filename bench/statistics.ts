import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TypeOrmStore } from '../lib/store/typeorm/typeorm.store.js';
import { ActivityStats } from '../lib/index.js';
import { DAYS } from './fill.js';
import { filledDatabase } from './filled-database.js';
import { table } from './markdown.js';
import { exportsOf } from './statistics/exports.js';
import { QUESTIONS } from './statistics/questions.js';
import { sizesOf } from './statistics/sizes.js';

// What questions cost, compared with plain SQL on the activities; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '10' },
    'plain-runs': { type: 'string', default: '1' },
    export: { type: 'string', default: '1000000' },
    /** A filled database, which is not dropped. */
    'database-url': { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const RANGE_DAYS = 30;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function timed<T>(
  runs: number,
  work: () => Promise<T>,
): Promise<{ ms: number; first: number; result: T }> {
  const times: number[] = [];
  let result: T;
  do {
    const begun = performance.now();
    result = await work();
    times.push(performance.now() - begun);
  } while (times.length < runs);
  const [first = Number.NaN] = times;
  return { ms: times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN, first, result };
}

const { url, dataSource, activities, close } = await filledDatabase(
  options['database-url'],
  Number(options.rows),
);
const stats = new ActivityStats(new TypeOrmStore(dataSource));
const until = Math.floor(Date.now() / HOUR) * HOUR;
const since = until - RANGE_DAYS * DAY;
const range = { from: new Date(since), to: new Date(until) };

const { ms: counting } = await timed(Number(options.runs), () =>
  dataSource.query(`SELECT count(*) FROM djaffar_activity WHERE date >= ${since} AND date < ${until}`),
);
const lines: (string | number)[][] = [];
// Empties the cache.
await dataSource.query('DELETE FROM djaffar_daily_count');
for (const { name, ours, plain, agrees } of QUESTIONS) {
  const { ms, first, result } = await timed(Number(options.runs), () => ours(stats, range));
  let other: number | undefined;
  if (plain) {
    const sql = plain({ since, until });
    const { ms: plainMs, result: answer } = await timed(Number(options['plain-runs']), () =>
      dataSource.query(sql),
    );
    other = plainMs;
    if (agrees && !agrees(result as never, answer))
      throw new Error(`${name}: ${JSON.stringify(result)} is not ${JSON.stringify(answer).slice(0, 2000)}`);
  }
  lines.push([
    name,
    other === undefined ? '–' : (other / ms).toFixed(0),
    (ms / counting).toFixed(2),
    ms.toFixed(0),
    first.toFixed(0),
    other?.toFixed(0) ?? '–',
  ]);
  process.stderr.write(`${lines.at(-1)?.join(' ')}\n`);
}

const sizes = await sizesOf(dataSource, activities);
const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
const exported = Math.min(Number(options.export), activities);
const [{ date }]: [{ date: string }] = await dataSource.query(
  `SELECT date FROM djaffar_activity ORDER BY date - date % 60000 DESC, date DESC OFFSET ${exported - 1} LIMIT 1`,
);
const exportsFound = await exportsOf(url, folder, Number(date), exported);
rmSync(folder, { recursive: true });
await close();

const copy = exportsFound['psql \\copy of the table']?.rowsPerSecond ?? Number.NaN;
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const markdown = `# Statistics

${machine}, PostgreSQL on the same machine with its default settings. ${activities.toLocaleString('en')} activities over ${DAYS} days; a range of
${RANGE_DAYS} days that ends with an hour; medians of ${options.runs} runs (of the plain SQL ${options['plain-runs']}), by \`npm run bench:stats\`. **Plain** is
the SQL that one would write by hand on the tables of activities and sessions; the benchmark checks that both return the same. **First** is the first
query for the top values of a dimension of visits, of a property, or of paths by visits, whose counts of past days are cached from then on. PostgreSQL takes ${counting.toFixed(0)} ms
to count the activities of the range.

${table(['question', 'times as fast as plain', 'of the time to count', 'ms', 'first, ms', 'plain, ms'], lines)}

## Bytes for each activity

${sizes.reduce((sum, { bytes }) => sum + bytes, 0).toFixed(0)} in all.

${table(
  ['what', 'bytes'],
  sizes.map(({ name, bytes }) => [name, bytes.toFixed(1)]),
)}

## Export of ${exported.toLocaleString('en')} activities

${table(
  ['how', 'of psql \\copy of the table', 'rows a second', 'peak, MB'],
  Object.entries(exportsFound).map(([how, { rowsPerSecond, peak }]) => [
    how,
    (rowsPerSecond / copy).toFixed(2),
    rowsPerSecond.toFixed(0),
    (peak / 1e6).toFixed(0),
  ]),
)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/STATISTICS.md`, markdown);
