import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { addFilterOptions, toFilter, type FilterOptions } from './filter.options.js';
import { print } from './output.js';
import { withServices } from './services.js';

interface EraseOptions extends FilterOptions {
  yes?: boolean;
  keepAnonymous?: boolean;
}

export function addErase(program: Command): void {
  const command = program
    .command('erase')
    .description('erase activities permanently, and sessions that have none left')
    .option('--yes', 'do not ask for confirmation')
    .option('--keep-anonymous', "with --user: keep activities without a login in the user's visits");
  addFilterOptions(command).action((options: EraseOptions) => erase(command, options));
}

async function erase(
  command: Command,
  { yes = false, keepAnonymous = false, ...options }: EraseOptions,
): Promise<void> {
  const filter = toFilter(options);
  if (Object.keys(filter).length === 0)
    throw new Error('an empty filter would erase everything; add a filter, such as --user 17');
  if (!yes && !isTerminal()) throw new Error('there is no terminal to ask for confirmation; use --yes');
  await withServices(command, async ({ activities }) => {
    if (!yes && !(await confirm(await activities.countToErase(filter, { keepAnonymous }))))
      throw new Error('nothing was erased');
    const erased = await activities.erase(filter, { keepAnonymous });
    await print(`${erased} erased`);
  });
}

function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

async function confirm(count: number): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = terminal.question(`Erase ${count} activities for good? [y/N] `);
    // Ctrl+C and Ctrl+D mean no: some versions of Node reject the question, others only close the terminal.
    const answer = await Promise.race([question.catch(() => ''), once(terminal, 'close').then(() => '')]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
