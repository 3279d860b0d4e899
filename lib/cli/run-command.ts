import { Console } from 'node:console';
import { constants } from 'node:os';
import { Logger } from '@nestjs/common';
import { CommanderError } from 'commander';
import type { ImportModule } from './data-source.js';
import { escapeControls, reasonOf } from './errors.js';
import { Interruption } from './interruption.js';
import { program } from './program.js';

/**
 * Runs the command line in this process, whose console and logger it takes.
 * @param args what stands behind the command's name
 * @returns the exit code
 */
export async function runCommand(args: string[], importModule: ImportModule): Promise<number> {
  // Standard output is for data alone, whatever the host's data source file, or its loggers, have to say.
  globalThis.console = new Console(process.stderr);
  // What becomes an error is reported once, by this command.
  Logger.overrideLogger({
    log() {},
    error() {},
    warn: (message: unknown) => console.error(escapeControls(String(message))),
  });
  try {
    await program(importModule).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own.
    if (error instanceof CommanderError) return error.exitCode;
    console.error(`djaffar: ${reasonOf(error)}`);
    return error instanceof Interruption ? 128 + constants.signals[error.signal] : 1;
  }
}
