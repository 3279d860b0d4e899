import type { Command } from 'commander';
import { PageResolver } from '../../activity/page.js';
import type { DataSourceFile } from '../data-source.js';
import { interruptible } from '../interruption.js';
import { print } from '../output.js';
import { Progress } from '../progress.js';
import { warnAboutDefaultPages, type Services, withServices } from '../services.js';
import { copy } from './copy.js';
import type { DayDifference } from './day-digest.js';

/** How many days that differ are listed. */
const MAX_DAYS = 10;

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
      const { days, skipped, differences } = await copy(from, to, new PageResolver(page), stop, (count) =>
        progress.add(count),
      );
      progress.stop();
      const [source, target] = [await from.count({}), await to.count({})];
      await print(
        `${days} days with ${source} activities: ${skipped} were the same, ${days - skipped} copied`,
      );
      if (differences.length > 0) throw new Error(describe(differences, file.name));
      if (source !== target)
        throw new Error(
          `${file.name} has ${target} activities, and the source ${source}: others were there before, or have been erased from the source`,
        );
    } finally {
      progress.stop();
    }
  } finally {
    await to.close();
    await close();
  }
}

function describe(differences: DayDifference[], target: string): string {
  const days = differences.slice(0, MAX_DAYS).map(({ day, missing, added, changed }) => {
    const parts = [
      ...describeIds(missing, 'only in the source'),
      ...describeIds(added, `only in ${target}`),
      ...describeIds(changed, 'with other values'),
    ];
    // An app may have stored what was missing when the days were compared.
    return parts.length > 0 ? `${day} (${parts.join(', ')})` : day;
  });
  const more = differences.length - days.length;
  const advice = [
    ...(differences.some(({ missing }) => missing.count > 0) ? ['stop the app, and copy again'] : []),
    ...(differences.some(({ added }) => added.count > 0)
      ? [`if activities were erased from the source, erase them from ${target} too`]
      : []),
    ...(differences.some(({ changed }) => changed.count > 0)
      ? [`erase those with other values from ${target}, and copy again`]
      : []),
  ];
  return [
    `these days still differ: ${days.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    ...(advice.length > 0 ? advice : ['copy again']),
  ].join('; ');
}

function describeIds({ count, first }: DayDifference['missing'], difference: string): string[] {
  return count === 0 ? [] : [`${count} ${difference}, such as ${first}`];
}
