import { type Command, Option } from 'commander';
import { InterruptedError, interruptible } from '../interruption.js';
import { print } from '../output.js';
import { Progress } from '../progress.js';
import { type Services, withServices } from '../services.js';
import { FIELDS_HELP } from './help.js';
import { Import } from './import.js';
import { Input } from './input.js';
import { SOURCE_NAMES, type SourceName, SOURCES } from './sources/index.js';
import { ToolImport } from './tool-import.js';

const DJANGO = 'django-djaffar';

interface ImportCommandOptions {
  from?: SourceName | typeof DJANGO;
  raw?: boolean;
}

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('store activities from an export or from another tool; stored ids are skipped')
    .argument('<files...>', 'files of NDJSON, JSON or CSV, also with gzip, or - for standard input')
    .addOption(
      new Option('--from <tool>', 'what the files are from, if not from an export').choices([
        ...SOURCE_NAMES,
        DJANGO,
      ]),
    )
    .option('--raw', 'the CSV was exported with --raw')
    .addHelpText('after', FIELDS_HELP)
    .action(async (files: string[], options: ImportCommandOptions) => {
      const inputs = await Promise.all(files.map((file) => Input.of(file)));
      await interruptible((stop) =>
        withServices(command, (services) => importFrom(inputs, options, services, stop)),
      );
    });
}

async function importFrom(
  inputs: Input[],
  { raw = false, from }: ImportCommandOptions,
  services: Services,
  stop: AbortSignal,
): Promise<void> {
  const total = inputs.reduce((sum, { size }) => sum + size, 0);
  const progress = new Progress(total, 'bytes', stop);
  const options = { raw, stop, onBytes: (bytes: number) => progress.add(bytes) };
  // Records of Django are recognized by themselves.
  const work =
    from === undefined || from === DJANGO
      ? new Import(services, options)
      : new ToolImport(services, SOURCES[from], options);
  const { report } = work;
  try {
    await work.run(inputs);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    await work.end();
    throw new InterruptedError(
      error.signal,
      `interrupted: ${report.stored + report.skipped} activities are stored; run the same command again, it skips stored ones`,
    );
  } finally {
    progress.stop();
  }
  await print(report.summary);
  if (report.faults > 0) throw new Error(`${report.faults} of ${report.rows} rows could not be imported`);
}
