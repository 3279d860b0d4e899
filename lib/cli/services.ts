import type { Command } from 'commander';
import type { DataSource } from 'typeorm';
import { NoContext } from '../activity/activity.context.js';
import { ActivityService } from '../activity/activity.service.js';
import { ActivityWriter } from '../activity/activity.writer.js';
import { HostTransactions } from '../store/typeorm/host-transactions.js';
import type { PageOption } from '../options/djaffar.options.js';
import { DEFAULTS, type Settings } from '../options/settings.js';
import { Pages } from '../activity/page.js';
import { Recorder } from '../activity/recorder.js';
import { checkNames } from '../database/table.js';
import { VisitBounds } from '../store/typeorm/visit-bounds.js';
import { djaffarEntities } from '../entities.js';
import { connectionsOf } from '../database/connections.js';
import { failureOf } from '../database/driver.js';
import { MIGRATIONS } from '../database/failure.js';
import { UnavailableError } from '../database/unavailable.error.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import { RollupService } from '../store/typeorm/statistics/rollup/rollup.service.js';
import type { DataSourceFile } from './data-source.js';
import { escapeControls } from './errors.js';

/** What a host has by injection. */
export interface Services {
  dataSource: DataSource;
  /** The option `page` that the file of the data source exports. */
  page: PageOption | undefined;
  /** The name of that file. */
  file: string;
  writer: ActivityWriter;
  visitBounds: VisitBounds;
  activities: ActivityService;
  rollup: RollupService;
  stats: ActivityStats;
}

/** A command may write as many as come, and wait for them longer than a visitor. */
const WRITER = { ...DEFAULTS.writer, maxBatch: 1000, timeout: 60_000 };

/** Says on standard error that the default pages are used, if the file of the data source does not say which to use. */
export function noteDefaultPages({ page, file }: Pick<Services, 'page' | 'file'>): void {
  if (page) return;
  console.error(
    escapeControls(
      `djaffar: ${file} exports no "page", so the default pages are used; if your app has the option "page", export it there (or export djaffar's defaultPage as "page")`,
    ),
  );
}

/** Does the work of a command with the data source that the command line names. */
export async function withServices(
  command: Command,
  work: (services: Services) => Promise<void>,
): Promise<void> {
  const { dataSource: file } = command.optsWithGlobals<{ dataSource: DataSourceFile }>();
  const { dataSource, page } = await file.open();
  const services = servicesOf(dataSource, page);
  try {
    checkNames(dataSource, djaffarEntities);
    await work({ ...services, page, file: file.name });
    await services.writer.checkSessions();
  } catch (error) {
    const cause = error instanceof UnavailableError ? error.cause : error;
    if (failureOf(dataSource, cause)?.advice !== MIGRATIONS) throw error;
    throw new Error('the migrations have not been run, it seems', { cause: error });
  } finally {
    await services.rollup.beforeApplicationShutdown();
    await connectionsOf(dataSource).close();
    await dataSource.destroy();
  }
}

function servicesOf(dataSource: DataSource, page: PageOption | undefined): Omit<Services, 'page' | 'file'> {
  const settings: Settings = { ...DEFAULTS, writer: WRITER };
  const pages = new Pages(page);
  const writer = new ActivityWriter(dataSource, settings.writer, pages);
  const rollup = new RollupService(dataSource, () => writer.changes, undefined, pages);
  const visitBounds = new VisitBounds(dataSource);
  const recorder = new Recorder(settings, writer, visitBounds, new HostTransactions(dataSource, writer));
  return {
    dataSource,
    writer,
    visitBounds,
    activities: new ActivityService(
      dataSource,
      settings,
      recorder,
      writer,
      rollup,
      visitBounds,
      new NoContext(),
    ),
    rollup,
    stats: new ActivityStats(dataSource, rollup),
  };
}
