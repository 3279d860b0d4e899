import type { DatabaseName } from '../../test/support/databases.js';
import { large, pastDays, underLoad } from './rollup.js';

// node --import @swc-node/register/esm-register bench/hostile/measure.ts underLoad postgres 100 20
const situations = { underLoad, pastDays, large };

const [situation = '', database = '', first = '', second = ''] = process.argv.slice(2);
const isKnown = (name: string): name is keyof typeof situations => name in situations;
if (!isKnown(situation)) throw new Error(`the situation is one of ${Object.keys(situations).join(', ')}`);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an unknown database fails at once
const measured = await situations[situation](database as DatabaseName, Number(first), Number(second));
process.stdout.write(`${JSON.stringify(measured)}\n`);
