#!/usr/bin/env node
import { runCommand } from './run-command.js';

// A real import(): this file is an ES module, and in the CommonJS of all others it would become a require().
// Without a top-level await, which its compilation as CommonJS does not allow.
void runCommand(process.argv.slice(2), (url) => import(url)).then((code) => {
  process.exitCode = code;
});
