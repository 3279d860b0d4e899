import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ParsedFilter } from '../../activity/activity.filter.js';
import type { ActivityRow } from '../../activity/activity-row.js';
import { Activity, type ActivityOnPage } from '../../activity/activity.js';
import type { Cursor } from '../../activity/cursor.js';
import { Pages } from '../../activity/page.js';
import type { VisitSpan } from '../../activity/visit-id.js';
import { type NewSession, Session } from '../../activity/session.js';
import { chunks } from '../../database/chunks.js';
import { type Connections, connectionsOf } from '../../database/connections.js';
import { UNREADABLE } from '../../database/questions.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { type Dialect, dialectOf, type Insert } from '../../database/dialects/dialect.js';
import { driverOf, failureOf } from '../../database/driver.js';
import { askOnPrimary, uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import { unavailableAfter } from '../../database/unavailable.js';
import type { IncidentLog } from '../../diagnostics/incident-log.js';
import type { RollupSettings } from '../../options/store.options.js';
import type { CookielessVisit, Salt } from '../../privacy/salt.js';
import type { SigningKey } from '../../privacy/signing-key.js';
import type { StatisticsStore } from '../../statistics/statistics.store.js';
import type {
  ErasureSelection,
  Mismatches,
  PageRequest,
  Progress,
  Received,
  RetentionPlan,
  RetentionResult,
  Store,
  StoreFailure,
  Write,
} from '../store.js';
import type { TypeOrmFeatures } from '../typeorm-features.js';
import { UnavailableError } from '../unavailable.error.js';
import { monotonicClock } from '../../time/clock.js';
import { claimVisit, findClaimedVisits, forgetVisits, loadSalts } from './cookieless.js';
import { countToErase, Erasure } from './erasure.js';
import { HostTransactions } from './host-transactions.js';
import { restoreMissingSessions } from './missing-sessions.js';
import { filteredBy, findReceived, findVisitSpans, readPage } from './reading/activities.js';
import { RecordReader } from './reading/records.js';
import { lastSeenOf, latestOf, sessionsOf } from './reading/user-activity.js';
import type { PersonalRecord, UserSession } from '../../activity/user-activity.js';
import { personalDataOf } from './reading/personal-data.js';
import { Retention } from './retention.js';
import { RowReader } from './reading/rows.js';
import { loadSigningKeys } from './signing-keys.js';
import { dirtyRangesForInsert } from './statistics/rollup/dirty-ranges.js';
import { RollupService } from './statistics/rollup/rollup.service.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';
import { TypeOrmStatistics } from './statistics/typeorm.statistics.js';
import { addUserAgents } from './user-agents.js';

export interface TypeOrmStoreSettings {
  /** Default: a question waits until the statistics are up to date, and nothing runs in the background. */
  statistics?: RollupSettings;
  /** Default: with the default pages. */
  pages?: Pages;
  /** How many connections of the pool may write at once. Default: no limit. */
  writers?: number;
}

/** Stores activities in the host's data source: PostgreSQL, MariaDB or MySQL, SQLite. */
export class TypeOrmStore implements Store, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly writers: number;
  readonly rollup: RollupService;
  readonly statistics: StatisticsStore;
  readonly typeorm: TypeOrmFeatures;
  readonly records: RecordReader | undefined;
  /** How often this process has changed stored data. */
  changes = 0;
  private readonly dialect: Dialect;
  private readonly connections: Connections;
  private readonly clock: DatabaseClock;
  private readonly retention: Retention;
  private readonly sessionTable: Table;
  private readonly activityTable: Table;
  private readonly dirtyRangeTable: Table;

  constructor(
    readonly dataSource: DataSource,
    { statistics, pages, writers = Number.POSITIVE_INFINITY }: TypeOrmStoreSettings = {},
  ) {
    this.writers = writers;
    this.dialect = dialectOf(dataSource);
    this.connections = connectionsOf(dataSource);
    this.clock = new DatabaseClock(dataSource);
    this.sessionTable = new Table(dataSource, Session);
    this.activityTable = new Table(dataSource, Activity);
    this.dirtyRangeTable = new Table(dataSource, DirtyRange, { clock: 'createdAt' });
    this.rollup = new RollupService(dataSource, () => this.changes, statistics, pages);
    this.retention = new Retention(dataSource, this.rollup, () => (this.changes += 1));
    this.statistics = new TypeOrmStatistics(dataSource, this.rollup);
    this.records = RecordReader.of(dataSource);
    const transactions = new HostTransactions(dataSource);
    this.typeorm = {
      createQueryBuilder: (filter) => filteredBy(dataSource.manager, filter),
      findVisitSpans: async (manager, ids) => {
        const spans: VisitSpan[] = [];
        for (const some of chunks(ids))
          spans.push(...(await findVisitSpans(uncached(dataSource, manager.queryRunner), some)));
        return spans;
      },
      write: (manager, activities, onCommit) =>
        transactions.write(manager, this.insertsOf(activities), () => {
          this.changes += 1;
          onCommit();
        }),
    };
  }

  onApplicationBootstrap(): void {
    this.rollup.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rollup.stop();
  }

  get incidents(): IncidentLog {
    return this.connections.incidents;
  }

  get isOpen(): boolean {
    return this.dataSource.isInitialized;
  }

  async lendWriter(work: (write: Write) => Promise<void>, cancel: AbortSignal): Promise<void> {
    const release = await this.connections.writers.take();
    try {
      await this.connections.use(async (connection) => {
        await work(async ({ activities, sessions }, within) => {
          const deadline = monotonicClock.now() + within;
          // Here, where the writer watches if the database answers.
          await this.clock.measure(connection.runner);
          const inserts = activities.length > 0 ? this.insertsOf(activities) : [];
          // In one order, so that transactions that store the same sessions do not wait for each other in a circle.
          const inOrder = sessions.toSorted((a, b) => (a.id < b.id ? -1 : 1));
          if (sessions.length > 0) inserts.unshift(this.sessionTable.insert(inOrder));
          await this.dialect.write(connection, inserts, Math.max(deadline - monotonicClock.now(), 1));
          this.changes += 1;
        });
      }, cancel);
    } finally {
      release();
    }
  }

  async restoreSessions(sessions: NewSession[], subject?: string): Promise<number> {
    const restored = await restoreMissingSessions(this.dataSource, sessions, subject);
    if (restored > 0) this.changes += 1;
    return restored;
  }

  dropIdleConnections(): void {
    driverOf(this.dataSource)?.destroyIdle(this.dataSource);
  }

  async findEncodingFault(): Promise<string | undefined> {
    return driverOf(this.dataSource)?.encodingFault(this.dataSource);
  }

  classifyError(error: unknown): StoreFailure | undefined {
    return failureOf(this.dataSource, error);
  }

  toUnavailable(error: unknown): UnavailableError | undefined {
    const unavailable = unavailableAfter(this.dataSource, error);
    // Refusals by the limits for questions are reported already.
    if (unavailable && !(error instanceof UnavailableError)) {
      const reason = unavailable.message;
      this.incidents.failed(UNREADABLE, { code: reason, reason }, 'warn');
    }
    return unavailable;
  }

  page(filter: ParsedFilter, place: PageRequest): Promise<Activity[]> {
    return readPage(this.dataSource, (manager) => filteredBy(manager, filter), place);
  }

  pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    return new RowReader(this.dataSource).activities(filter, after);
  }

  count(filter: ParsedFilter): Promise<number> {
    return askOnPrimary(this.dataSource, (manager) => filteredBy(manager, filter).getCount());
  }

  async findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined> {
    const found = await askOnPrimary(this.dataSource, (manager) =>
      filteredBy(manager, filter)
        .select(['activity.id', 'activity.date'])
        .andWhere('activity.id = :id', { id })
        .getOne(),
    );
    return found ? { date: found.date.getTime(), id: found.id } : undefined;
  }

  findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received> {
    return findReceived(this.dataSource, { within, limit, known, filter });
  }

  async findVisitSpans(ids: string[], timeout = Number.POSITIVE_INFINITY): Promise<VisitSpan[]> {
    const { dataSource, connections } = this;
    const deadline = monotonicClock.now() + timeout;
    const found: VisitSpan[] = [];
    for (const some of chunks(ids)) {
      const spans = await connections.ask(
        // In this process: questions that take long may have all others that can read SQLite.
        (signal) =>
          connections.use(({ runner }) => findVisitSpans(uncached(dataSource, runner), some), signal),
        {
          timeout: deadline - monotonicClock.now(),
          subject: 'the visits of activities cannot be looked up',
          slots: connections.writers,
        },
      );
      found.push(...spans);
    }
    return found;
  }

  findLatest(user: string): Promise<Activity[]> {
    return latestOf(this.dataSource, user);
  }

  findLastSeen(users: string[]): Promise<Map<string, Date>> {
    return lastSeenOf(this.dataSource, users);
  }

  findSessions(user: string, current: string | undefined): Promise<UserSession[]> {
    return sessionsOf(this.dataSource, user, current);
  }

  async erase(selection: ErasureSelection, onErased: () => void): Promise<number> {
    const erasure = new Erasure(this.dataSource, () => {
      this.changes += 1;
      onErased();
    });
    const erased = await erasure.run(selection);
    // Also if nothing was left: an erasure that failed may have left what the statistics have.
    await this.rollup.takeInErasures();
    return erased;
  }

  countToErase(selection: ErasureSelection): Promise<number> {
    return countToErase(this.dataSource, selection);
  }

  async anonymise(selection: ErasureSelection, properties: string[], onChanged: () => void): Promise<number> {
    const afterStep = (): void => {
      this.changes += 1;
      onChanged();
    };
    const change = { kind: 'anonymise', properties } as const;
    const changed = await new Erasure(this.dataSource, afterStep, change).run(selection);
    await this.rollup.takeInErasures();
    return changed;
  }

  retain(plan: RetentionPlan, pace: (took: number) => Promise<void>): Promise<RetentionResult | undefined> {
    return this.retention.run(plan, pace);
  }

  previewRetention(plan: RetentionPlan): Promise<RetentionResult> {
    return this.retention.preview(plan);
  }

  retainedAt(): Promise<{ doneAt: number; now: number }> {
    return this.retention.doneAt();
  }

  personalData(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void> {
    return personalDataOf(this.dataSource, selection);
  }

  addUserAgents(userAgents: Map<string, string>): Promise<number> {
    return this.dataSource.transaction((manager) => addUserAgents(manager, userAgents));
  }

  loadSigningKeys(
    next: (newest: SigningKey | undefined, now?: number) => SigningKey | undefined,
    timeout: number,
  ): Promise<SigningKey[]> {
    return loadSigningKeys(this.dataSource, next, timeout);
  }

  loadSalts(next: (now: number) => Salt, timeout: number): Promise<Salt[]> {
    return loadSalts(this.dataSource, next, timeout);
  }

  forgetVisits(limit: number, timeout: number): Promise<number> {
    return forgetVisits(this.dataSource, limit, timeout);
  }

  findClaimedVisits(sessions: string[], timeout: number): Promise<CookielessVisit[]> {
    return findClaimedVisits(this.dataSource, sessions, timeout);
  }

  claimVisit(visit: CookielessVisit, before: CookielessVisit | undefined, timeout: number): Promise<boolean> {
    return claimVisit(this.dataSource, visit, before, timeout);
  }

  check(onProgress?: Progress): Promise<Mismatches> {
    return this.rollup.check(onProgress);
  }

  rebuild(onProgress?: Progress): Promise<void> {
    return this.rollup.rebuild(onProgress);
  }

  /** Runs the migrations of the data source: those of Djaffar are among them. */
  async migrate(): Promise<void> {
    await this.dataSource.runMigrations();
  }

  abort(): void {
    this.connections.abort();
  }

  async close(): Promise<void> {
    await this.rollup.stop();
    await this.connections.close();
  }

  private insertsOf(activities: ActivityOnPage[]): Insert[] {
    const ahead = this.clock.ahead();
    const rows = ahead === 0 ? activities : activities.map((activity) => receivedLater(activity, ahead));
    return [this.activityTable.insert(rows), this.dirtyRangeTable.insert(dirtyRangesForInsert(rows))];
  }
}

/** All instances have the database's clock in common. */
function receivedLater(activity: ActivityOnPage, milliseconds: number): ActivityOnPage {
  return { ...activity, receivedAt: new Date(activity.receivedAt.getTime() + milliseconds) };
}
