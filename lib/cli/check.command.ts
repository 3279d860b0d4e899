import type { Command } from 'commander';
import { print } from './output.js';
import { Progress } from './progress.js';
import { noteDefaultPages, type Services, withServices } from './services.js';

type Rollup = Services['rollup'];

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('compare the visits and sums kept for statistics with the activities')
    .option('--rebuild', 'make them anew')
    .action(({ rebuild = false }: { rebuild?: boolean }) =>
      withServices(command, async (services) => {
        noteDefaultPages(services);
        await (rebuild ? makeAnew(services.rollup) : compare(services.rollup));
      }),
    );
}

async function compare(rollup: Rollup): Promise<void> {
  const { visits, sums, pages } = await withProgress((onProgress) => rollup.check(onProgress));
  if (visits + sums + pages > 0)
    throw new Error(`${visits} visits, ${sums} sums and ${pages} pages are wrong; run with --rebuild`);
  await print('visits and sums are what the activities say');
}

async function makeAnew(rollup: Rollup): Promise<void> {
  await withProgress((onProgress) => rollup.rebuild(onProgress));
  await print('visits and sums have been made anew');
}

async function withProgress<T>(
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  let progress: Progress | undefined;
  try {
    return await work((done, total) => {
      progress ??= new Progress(total, 'days');
      progress.at(done);
    });
  } finally {
    progress?.stop();
  }
}
