import { Console } from 'node:console';
import { constants } from 'node:os';
import { Logger } from '@nestjs/common';
import { CommanderError } from 'commander';
import type { ImportModule } from './data-source.js';
import { escapeControls, formatReason } from './errors.js';
import { InterruptedError } from './interruption.js';
import { program } from './program.js';

/**
 * Runs the command line in this process, and replaces its console and logger.
 * @param args the arguments after the command's name
 * @returns the exit code
 */
export async function runCommand(args: string[], importModule: ImportModule): Promise<number> {
  // Standard output is only for data, so the host's data source file and its loggers must not write to it.
  globalThis.console = new Console(process.stderr);
  // Errors are reported once, by this command.
  Logger.overrideLogger({
    log() {},
    error() {},
    warn: (message: unknown) => console.error(escapeControls(String(message))),
  });
  try {
    await program(importModule).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed this error already.
    if (error instanceof CommanderError) return error.exitCode;
    console.error(`djaffar: ${formatReason(error)}`);
    return error instanceof InterruptedError ? 128 + constants.signals[error.signal] : 1;
  }
}
