import { Command } from 'commander';
import { type DataSourceFile, type ImportModule, openDataSource } from './data-source.js';
import { addCheck } from './check.command.js';
import { addCopy } from './copy/copy.command.js';
import { addDoctor } from './doctor/doctor.command.js';
import { addErase } from './erase.command.js';
import { addExport } from './export/export.command.js';
import { addImport } from './import/import.command.js';
import { addMigrate } from './migrate.command.js';
import { version } from '../generated/version.js';
import { addRetain } from './retain.command.js';
import { addStats } from './stats.command.js';

/** The command line; docs/cli.md describes it. */
export function program(importModule: ImportModule): Command {
  const open = (file: string): DataSourceFile => ({
    name: file,
    open: () => openDataSource(file, importModule),
  });
  const djaffar = new Command('djaffar')
    .description('Export, import, count, check or erase the activities in your database')
    .requiredOption(
      '-d, --data-source <file>',
      "the module that exports your DataSource, as TypeORM's own command takes it",
      open,
    )
    .version(version, '-V, --version', 'print the version')
    // Throws instead of calling `process.exit()`, also in subcommands.
    .exitOverride();
  for (const add of [addExport, addImport, addErase, addStats, addCheck, addRetain, addMigrate, addDoctor])
    add(djaffar);
  addCopy(djaffar, open);
  listChoices(djaffar);
  return djaffar;
}

/** Adds the choices to the errors for a missing argument and for an unknown command. Commander does so for a wrong value. */
function listChoices(command: Command): void {
  command.configureOutput({
    outputError: (text, write) => {
      const missing = /missing required argument '([^']+)'/.exec(text)?.[1];
      const choices = text.includes('unknown command')
        ? command.commands.map((each) => each.name())
        : command.registeredArguments.find((argument) => argument.name() === missing)?.argChoices;
      write(choices ? `${text}Allowed choices are ${choices.join(', ')}.\n` : text);
    },
  });
  for (const each of command.commands) listChoices(each);
}
