import type { Command } from 'commander';
import { InterruptedError, interruptible } from './interruption.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { warnAboutDefaultPages, type Services, withServices } from './services.js';

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('compare visits and rollups of the statistics with the activities')
    .option('--rebuild', 'recompute them')
    .action(({ rebuild = false }: { rebuild?: boolean }) =>
      interruptible((stop) =>
        withServices(command, (services) => (rebuild ? rebuildAll(services, stop) : compare(services, stop))),
      ),
    );
}

async function compare(services: Services, stop: AbortSignal): Promise<void> {
  const { visits, sums, pages } = await withProgress(
    (onProgress) => services.store.check(onProgress),
    stop,
    'nothing was changed; run it again to check all',
  );
  if (visits + sums + pages > 0) {
    // They may differ only because the command uses other pages than the app.
    warnAboutDefaultPages(services);
    throw new Error(`${visits} visits, ${sums} rollup rows and ${pages} pages are wrong; run with --rebuild`);
  }
  await print('visits and rollups match the activities');
}

async function rebuildAll(services: Services, stop: AbortSignal): Promise<void> {
  warnAboutDefaultPages(services);
  await withProgress(
    (onProgress) => services.store.rebuild(onProgress),
    stop,
    'the days so far are right; run it again to rebuild all',
  );
  await print('visits and rollups have been recomputed');
}

/** @param advice what to do after an interruption */
async function withProgress<T>(
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
  stop: AbortSignal,
  advice: string,
): Promise<T> {
  let progress: Progress | undefined;
  let reached = '';
  try {
    return await work((done, total) => {
      progress ??= new Progress(total, 'days', stop);
      progress.at(done);
      reached = ` after ${done} of ${total} days`;
      stop.throwIfAborted();
    });
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    throw new InterruptedError(error.signal, `interrupted${reached}; ${advice}`);
  } finally {
    progress?.stop();
  }
}
