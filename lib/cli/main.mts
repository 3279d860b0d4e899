#!/usr/bin/env node
import { runCommand } from './run-command.js';

// Without a top-level await, which its compilation as CommonJS does not allow.
async function main(): Promise<void> {
  // A real import(): this file is an ES module, and in the CommonJS of all others it would become a require().
  process.exitCode = await runCommand(process.argv.slice(2), (url) => import(url));
}

void main();
