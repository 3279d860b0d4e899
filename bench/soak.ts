import { setTimeout as pause } from 'node:timers/promises';
import type { DatabaseName } from '../test/support/databases.js';
import { table } from './markdown.js';
import { machine } from './faults/machine.js';
import { Stage } from './faults/stage.js';

// 50 activities a second, a question each 3 s and an open dashboard: does memory grow, or do connections break?
const [database = 'postgres', minutes = '15'] = process.argv.slice(2);

const PER_SECOND = 50;
const QUESTION = 3000;
const MINUTE = 60_000;
const QUESTIONS = [
  'overview',
  'series?measure=views&interval=hour',
  'top?dimension=path',
  'top?dimension=browser',
  'live',
  'retention',
];

const stage = await Stage.create(database as DatabaseName);
const host = await stage.start();
let events = 0;
let questions = 0;
let failed = 0;
const over = new AbortController();

async function watch(): Promise<void> {
  const decoder = new TextDecoder();
  while (!over.signal.aborted) {
    const { body } = await fetch(`${host.url}/djaffar/dashboard/data/stream`);
    if (!body) return;
    for await (const chunk of body) events += decoder.decode(chunk).split('event: activities').length - 1;
  }
}

async function ask(): Promise<void> {
  for (; !over.signal.aborted; questions += 1) {
    const { status } = await fetch(`${host.url}/djaffar/stats/${QUESTIONS[questions % QUESTIONS.length]}`);
    if (status !== 200) failed += 1;
    await pause(QUESTION);
  }
}

const watching = watch().catch(() => {});
const asking = ask().catch(() => (failed += 1));
stage.load.start(PER_SECOND);
const rows: (string | number)[][] = [];
for (let minute = 1; minute <= Number(minutes); minute++) {
  await pause(MINUTE);
  const { heap, longest, p99 } = (await (await fetch(`${host.url}/usage`)).json()) as {
    heap: number;
    longest: number;
    p99: number;
  };
  const resets = stage.load.statuses.get(0) ?? 0;
  const row = [minute, (heap / 2 ** 20).toFixed(1), longest.toFixed(0), p99.toFixed(0), resets];
  rows.push(row);
  process.stderr.write(`${row.join(' ')}\n`);
}
over.abort();
await asking;
const { acknowledged, stored, worst, logLines, ended } = await stage.finish();
await watching;
process.stdout
  .write(`${database}, ${machine()}: ${acknowledged} acknowledged, ${stored} stored, ${[...stage.load.statuses].map(([status, count]) => `${status}: ${count}`).join(', ')},
${questions} questions (${failed} failed), ${events} events, worst wait ${worst.toFixed(0)} ms, ${logLines} log lines, ended in ${ended?.toFixed(0)} ms

${table(['minute', 'heap after collection, MB', 'longest stop of the event loop, ms', 'p99 of it, ms', 'connections broken off'], rows)}
`);
process.exit();
