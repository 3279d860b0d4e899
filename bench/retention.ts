import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { databaseOptions } from '../sample/database.js';
import { fill } from './fill.js';
import { table } from './markdown.js';
import { measureVariants } from './variants.js';

// What `retention` costs the visitors whose activities are stored meanwhile; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    out: { type: 'string', default: 'bench/RETENTION.md' },
  },
});

/** Milliseconds: retention begins a minute after the start. */
const SETTLE = 70_000;

async function migrate(url: string): Promise<void> {
  const dataSource = new DataSource({
    ...databaseOptions(url),
    entities: djaffarEntities,
    migrations: djaffarMigrations,
  });
  await dataSource.initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
}

async function oldOnes(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ count: string }>(
    `SELECT count(*) FROM djaffar_activity WHERE date < (extract(epoch FROM now()) - 45 * 86400) * 1000`,
  );
  await client.end();
  return Number(rows[0]?.count);
}

const before: number[] = [];
let after: number[] = [];
const [without = 0, during = 0] = await measureVariants({
  database: 'postgres',
  variants: ['djaffar', 'retaining'],
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  connections: Number(options.connections),
  settle: SETTLE,
  prepare: async (url) => {
    await migrate(url);
    await fill(url, Number(options.rows));
    before.push(await oldOnes(url));
  },
  finish: async (urls) => {
    after = await Promise.all(urls.map(oldOnes));
  },
});
const erased = (before[1] ?? 0) - (after[1] ?? 0);
const rest = after[1] ?? 0;
const ratio = (during / without).toFixed(2);
writeFileSync(
  options.out,
  `# Retention while tracking

Written by \`npm run bench:retention\`, on two shared cores that also run the load and PostgreSQL. Two hosts, each with ${Number(options.rows).toLocaleString('en')} activities of
90 days; one has \`retention: { keep: '45 days' }\`, which ran in each of its rounds: it erased ${erased.toLocaleString('en')} activities, and ${rest.toLocaleString('en')} older ones were
left at the end. Requests a second of \`POST /djaffar/track\` (Fastify, ${options.connections} connections, one activity each, the median of ${options.rounds}
alternating rounds of ${options.seconds} s; during each, the other host is frozen).

${table(['without retention', 'while it erases', 'ratio'], [[Math.round(without), Math.round(during), ratio]])}
`,
);
process.stdout.write(`${without} ${during} ${ratio}, ${erased} erased, ${rest} left\n`);
