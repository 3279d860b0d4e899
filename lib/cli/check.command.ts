import type { Command } from 'commander';
import { print } from './output.js';
import { Progress } from './progress.js';
import { noteDefaultPages, type Services, withServices } from './services.js';

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('compare the visits and sums kept for statistics with the activities')
    .option('--rebuild', 'make them anew')
    .action(({ rebuild = false }: { rebuild?: boolean }) =>
      withServices(command, async (services) => {
        await (rebuild ? makeAnew(services) : compare(services));
      }),
    );
}

async function compare(services: Services): Promise<void> {
  const { visits, sums, pages } = await withProgress((onProgress) => services.rollup.check(onProgress));
  if (visits + sums + pages > 0) {
    // They may be right, and the pages that they are compared with wrong.
    noteDefaultPages(services);
    throw new Error(`${visits} visits, ${sums} sums and ${pages} pages are wrong; run with --rebuild`);
  }
  await print('visits and sums are what the activities say');
}

async function makeAnew(services: Services): Promise<void> {
  noteDefaultPages(services);
  await withProgress((onProgress) => services.rollup.rebuild(onProgress));
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
