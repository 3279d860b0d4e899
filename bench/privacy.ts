import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DatabaseName } from '../test/support/databases.js';
import { table } from './markdown.js';
import { measureVariants } from './variants.js';

// What it costs to know visitors without a cookie, and their group; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    database: { type: 'string', multiple: true, default: ['postgres', 'mariadb', 'sqlite'] },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    out: { type: 'string', default: 'bench/PRIVACY.md' },
  },
});

const VARIANTS = ['djaffar', 'cookieless', 'group'];

const rows: (string | number)[][] = [];
for (const database of options.database as DatabaseName[]) {
  const [none = 0, ...others] = await measureVariants({
    database,
    variants: VARIANTS,
    rounds: Number(options.rounds),
    connections: Number(options.connections),
  });
  rows.push([
    database,
    Math.round(none),
    ...others.map((value) => `${Math.round(value)} (${(value / none).toFixed(2)})`),
  ]);
  process.stdout.write(`${rows.at(-1)?.join(' | ')}\n`);
  writeFileSync(
    options.out,
    `# Without a cookie, and with a group

Written by \`npm run bench:privacy\`, on two shared cores that also run the load and the databases. Requests a second of
\`POST /djaffar/track\` (Fastify, ${options.connections} connections, 200 visitors, one activity each, the median of ${options.rounds} alternating rounds), and in brackets
the ratio to a host with the default options.

${table(['database', 'with a cookie', "`privacy: 'cookieless'`", '`group`'], rows)}
`,
  );
}
