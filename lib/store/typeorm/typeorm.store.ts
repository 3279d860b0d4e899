import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { PageResolver } from '../../activity/page.js';
import type { NewSession } from '../../activity/session.js';
import { type Connections, connectionsOf } from '../../database/connections.js';
import { UNREADABLE } from '../../database/questions.js';
import { Standbys } from '../../database/standbys/standbys.js';
import { driverOf, classifyFailure } from '../../database/driver.js';
import { uncached } from '../../database/primary.js';
import { unavailableAfter } from '../../database/unavailable.js';
import type { IncidentLog } from '../../diagnostics/incident-log.js';
import type { OutcomeCount } from '../../diagnostics/outcome-counter.js';
import type { RollupSettings } from '../../options/store.options.js';
import type { CookielessVisit, Salt } from '../../privacy/salt.js';
import type { SigningKey } from '../../privacy/signing-key.js';
import type { StatisticsStore } from '../../statistics/statistics.store.js';
import type { Mismatches, Progress, Store, StoreFailure } from '../store.js';
import type { SessionClaimStore } from '../session-claim.types.js';
import type { Write } from '../batch.js';
import type { ErasureSelection, RetentionPlan, RetentionResult } from '../erasure.types.js';
import type { Finding } from '../finding.js';
import type { OutboxSubscription } from '../outbox.js';
import type { TypeOrmFeatures } from '../typeorm-features.js';
import { UnavailableError } from '../unavailable.error.js';
import { BatchWriter } from './batch-writer.js';
import { reserveVisits, findReservedVisits, deleteReservedVisits, loadSalts } from './cookieless.js';
import { type Change, countToErase, Erasure } from './erasure.js';
import { HostTransactions } from './host-transactions.js';
import { restoreMissingSessions } from './missing-sessions.js';
import { filteredBy, findVisitSpans } from './reading/activities.js';
import { ActivityReader } from './reading/activity-reader.js';
import { ExportSource } from './reading/export-source.js';
import { RecordReader } from './reading/records.js';
import { TypeOrmOutbox } from './typeorm.outbox.js';
import { Retention } from './retention.js';
import { createClaimStore } from './session-claim.js';
import { loadSigningKeys } from './signing-keys.js';
import { inspect } from './inspection.js';
import { findLag } from './statistics/rollup/as-of.js';
import { addOutcomes, findOutcomes } from './outcomes.js';
import { RollupService } from './statistics/rollup/rollup.service.js';
import { TypeOrmStatistics } from './statistics/typeorm.statistics.js';
import { addUserAgents } from './user-agents.js';

export interface TypeOrmStoreSettings {
  /** Default: a question waits until the statistics are up to date, and nothing runs in the background. */
  statistics?: RollupSettings;
  /** Whether standbys answer questions about many activities, and exports. */
  replica?: boolean;
  /** Default: with the default pages. */
  pages?: PageResolver;
  /** The maximum number of concurrent writers, each with a connection of the pool. Default: no limit. */
  writers?: number;
  /** Default: nothing that is written waits for a subscription. */
  subscriptions?: OutboxSubscription[];
}

/** Stores activities in the host's data source: PostgreSQL, MariaDB or MySQL, SQLite. */
export class TypeOrmStore
  extends ActivityReader
  implements Store, OnApplicationBootstrap, BeforeApplicationShutdown
{
  readonly isTransactional = true;
  readonly writers: number;
  readonly rollup: RollupService;
  readonly statistics: StatisticsStore;
  readonly typeorm: TypeOrmFeatures;
  readonly outbox: TypeOrmOutbox;
  readonly records: RecordReader | undefined;
  readonly sessionClaims: SessionClaimStore;
  /** How often this process has changed stored data. */
  changes = 0;
  protected readonly exportSource: ExportSource;
  private readonly connections: Connections;
  private readonly writer: BatchWriter;
  private readonly retention: Retention;

  constructor(
    dataSource: DataSource,
    {
      statistics,
      replica,
      pages,
      writers = Number.POSITIVE_INFINITY,
      subscriptions = [],
    }: TypeOrmStoreSettings = {},
  ) {
    super(dataSource);
    this.writers = writers;
    const onWritten = (): void => void (this.changes += 1);
    this.connections = connectionsOf(dataSource);
    this.outbox = new TypeOrmOutbox(dataSource, subscriptions);
    this.writer = new BatchWriter(dataSource, this.outbox, onWritten);
    this.rollup = new RollupService(dataSource, () => this.changes, statistics, pages);
    this.retention = new Retention(dataSource, this.rollup, onWritten);
    const standbys = replica ? new Standbys(dataSource) : undefined;
    this.exportSource = new ExportSource(dataSource, this.rollup.maxWait, standbys);
    this.statistics = new TypeOrmStatistics(dataSource, this.rollup, standbys);
    this.records = RecordReader.of(dataSource, this.exportSource);
    this.sessionClaims = createClaimStore(dataSource, onWritten);
    const transactions = new HostTransactions(dataSource);
    this.typeorm = {
      createQueryBuilder: (filter) => filteredBy(dataSource.manager, filter),
      findVisitSpans: (manager, ids) => findVisitSpans(uncached(dataSource, manager.queryRunner), ids),
      write: (manager, activities, onCommit) =>
        transactions.write(manager, this.writer.buildInserts(activities), () => {
          onWritten();
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

  get engine(): string {
    return this.dataSource.options.type;
  }

  get incidents(): IncidentLog {
    return this.connections.incidents;
  }

  get isOpen(): boolean {
    return this.dataSource.isInitialized;
  }

  get clockAhead(): number {
    return this.writer.clockAhead;
  }

  lendWriter(work: (write: Write) => Promise<void>, cancel: AbortSignal): Promise<void> {
    return this.writer.lend(work, cancel);
  }

  async restoreSessions(sessions: NewSession[], symptom?: string): Promise<number> {
    const restored = await restoreMissingSessions(this.dataSource, sessions, symptom);
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
    return classifyFailure(this.dataSource, error);
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

  erase(selection: ErasureSelection, onErased: () => void): Promise<number> {
    return this.change(selection, { kind: 'erase' }, onErased);
  }

  countToErase(selection: ErasureSelection): Promise<number> {
    return countToErase(this.dataSource, selection, { kind: 'erase' });
  }

  anonymise(selection: ErasureSelection, properties: string[], onChanged: () => void): Promise<number> {
    return this.change(selection, { kind: 'anonymise', properties }, onChanged);
  }

  async retain(
    plan: RetentionPlan,
    pace: (took: number) => Promise<void>,
  ): Promise<RetentionResult | undefined> {
    const result = await this.retention.run(plan, pace);
    if (result) await this.outbox.sweep();
    return result;
  }

  previewRetention(plan: RetentionPlan): Promise<RetentionResult> {
    return this.retention.preview(plan);
  }

  retainedAt(): Promise<{ doneAt: number; now: number }> {
    return this.retention.doneAt();
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

  deleteReservedVisits(limit: number, timeout: number): Promise<number> {
    return deleteReservedVisits(this.dataSource, limit, timeout);
  }

  findReservedVisits(sessions: string[], timeout: number): Promise<CookielessVisit[]> {
    return findReservedVisits(this.dataSource, sessions, timeout);
  }

  reserveVisits(visits: CookielessVisit[], timeout: number): Promise<CookielessVisit[]> {
    return reserveVisits(this.dataSource, visits, timeout);
  }

  addOutcomes(counts: OutcomeCount[], timeout: number): Promise<void> {
    return addOutcomes(this.dataSource, counts, timeout);
  }

  findOutcomes(since: number): Promise<OutcomeCount[]> {
    return findOutcomes(this.dataSource, since);
  }

  inspect(): Promise<Finding[]> {
    return inspect(this.dataSource);
  }

  findLag(): Promise<{ lag: number; now: number }> {
    return findLag(this.dataSource);
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

  private async change(selection: ErasureSelection, change: Change, onChanged: () => void): Promise<number> {
    const afterStep = (): void => {
      this.changes += 1;
      onChanged();
    };
    const changed = await new Erasure(this.dataSource, afterStep, change).run(selection);
    if (change.kind !== 'anonymise') await this.outbox.sweep();
    // Also if nothing was left to change: an earlier call that failed may not have reached the statistics.
    await this.rollup.recomputeErased();
    return changed;
  }
}
