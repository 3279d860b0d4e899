// What Djaffar adds to the start of a host: CPU time, memory, and installed packages. Needs dist/.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '7' } } });
const folder = mkdtempSync(join(tmpdir(), 'djaffar-startup-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const host = join(import.meta.dirname, 'startup/host.mjs');

function start(variant) {
  const args = ['--expose-gc', host, variant, join(folder, `${variant}.sqlite`)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const VARIANTS = ['without', 'tracking', 'all'];
// The first run creates the tables.
for (const variant of VARIANTS) start(variant);
const runs = Object.fromEntries(VARIANTS.map((variant) => [variant, []]));
for (let run = 0; run < Number(values.runs); run++)
  for (const variant of VARIANTS) runs[variant].push(start(variant));
const figure = (variant, name) => median(runs[variant].map((each) => each[name]));
console.log('| host | CPU (ms) | wall (ms) | memory (MiB) | heap (MiB) |\n|---|---|---|---|---|');
for (const variant of VARIANTS)
  console.log(
    `| ${variant} | ${['cpu', 'wall', 'rss', 'heap'].map((name) => figure(variant, name).toFixed(name.length < 4 || name === 'wall' ? 0 : 1)).join(' | ')} |`,
  );
