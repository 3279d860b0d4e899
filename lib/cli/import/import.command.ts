import type { Command } from 'commander';
import { print } from '../output.js';
import { Progress } from '../progress.js';
import { noteDefaultPages, withServices } from '../services.js';
import { FIELDS_HELP } from './help.js';
import { Import } from './import.js';
import { Input } from './input.js';

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description(
      'store what an export, or the dumpdata of django-djaffar, holds; what is there is passed over',
    )
    .argument('<files...>', 'files, or - for standard input')
    .addHelpText('after', FIELDS_HELP)
    .action((files: string[]) => importFrom(command, files));
}

async function importFrom(command: Command, files: string[]): Promise<void> {
  const inputs = await Promise.all(files.map((file) => Input.of(file)));
  await withServices(command, async (services) => {
    noteDefaultPages(services);
    const progress = new Progress(
      inputs.reduce((sum, { size }) => sum + size, 0),
      'bytes',
    );
    const work = new Import(services, (bytes) => progress.add(bytes));
    try {
      await work.run(inputs);
    } finally {
      progress.stop();
    }
    await print(work.summary);
    if (work.faults > 0) throw new Error(`${work.faults} of ${work.rows} rows could not be imported`);
  });
}
