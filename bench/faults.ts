import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DatabaseName } from '../test/support/databases.js';
import { clients } from './faults/clients.js';
import { clocks } from './faults/clocks.js';
import { connections } from './faults/connections.js';
import { machine } from './faults/machine.js';
import { processes } from './faults/processes.js';
import { servers } from './faults/servers.js';
import { shutdowns } from './faults/shutdowns.js';
import { type Fault, type Outcome, Stage } from './faults/stage.js';
import { table } from './markdown.js';

// What each fault costs a host that is under load; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    database: { type: 'string', multiple: true, default: ['postgres', 'mariadb', 'sqlite'] },
    /** Part of a name. */
    fault: { type: 'string', default: '' },
    out: { type: 'string', default: 'bench/FAULTS.md' },
  },
});

const GROUPS: Record<string, Fault[]> = {
  'Connections and the network': connections,
  'The database': servers,
  'Processes and machines': processes,
  Shutdown: shutdowns,
  Clocks: clocks,
  Clients: clients,
};
const HEAD = [
  'fault',
  'database',
  'acknowledged',
  'stored',
  'doubled',
  'worst wait',
  'of a client',
  'recovers in',
  'log lines',
  'ends in',
  'also',
];

const seconds = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '' : `${(milliseconds / 1000).toFixed(2)} s`;

function rowOf(name: string, database: string, outcome: Outcome): (string | number)[] {
  const { acknowledged, stored, doubled, worst, worstSeen, recovered, logLines, ended, notes } = outcome;
  const times = [seconds(worst), seconds(worstSeen), seconds(recovered), logLines, seconds(ended)];
  return [name, database, acknowledged, stored, doubled, ...times, notes.join('; ')];
}

async function outcomeOf(fault: Fault, database: DatabaseName): Promise<Outcome> {
  const stage = await (fault.stage?.(database) ?? Stage.create(database));
  try {
    await fault.run(stage);
  } catch (error) {
    stage.notes.push(`the trial failed: ${String(error).split('\n')[0]}`);
  }
  return stage.finish();
}

const parts: string[] = [];
for (const [group, faults] of Object.entries(GROUPS)) {
  const rows: (string | number)[][] = [];
  for (const fault of faults.filter(({ name }) => name.includes(options.fault))) {
    for (const database of fault.on.filter((name) => options.database.includes(name))) {
      const row = rowOf(fault.name, database, await outcomeOf(fault, database));
      rows.push(row);
      process.stderr.write(`${row.join(' | ')}\n`);
    }
  }
  if (rows.length > 0) parts.push(`## ${group}\n\n${table(HEAD, rows)}\n`);
}
const markdown = `# What faults cost

Written by \`npm run bench:faults\` on ${machine()}. A host (\`bench/faults/host.ts\`, default settings) runs in its own process and gets
20 activities a second, unless the fault says otherwise. Clients resend what is not acknowledged, with the same id.
"Worst wait" is the longest time in which the host answered a tracking request, including 503s (\`writer.timeout\` is 5 s). "Of a client" is the same as the client
measures it, which includes waiting for a CPU on both sides. "Recovers in" is the time from the end of the fault to the
last failed request. "Ends in" is the time from SIGTERM to the end of the process.

${parts.join('\n')}`;
process.stdout.write(markdown);
writeFileSync(options.out, markdown);
