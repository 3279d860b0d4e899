import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DatabaseName } from '../test/support/databases.js';
import { proveDelivery } from '../test/support/delivery-proof.js';
import { table } from './markdown.js';
import { measureVariants } from './variants.js';

// What a subscription costs the browser's route, and whether each activity is delivered although instances are killed; see README.md
// in this folder.
const { values: options } = parseArgs({
  options: {
    database: { type: 'string', multiple: true, default: ['postgres', 'mariadb', 'sqlite'] },
    activities: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    out: { type: 'string', default: 'bench/SUBSCRIPTIONS.md' },
  },
});

/** Without a subscription; with one to other names; with one to everything, which the same process delivers. */
const VARIANTS = ['djaffar', 'selective', 'subscribed'];

const costs: (string | number)[][] = [];
const proofs: (string | number)[][] = [];

/** After each database, so that a run that ends early has a report. */
function writeReport(): void {
  writeFileSync(
    options.out,
    `# Subscriptions

Written by \`npm run bench:subscriptions\`, on two shared cores that also run the load and the databases.

## Delivery while instances are killed

Two processes store activities, a fifth of them in transactions that stay open while others are committed (not on SQLite, which has one
connection). Four others have the subscription, with a lease of 3 s. The instance that delivers is killed (SIGKILL) again and again.
\`missed\` are activities whose handler never ended, \`at the same time\` are calls that began while another instance's ran, \`repeated\` are
deliveries after the first of an activity.

${table(['database', 'activities', 'kills', 'missed', 'at the same time', 'repeated', 'longest takeover', 'until all were delivered'], proofs)}

## What it costs the browser's route

Requests a second of \`POST /djaffar/track\` (Fastify, ${options.connections} connections, one activity each, the median of ${options.rounds} alternating rounds), and in brackets the
ratio to a host without a subscription.

${table(['database', 'none', 'one to other names', 'one to everything, delivered by the same process'], costs)}
`,
  );
}

for (const database of options.database as DatabaseName[]) {
  const proof = await proveDelivery({
    database,
    activities: Number(options.activities),
    kills: Number(options.kills),
    subscribers: 4,
    lease: 3000,
    command: ['--import', '@swc-node/register/esm-register', 'test/support/subscriber.ts'],
  });
  const { stored, missed, repeated, overlaps, kills, longestTakeover, seconds } = proof;
  proofs.push([
    database,
    stored,
    kills,
    missed,
    overlaps,
    repeated,
    `${(longestTakeover / 1000).toFixed(1)} s`,
    `${seconds.toFixed(0)} s`,
  ]);
  process.stdout.write(`${proofs.at(-1)?.join(' | ')}\n`);
  writeReport();
  const [none = 0, selective = 0, all = 0] = await measureVariants({
    database,
    variants: VARIANTS,
    rounds: Number(options.rounds),
    connections: Number(options.connections),
  });
  const ratio = (value: number): string => `${Math.round(value)} (${(value / none).toFixed(2)})`;
  costs.push([database, Math.round(none), ratio(selective), ratio(all)]);
  process.stdout.write(`${costs.at(-1)?.join(' | ')}\n`);
  writeReport();
}
