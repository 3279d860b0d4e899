import type { Command } from 'commander';
import { print } from './output.js';
import { withServices } from './services.js';

export function addMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .description('create the tables, or change them to what this version needs; it can be run again')
    .action(() =>
      withServices(command, async ({ store }) => {
        await store.migrate();
        await print('the tables are up to date');
      }),
    );
}
