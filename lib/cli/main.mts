#!/usr/bin/env node
import { runCommand } from './run-command.js';

/** Node ends the process if nothing keeps it running, although the command may wait for a promise. */
function failUnfinished(): void {
  console.error('djaffar: the command cannot finish, because it waits for something that never happens');
  process.exitCode = 1;
}

// No top-level await, because it cannot be compiled as CommonJS.
async function main(): Promise<void> {
  process.once('beforeExit', failUnfinished);
  // A real import(): this file is an ES module; in the other files, which are CommonJS, it would become a require().
  process.exitCode = await runCommand(process.argv.slice(2), (url) => import(url));
  process.off('beforeExit', failUnfinished);
}

void main();
