import type { Command } from 'commander';
import { PageResolver } from '../../activity/page.js';
import type { DataSourceFile } from '../data-source.js';
import { interruptible } from '../interruption.js';
import { print } from '../output.js';
import { Progress } from '../progress.js';
import { warnAboutDefaultPages, type Services, withServices } from '../services.js';
import { copy } from './copy.js';

/** @param open makes a file of the name that the command line has */
export function addCopy(program: Command, open: (file: string) => DataSourceFile): void {
  const command = program
    .command('copy')
    .description(
      'copy all activities, sessions and signing keys to another store, and compare both day by day',
    )
    .requiredOption('--to <file>', 'the module that exports the other store, or DataSource', open)
    .action(({ to }: { to: DataSourceFile }) =>
      withServices(command, (services) => interruptible((stop) => copyTo(services, to, stop))),
    );
}

async function copyTo({ store: from }: Services, file: DataSourceFile, stop: AbortSignal): Promise<void> {
  const { store: to, page, close } = await file.open();
  try {
    warnAboutDefaultPages({ page, file: file.name });
    const progress = new Progress(Progress.isShown ? await from.count({}) : 0, 'activities', stop);
    try {
      const { days, skipped, differingDays } = await copy(from, to, new PageResolver(page), stop, (count) =>
        progress.add(count),
      );
      progress.stop();
      const [source, target] = [await from.count({}), await to.count({})];
      await print(
        `${days} days with ${source} activities: ${skipped} were the same, ${days - skipped} copied`,
      );
      if (differingDays.length > 0)
        throw new Error(`these days still differ: ${differingDays.join(', ')}; stop the app, and copy again`);
      if (source !== target)
        throw new Error(
          `${file.name} has ${target} activities, and the source ${source}: others were there before`,
        );
    } finally {
      progress.stop();
    }
  } finally {
    await to.close();
    await close();
  }
}
