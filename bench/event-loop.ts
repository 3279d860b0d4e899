import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import libsql from 'libsql';
import { DataSource } from 'typeorm';
import { NoContext } from '../lib/activity/activity.context.js';
import { ActivityService, ActivityStats, djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { ActivityWriter } from '../lib/activity/activity.writer.js';
import { Recorder } from '../lib/activity/recorder.js';
import { VisitDurationLimit } from '../lib/activity/visit-duration-limit.js';
import { connectionsOf } from '../lib/database/connections.js';
import { OutcomeCounter } from '../lib/diagnostics/outcome-counter.js';
import { Telemetry } from '../lib/diagnostics/telemetry.js';
import { DEFAULTS } from '../lib/options/settings.js';
import { createFormat } from '../lib/export/row-formats.js';
import { exportPages } from '../lib/export/pages.js';
import { TypeOrmStore } from '../lib/store/typeorm/typeorm.store.js';
import { databaseOptions } from '../sample/database.js';
import { fillSqlite } from './fill-sqlite.js';
import { table } from './markdown.js';
import { QUESTIONS } from './statistics/questions.js';

// How long SQLite blocks the host's event loop: with reader processes, and on the host's connection, which is used if
// there can be no reader processes.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '5' },
    /** A database file, which is filled if it is empty, and kept. */
    file: { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const HOUR = 3_600_000;
const RANGE = 30 * 24 * HOUR;
/** Milliseconds between two samples of the event loop. */
const RESOLUTION = 1;

/** A driver that no module exports, so that no other process can open the database. */
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
  /** Milliseconds of the work, and the longest block of the event loop in it. */
  took: number;
  delay: number;
  /** The most CPU time in one turn of the event loop, in milliseconds; independent of the load of the machine. */
  turn: number;
}

/** Measures the CPU time of the process between two ticks. */
class Turns {
  longest = 0;
  private before = process.cpuUsage();
  private readonly timer = setInterval(() => {
    const { user, system } = process.cpuUsage(this.before);
    this.before = process.cpuUsage();
    this.longest = Math.max(this.longest, (user + system) / 1000);
  }, RESOLUTION);

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Waits for a tick, because a block is only noticed between two ticks. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

async function measure(work: () => Promise<unknown>): Promise<Measured> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  await tick();
  histogram.enable();
  const turns = new Turns();
  await tick();
  const begun = performance.now();
  await work();
  const took = performance.now() - begun;
  await tick();
  histogram.disable();
  turns.stop();
  return { took, delay: histogram.max / 1e6, turn: turns.longest };
}

interface Task {
  name: string;
  /** The work that is measured. */
  work: () => Promise<unknown>;
  /** Called before each run. */
  before?: () => Promise<unknown>;
}

function tasksOf(dataSource: DataSource): Task[] {
  const store = new TypeOrmStore(dataSource);
  const { rollup } = store;
  const stats = new ActivityStats(store);
  const writer = new ActivityWriter(store, DEFAULTS.writer);
  const bounds = new VisitDurationLimit(store);
  const recorder = new Recorder(DEFAULTS, writer, bounds, new OutcomeCounter(), new Telemetry());
  const activities = new ActivityService(store, DEFAULTS, recorder, writer, bounds, new NoContext());
  const day = { from: new Date(to.getTime() - 48 * HOUR), to };
  let tracked = 0;
  const track = (date: number): Promise<void> =>
    activities.track({
      path: `/products/${tracked % 100}`,
      date: new Date(date),
      session: 'bench',
      visit: `${Math.floor(date).toString(36).slice(0, 9)}aaaa`,
      user: { id: `bench${tracked++ % 10}` },
    });
  const trackMany = (count: number, dateOf: (i: number) => number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, (_, i) => track(dateOf(i))));
  const exported = (format: 'ndjson' | 'csv') => async (): Promise<void> => {
    for await (const { pieces } of exportPages(activities, createFormat(format), day))
      for (const _ of pieces);
  };
  return [
    { name: 'nothing, for a second', work: () => new Promise((resolve) => setTimeout(resolve, 1000)) },
    ...QUESTIONS.map(({ name, ours }) => ({ name, work: () => ours(stats, range) })),
    { name: 'find, a page', work: () => activities.find({}, { limit: 1000 }) },
    { name: 'count by name', work: () => activities.count({ name: 'bought' }) },
    {
      name: 'stream of two days',
      work: async () => {
        for await (const _ of activities.stream(day));
      },
    },
    { name: 'export of two days, ndjson', work: exported('ndjson') },
    { name: 'export of two days, csv', work: exported('csv') },
    {
      name: 'rollup of 1,000 new activities',
      before: () => trackMany(1000, (i) => to.getTime() - i * 1000),
      work: () => rollup.drain(),
    },
    {
      name: 'rollup of 100 late activities on 20 days',
      before: () => trackMany(100, (i) => to.getTime() - (3 + (i % 20)) * 24 * HOUR),
      work: () => rollup.drain(),
    },
    {
      name: 'erase of 1,000 activities',
      before: async () => {
        await trackMany(1000, (i) => to.getTime() - i * 1000);
        await rollup.drain();
      },
      work: () => activities.erase({ session: 'bench' }),
    },
  ];
}

const dataSources = [await open({ driver: HostOnly }), await open({})];
const [inside = [], outside = []] = dataSources.map(tasksOf);
const lines: string[][] = [];
for (const [i, { name }] of outside.entries()) {
  const best = [inside, outside].map(() => ({ took: Number.POSITIVE_INFINITY, delay: 0, turn: 0 }));
  // Alternating, so that both run under the same load.
  for (let run = 0; run < Number(options.runs); run++) {
    for (const [at, tasks] of [inside, outside].entries()) {
      const [task, found] = [tasks[i], best[at]];
      if (!task || !found) continue;
      await task.before?.();
      const { took, delay, turn } = await measure(task.work);
      found.took = Math.min(found.took, took);
      found.delay = Math.max(found.delay, delay);
      found.turn = Math.max(found.turn, turn);
    }
  }
  const [host = { took: 0, delay: 0, turn: 0 }, reader = host] = best;
  lines.push([
    name,
    host.delay.toFixed(0),
    reader.delay.toFixed(0),
    host.turn.toFixed(0),
    reader.turn.toFixed(0),
    (reader.took / host.took).toFixed(2),
    host.took.toFixed(0),
    reader.took.toFixed(0),
  ]);
  process.stderr.write(`${lines.at(-1)?.join(' | ')}\n`);
}
for (const dataSource of dataSources) {
  await connectionsOf(dataSource).close();
  await dataSource.destroy();
}
rmSync(folder, { recursive: true });

const markdown = `# The event loop on SQLite

${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}; ${Number(options.rows).toLocaleString('en')} activities in an SQLite file, a range of 30 days,
the best time and the worst delay of ${options.runs} runs, by \`npm run bench:event-loop\`. **Blocked** is the longest block of the host's event loop (ms): with
queries on the host's own connection, and with separate reader processes (the default). **Turn** is the most CPU time that one turn of the event loop took (ms),
which does not depend on other work of the machine. **Time** is the time of a query with readers, relative to that on the host's connection.

${table(['what', 'blocked, host', 'blocked, readers', 'turn, host', 'turn, readers', 'time', 'host, ms', 'readers, ms'], lines)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/EVENT_LOOP.md`, markdown);
