#!/usr/bin/env node
import { Console } from 'node:console';
import { constants } from 'node:os';
import { Logger } from '@nestjs/common';
import { escapeControls, reasonOf } from './errors.js';
import { Interruption } from './interruption.js';
import { program } from './program.js';

// Standard output is for data alone, whatever the host's data source file, or its loggers, have to say.
globalThis.console = new Console(process.stderr);
// What becomes an error is told once, by this command.
Logger.overrideLogger({
  log() {},
  error() {},
  warn: (message: unknown) => console.error(escapeControls(String(message))),
});

// A real import(): this file is an ES module, and in the CommonJS of all others it would become a require().
program((url) => import(url))
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`djaffar: ${reasonOf(error)}`);
    process.exitCode = error instanceof Interruption ? 128 + constants.signals[error.signal] : 1;
  });
