import { type Command, Option } from 'commander';
import { type ActivityFilter, InvalidFilterError } from '../../activity/activity.filter.js';
import type { ActivityService } from '../../activity/activity.service.js';
import { decodeCursor } from '../../activity/pagination.js';
import { formatReason } from '../errors.js';
import { addFilterOptions, toFilter, type FilterOptions } from '../filter.options.js';
import { InterruptedError, interruptible } from '../interruption.js';
import { FileOutput, isClosedPipe, type Output, StandardOutput } from '../output.js';
import { Progress } from '../progress.js';
import { withServices } from '../services.js';
import { ExportDocument, type Format, type FormatName, FORMATS } from '../../export/format.js';
import { createFormat } from '../../export/row-formats.js';
import { exportPages } from '../../export/pages.js';

interface ExportOptions extends FilterOptions {
  format: FormatName;
  output?: string;
  after?: string;
  raw?: boolean;
  bom: boolean;
}

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write activities with their sessions, the oldest first')
    .addOption(new Option('--format <format>', 'how').choices(FORMATS).default('ndjson'))
    .option('--output <file>', 'the file; default: standard output')
    .option('--after <cursor>', 'resume an export that was interrupted')
    .option('--raw', 'do not escape CSV cells that a spreadsheet would run as a formula')
    .option('--no-bom', 'write CSV without a byte order mark, for programs');
  addFilterOptions(command).action((options: ExportOptions) =>
    withServices(command, ({ activities }) => interruptible((stop) => exportTo(activities, options, stop))),
  );
}

async function exportTo(
  activities: ActivityService,
  options: ExportOptions,
  stop: AbortSignal,
): Promise<void> {
  const { after } = options;
  const format = createFormat(options.format, options);
  const filter = toFilter(options);
  const total = isProgressShown(options) ? await countActivities(activities, filter, after) : 0;
  const progress = new Progress(total, 'rows', stop);
  let cursor = after;
  let begun: { output: Output; document: ExportDocument } | undefined;
  // Only after the first page was read: a wrong option must not overwrite a file.
  const begin = async (): Promise<NonNullable<typeof begun>> => {
    const output = await open(options, format);
    return { output, document: new ExportDocument(format, output.isResumed) };
  };
  try {
    for await (const page of exportPages(activities, format, filter, after)) {
      begun ??= await begin();
      await begun.output.write(begun.document.write(page));
      cursor = page.next;
      progress.add(page.count);
      stop.throwIfAborted();
    }
    begun ??= await begin();
    await begun.output.write([begun.document.end()]);
  } catch (error) {
    if (isClosedPipe(error)) return;
    // Before the first page, there is no document to end.
    if (cursor !== after) await begun?.output.write([begun.document.end()]).catch(() => {});
    throw unfinished(error, cursor);
  } finally {
    progress.stop();
    await begun?.output.close();
  }
}

/** No bar if the data are printed on the same terminal. */
function isProgressShown({ output }: ExportOptions): boolean {
  return Progress.isShown && (output !== undefined || !process.stdout.isTTY);
}

async function countActivities(
  activities: ActivityService,
  filter: ActivityFilter,
  after: string | undefined,
): Promise<number> {
  return activities.count(
    after === undefined ? filter : { ...filter, from: new Date(decodeCursor(after).date) },
  );
}

async function open({ output: path, format, after }: ExportOptions, { appendable }: Format): Promise<Output> {
  if (path === undefined) return new StandardOutput(appendable && after !== undefined);
  const output = await FileOutput.open(path, after !== undefined);
  if (appendable || !output.isResumed) return output;
  await output.close();
  throw new Error(`${path} is a complete ${format} document already; use another file, or --format ndjson`);
}

function unfinished(error: unknown, cursor: string | undefined): unknown {
  // After a wrong option, there is nothing to resume.
  if (cursor === undefined || error instanceof InvalidFilterError) return error;
  const message = `${formatReason(error)}; resume with --after ${cursor}`;
  return error instanceof InterruptedError ? new InterruptedError(error.signal, message) : new Error(message);
}
