import type { Command } from 'commander';
import { Interruption, interruptible } from './interruption.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { noteDefaultPages, type Services, withServices } from './services.js';

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('compare the visits and sums kept for statistics with the activities')
    .option('--rebuild', 'make them anew')
    .action(({ rebuild = false }: { rebuild?: boolean }) =>
      interruptible((stop) =>
        withServices(command, (services) => (rebuild ? makeAnew(services, stop) : compare(services, stop))),
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
    // They may be right, and the pages that they are compared with wrong.
    noteDefaultPages(services);
    throw new Error(`${visits} visits, ${sums} sums and ${pages} pages are wrong; run with --rebuild`);
  }
  await print('visits and sums are what the activities say');
}

async function makeAnew(services: Services, stop: AbortSignal): Promise<void> {
  noteDefaultPages(services);
  await withProgress(
    (onProgress) => services.store.rebuild(onProgress),
    stop,
    'the days so far are right; run it again to rebuild all',
  );
  await print('visits and sums have been made anew');
}

/** @param advice how to go on after an interruption */
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
    if (!(error instanceof Interruption)) throw error;
    throw new Interruption(error.signal, `interrupted${reached}; ${advice}`);
  } finally {
    progress?.stop();
  }
}
