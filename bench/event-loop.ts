import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import libsql from 'libsql';
import { DataSource } from 'typeorm';
import { ActivityService, ActivityStats, djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { ActivityWriter } from '../lib/activity/activity.writer.js';
import { Recorder } from '../lib/activity/recorder.js';
import { VisitBounds } from '../lib/activity/visit-bounds.js';
import { connectionsOf } from '../lib/database/connections.js';
import { DEFAULTS } from '../lib/djaffar.options.js';
import { formatOf } from '../lib/export/format.js';
import { pagesOf } from '../lib/export/pages.js';
import { RollupService } from '../lib/statistics/rollup/rollup.service.js';
import { databaseOptions } from '../sample/database.js';
import { fillSqlite } from './fill-sqlite.js';
import { table } from './markdown.js';
import { QUESTIONS } from './statistics/questions.js';

// How long the host's event loop stands still while SQLite is asked something: with the readers in processes of their own,
// and on the host's connection, as it is if there can be none.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '5' },
    /** One that was filled before, or will be: it is kept. */
    file: { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const HOUR = 3_600_000;
const RANGE = 30 * 24 * HOUR;
/** Milliseconds. */
const RESOLUTION = 1;

/** No module exports it, so that no other process can open the database. */
class HostOnly extends libsql {}

const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
const file = options.file ?? join(folder, 'bench.sqlite');
const isNew = !existsSync(file);

async function open(extra: object): Promise<DataSource> {
  return new DataSource({
    ...databaseOptions(`sqlite:${file}`),
    entities: djaffarEntities,
    migrations: djaffarMigrations,
    ...extra,
  }).initialize();
}

const filling = await open({});
await filling.runMigrations();
if (isNew) {
  process.stderr.write(`filling with ${options.rows} activities\n`);
  await fillSqlite(filling, file, Number(options.rows));
}
await connectionsOf(filling).close();
const [{ until }]: [{ until: number }] = await filling.query(
  'SELECT MAX(date) AS until FROM djaffar_activity',
);
await filling.destroy();
const to = new Date(Math.floor(until / HOUR) * HOUR);
const range = { from: new Date(to.getTime() - RANGE), to };

interface Measured {
  /** Milliseconds: the median, and the longest that the event loop stood still in any run. */
  took: number;
  delay: number;
}

/** A delay is only noticed between two ticks. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

async function measure(runs: number, work: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  await tick();
  for (let run = 0; run < runs; run++) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
    await tick();
  }
  histogram.disable();
  const took = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
  return { took, delay: histogram.max / 1e6 };
}

async function measureAll(dataSource: DataSource): Promise<Map<string, Measured>> {
  const rollup = new RollupService(dataSource);
  const stats = new ActivityStats(dataSource, rollup);
  const writer = new ActivityWriter(dataSource, DEFAULTS.writer);
  const bounds = new VisitBounds(dataSource);
  const recorder = new Recorder(DEFAULTS, writer, bounds);
  const activities = new ActivityService(dataSource, DEFAULTS, recorder, writer, rollup, bounds);
  const runs = Number(options.runs);
  const found = new Map<string, Measured>();
  const add = async (name: string, count: number, work: () => Promise<unknown>): Promise<void> => {
    const measured = await measure(count, work);
    found.set(name, measured);
    process.stderr.write(`${name}: ${measured.took.toFixed(0)} ms, ${measured.delay.toFixed(0)} ms\n`);
  };
  await add('nothing, for a second', 1, () => new Promise((resolve) => setTimeout(resolve, 1000)));
  await rollup.run();
  for (const { name, ours } of QUESTIONS) await add(name, runs, () => ours(stats, range));
  await add('find, a page', runs, () => activities.find({}, { limit: 1000 }));
  await add('count of a property-less filter', runs, () => activities.count({ name: 'bought' }));
  const day = { from: new Date(to.getTime() - 48 * HOUR), to };
  await add('stream of two days', 1, async () => {
    for await (const _ of activities.stream(day));
  });
  for (const format of ['ndjson', 'csv'] as const) {
    await add(`export of two days, ${format}`, 1, async () => {
      for await (const { pieces } of pagesOf(activities, formatOf(format), day)) for (const _ of pieces);
    });
  }
  let tracked = 0;
  const track = (date: number): Promise<void> =>
    activities.track({
      path: `/products/${tracked % 100}`,
      date: new Date(date),
      session: 'bench',
      visit: `${Math.floor(date).toString(36).slice(0, 9)}aaaa`,
      user: { id: `bench${tracked++ % 10}` },
    });
  await Promise.all(Array.from({ length: 1000 }, (_, i) => track(to.getTime() - i * 1000)));
  await add('rollup of 1,000 new activities', 1, () => rollup.drain());
  await Promise.all(Array.from({ length: 100 }, (_, i) => track(to.getTime() - (3 + (i % 20)) * 24 * HOUR)));
  await add('rollup of 100 late activities on 20 days', 1, () => rollup.drain());
  await add('erase of 1,100 activities', 1, () => activities.erase({ session: 'bench' }));
  return found;
}

const results: Map<string, Measured>[] = [];
for (const extra of [{ driver: HostOnly }, {}]) {
  const dataSource = await open(extra);
  results.push(await measureAll(dataSource));
  await connectionsOf(dataSource).close();
  await dataSource.destroy();
}
rmSync(folder, { recursive: true });

const [inside, outside] = results;
const lines = [...(outside ?? [])].map(([name, after]) => {
  const before = inside?.get(name) ?? { took: Number.NaN, delay: Number.NaN };
  return [
    name,
    before.delay.toFixed(0),
    after.delay.toFixed(0),
    (after.took / before.took).toFixed(2),
    before.took.toFixed(0),
    after.took.toFixed(0),
  ];
});
const markdown = `# The event loop on SQLite

${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}; ${Number(options.rows).toLocaleString('en')} activities in an SQLite file, a range of 30 days,
medians of ${options.runs} runs, by \`npm run bench:event-loop\`. **Blocked** is the longest that the host's event loop stood still (ms): while the
host's own connection reads, and while readers in processes of their own do, as they do by default. **Time** is how much
longer the answer takes by a reader.

${table(['what', 'blocked, host', 'blocked, readers', 'time', 'host, ms', 'readers, ms'], lines)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/EVENT_LOOP.md`, markdown);
