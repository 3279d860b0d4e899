import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { DatabaseName } from '../test/support/databases.js';
import { Stage } from './faults/stage.js';
import { DAY, measure, type Measured, Visitor } from './hostile/clients.js';
import { type Situation, SITUATIONS } from './hostile/situations.js';
import { table } from './markdown.js';

// What hostile visitors cost a host, relative to the quiet seconds before; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    database: { type: 'string', multiple: true, default: ['postgres', 'mariadb', 'sqlite'] },
    /** Part of a name. */
    situation: { type: 'string', default: '' },
    seconds: { type: 'string', default: '8' },
    /** No situation begins after so many minutes. */
    minutes: { type: 'string', default: '60' },
    /** Leaves out the situations that are in the report. */
    resume: { type: 'boolean', default: false },
    /** A file with a line of JSON for each situation; existing lines remain in the report. */
    rows: { type: 'string', default: 'bench/hostile.jsonl' },
    out: { type: 'string', default: 'bench/HOSTILE.md' },
  },
});

interface Row {
  situation: string;
  database: string;
  quiet: Measured;
  hostile: Measured;
  /** Milliseconds until the statistics were up to date again. */
  recovered: number;
}

const MAX_WAIT = 1000;
const MAX_LOOP = 50;
const MIN_TRACKED = 0.8;
/** How many activities of a month are stored before the first situation. */
const ACTIVITIES = 20_000;
/** Milliseconds to wait until the statistics are up to date. */
const PATIENCE = 60_000;

async function untilCaughtUp(url: string): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < PATIENCE) {
    const asked = Date.now();
    const response = await fetch(`${url}/djaffar/stats/overview?from=1970-01-01T00:00Z&to=2100-01-01T00:00Z`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each answer has it
    const { asOf } = (await response.json()) as { asOf?: string };
    if (asOf && Date.parse(asOf) >= asked - 1) break;
    await pause(50);
  }
  return performance.now() - begun;
}

async function run(situation: Situation, database: DatabaseName, stage: Stage, url: string): Promise<Row> {
  const milliseconds = Number(options.seconds) * 1000;
  await situation.before?.(url);
  await untilCaughtUp(url);
  const quiet = await measure(url, milliseconds);
  await untilCaughtUp(url);
  const ending = new AbortController();
  const going = situation.during(url, ending.signal, stage);
  const hostile = await measure(url, milliseconds);
  ending.abort();
  await going;
  return { situation: situation.name, database, quiet, hostile, recovered: await untilCaughtUp(url) };
}

function cellsOf({ situation, database, quiet, hostile, recovered }: Row): (string | number)[] {
  const ms = (value: number): string => value.toFixed(0);
  const mark = (text: string, holds: boolean): string => (holds ? text : `**${text}**`);
  const tracked = hostile.tracked / quiet.tracked;
  const { median, worst } = hostile.questions;
  return [
    situation,
    database,
    `${ms(quiet.questions.median)} / ${ms(quiet.questions.worst)}`,
    `${ms(median)} / ${mark(ms(worst), worst <= 2 * quiet.questions.worst + MAX_WAIT)}`,
    hostile.questions.failures,
    ms(hostile.lag),
    `${ms(quiet.loop)} / ${mark(ms(hostile.loop), hostile.loop <= Math.max(MAX_LOOP, 1.2 * quiet.loop))}`,
    mark(tracked.toFixed(2), tracked >= MIN_TRACKED),
    (recovered / 1000).toFixed(1),
  ];
}

/** The last row of each situation and database. */
function readRows(): Map<string, Row> {
  const lines = readFileSync(options.rows, 'utf8').split('\n').filter(Boolean);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below
  const rows = lines.map((line) => JSON.parse(line) as Row);
  return new Map(rows.map((row) => [`${row.situation} ${row.database}`, row]));
}

function report(): void {
  const latest = readRows();
  const order = (row: Row): number => SITUATIONS.findIndex(({ name }) => name === row.situation);
  const sorted = [...latest.values()].sort((a, b) => order(a) - order(b));
  const head = [
    'situation',
    'database',
    'a question in quiet, ms: median / worst',
    'meanwhile',
    'failures',
    '`asOf` behind, ms',
    'event loop in quiet / meanwhile, ms',
    'tracking',
    'has all again after, s',
  ];
  const text = `# What hostile visitors cost

Written by \`npm run bench:hostile\` on ${cpus().length} × ${cpus()[0]?.model ?? '?'}, Node ${process.version}. A host (\`bench/faults/host.ts\`,
default settings) runs in its own process and has ${ACTIVITIES.toLocaleString('en')} activities of a month. One client queries \`overview\`, \`top\` and \`series\` of the month
again and again, and others track: first without disturbance, then in the situation. "Tracking" is the ratio of the requests a second that were
acknowledged. "\`asOf\` behind" is the longest time by which the \`asOf\` of an answer was before now. "Has all again" is the time from the end of the situation until an answer for all time
is up to date. The goals: the worst question takes at most twice as long as the worst in quiet and \`maxWait\` (1 s), the event loop
stops for at most 50 ms (or, because other programs stop it too, at most 1.2 times as long as in quiet), and tracking keeps 0.8. Values that miss their goal are bold. Clients, host and database share the machine.

${table(head, sorted.map(cellsOf))}
`;
  writeFileSync(options.out, text);
}

if (!existsSync(options.rows)) writeFileSync(options.rows, '');
const known = options.resume ? readRows() : new Map<string, Row>();
const end = performance.now() + Number(options.minutes) * 60_000;
for (const database of options.database) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an unknown database fails at once
  const name = database as DatabaseName;
  const situations = SITUATIONS.filter(
    (situation) =>
      (situation.on?.includes(name) ?? true) &&
      situation.name.includes(options.situation) &&
      !known.has(`${situation.name} ${name}`),
  );
  if (situations.length === 0 || performance.now() > end) continue;
  const stage = await Stage.create(name);
  try {
    const { url } = await stage.start();
    for (let at = 0; at < ACTIVITIES; at += 100) {
      const visit = Array.from({ length: 100 }, (_, i) => ({
        date: new Date(Date.now() - ((at + i) / ACTIVITIES) * 30 * DAY),
        path: `/${i % 40}`,
      }));
      await new Visitor(url).track(visit);
    }
    for (const situation of situations) {
      if (performance.now() > end) break;
      const row = await run(situation, name, stage, url);
      appendFileSync(options.rows, `${JSON.stringify(row)}\n`);
      process.stderr.write(`${cellsOf(row).join(' | ')}\n`);
    }
  } finally {
    await stage.finish();
  }
}
report();
