#!/usr/bin/env node
import { runCommand } from './run-command.js';

// No top-level await, because it cannot be compiled as CommonJS.
async function main(): Promise<void> {
  // A real import(): this file is an ES module; in the other files, which are CommonJS, it would become a require().
  process.exitCode = await runCommand(process.argv.slice(2), (url) => import(url));
}

void main();
