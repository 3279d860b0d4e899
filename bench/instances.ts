import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './faults/machine.js';
import { table } from './markdown.js';

// Four instances behind a proxy: is each acknowledged activity stored once, and each answer exact, while instances are killed and
// all are replaced? See README.md in this folder.
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    'kill-every': { type: 'string', default: '20' },
    'per-second': { type: 'string', default: '40' },
    out: { type: 'string', default: 'bench/INSTANCES.md' },
  },
});

// Below the project, where the compiled sample host finds its packages.
const cache = mkdtempSync(join(process.cwd(), 'node_modules', '.instances-'));
process.env.DJAFFAR_TEST_CACHE = cache;
const { createDatabase } = await import('../test/support/databases.js');
const { runFleet } = await import('../test/support/fleet/fleet.js');

const database = await createDatabase('postgres');
try {
  const result = await runFleet({
    database,
    duration: Number(options.seconds) * 1000,
    killEvery: Number(options['kill-every']) * 1000,
    perSecond: Number(options['per-second']),
  });
  const { wrong, mismatches } = result;
  const wrongRows = mismatches.visits + mismatches.sums + mismatches.pages;
  writeFileSync(
    options.out,
    `# Several instances

${machine()}, PostgreSQL on the same machine, by \`npm run bench:instances\`. Four instances of the sample host behind a proxy that sends each
request to the next one, for ${options.seconds} s; one is killed (SIGKILL) every ${options['kill-every']} s and replaced; once, a migration changes \`djaffar_activity\`
and all instances are replaced, one after another (SIGTERM). Clients track, and resend what is not acknowledged; operators query
statistics, open dashboards and erase. The proxy drops some responses, so that clients resend stored activities to another instance.

${table(
  ['what', 'count'],
  [
    ['activities that clients tracked', result.tracked],
    ['requests for that', result.attempts],
    ['answers that the proxy dropped', result.dropped],
    ['acknowledged', result.acknowledged],
    ['**acknowledged and not stored**', result.missing],
    ['stored at the end', result.stored],
    ['visits of these, each of which is of a new visitor', result.visits],
    ['erasures, of 10 activities each', result.erasures],
    ['**erased and still stored**', result.remaining],
    ['answers that were compared with what clients knew', result.questions],
    ['**answers that were not exact as of their `asOf`**', wrong.length],
    ['requests of operators without an answer, such as from a killed instance', result.unanswered],
    ['dashboards', result.dashboards],
    ['events of the activity feed', result.streamed],
    ['instances killed', result.killed],
    ['instances replaced by the deploy', result.deployed],
    ['rows of the statistics that `djaffar check` found wrong', wrongRows],
  ],
)}
`,
  );
  for (const each of wrong) process.stderr.write(`${each}\n`);
  process.exitCode = wrong.length + result.missing + result.remaining + wrongRows > 0 ? 1 : 0;
} finally {
  await database.drop();
  rmSync(cache, { recursive: true, force: true });
}
