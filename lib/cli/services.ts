import type { Command } from 'commander';
import { NoContext } from '../activity/activity.context.js';
import { ActivityService } from '../activity/activity.service.js';
import { ActivityWriter } from '../activity/activity.writer.js';
import { PageResolver } from '../activity/page.js';
import { Recorder } from '../activity/recorder.js';
import { VisitDurationLimit } from '../activity/visit-duration-limit.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { Telemetry } from '../diagnostics/telemetry.js';
import type { RetentionPolicy } from '../options/privacy.options.js';
import type { PageOption } from '../options/store.options.js';
import { DEFAULTS, type Settings } from '../options/settings.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import type { DataSourceFile } from './data-source.js';
import { escapeControls } from './errors.js';

/** The services that an app gets by injection. */
export interface Services {
  store: Store;
  /** The option `page` that the file of the data source exports. */
  page: PageOption | undefined;
  /** The option `retention` that it exports. */
  retention: RetentionPolicy | undefined;
  /** The name of that file. */
  file: string;
  writer: ActivityWriter;
  visitDurationLimit: VisitDurationLimit;
  activities: ActivityService;
  stats: ActivityStats;
}

/** A command may write larger batches, and wait longer, than requests of visitors. */
const WRITER = { ...DEFAULTS.writer, maxBatch: 1000, timeout: 60_000 };

/** Prints on standard error that the default pages are used, if the data source file exports no `page`. */
export function warnAboutDefaultPages({ page, file }: Pick<Services, 'page' | 'file'>): void {
  if (page) return;
  console.error(
    escapeControls(
      `djaffar: ${file} exports no "page", so the default pages are used; if your app has the option "page", export it there (or export djaffar's defaultPage as "page")`,
    ),
  );
}

/** Runs the work of a command with the data source of the option `-d`. */
export async function withServices(
  command: Command,
  work: (services: Services) => Promise<void>,
): Promise<void> {
  const { dataSource: file } = command.optsWithGlobals<{ dataSource: DataSourceFile }>();
  const { store, page, retention, close } = await file.open();
  const services = createServices(store, page);
  const { sessions } = services.writer;
  try {
    await work({ ...services, page, retention, file: file.name });
    await sessions.close();
  } catch (error) {
    const cause = error instanceof UnavailableError ? error.cause : error;
    if (!store.classifyError(cause)?.isNotMigrated) throw error;
    throw new Error('a table or a column is missing; run the migrations', { cause: error });
  } finally {
    sessions.stop();
    await store.close();
    await close();
  }
}

export function createServices(
  store: Store,
  page: PageOption | undefined,
): Omit<Services, 'page' | 'retention' | 'file'> {
  const settings: Settings = { ...DEFAULTS, writer: WRITER };
  const writer = new ActivityWriter(store, settings.writer, new PageResolver(page));
  const visitDurationLimit = new VisitDurationLimit(store);
  const recorder = new Recorder(settings, writer, visitDurationLimit, new OutcomeCounter(), new Telemetry());
  return {
    store,
    writer,
    visitDurationLimit,
    activities: new ActivityService(store, settings, recorder, writer, visitDurationLimit, new NoContext()),
    stats: new ActivityStats(store),
  };
}
