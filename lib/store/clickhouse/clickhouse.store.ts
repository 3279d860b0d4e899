import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Activity } from '../../activity/activity.js';
import type { ParsedFilter } from '../../activity/activity.filter.js';
import type { ActivityRow } from '../../activity/activity-row.js';
import type { Cursor } from '../../activity/pagination.js';
import type { NewSession } from '../../activity/session.js';
import type { PersonalRecord, UserSession } from '../../activity/user-activity.js';
import type { VisitSpan } from '../../activity/visit-id.js';
import type { IncidentLog } from '../../diagnostics/incident-log.js';
import type { OutcomeCount } from '../../diagnostics/outcome-counter.js';
import type { StoreSettings } from '../../options/store.options.js';
import type { CookielessVisit, Salt } from '../../privacy/salt.js';
import type { SigningKey } from '../../privacy/signing-key.js';
import type { StatisticsStore } from '../../statistics/statistics.store.js';
import { monotonicClock } from '../../time/clock.js';
import type { Mismatches, PageRequest, Progress, Received, Store, StoreFailure } from '../store.js';
import type { Write } from '../batch.js';
import type { ErasureSelection, RetentionPlan, RetentionResult } from '../erasure.types.js';
import type { Finding } from '../finding.js';
import type { UnavailableError } from '../unavailable.error.js';
import { Anonymisation } from './anonymisation.js';
import type { ClickHouseSettings } from './clickhouse.options.js';
import { deleteReservedVisits, findReservedVisits, loadSalts, reserveVisits } from './cookieless.js';
import { DirtyVisits } from './dirty-visits.js';
import { Duplicates } from './duplicates.js';
import { countToErase, Erasure } from './erasure.js';
import { classifyFailure } from './failure.js';
import { inspect, migrate } from './migrations.js';
import { addOutcomes, findOutcomes } from './outcomes.js';
import { PersonalData } from './personal-data.js';
import { Reader } from './reader.js';
import { previewRetention, retain, retainedAt } from './retention.js';
import { Server, type StatementLimits } from './server.js';
import { SessionClaims } from './session-claims.js';
import { Sessions } from './sessions.js';
import { loadSigningKeys } from './signing-keys.js';
import { ClickHouseStatistics } from './statistics/clickhouse.statistics.js';
import { Freshness } from './statistics/freshness.js';
import { Verifier } from './statistics/verifier.js';
import { Writing } from './writing.js';

/** Connections beside those of writers and questions: for keys, sessions and the update of the statistics. */
const OTHER_CONNECTIONS = 3;

/** Stores activities in ClickHouse. */
export class ClickHouseStore implements Store, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly isTransactional = false;
  readonly engine = 'clickhouse';
  readonly writers: number;
  readonly statistics: StatisticsStore;
  readonly records = undefined;
  readonly sessionClaims: SessionClaims;
  private readonly server: Server;
  private readonly sessions: Sessions;
  private readonly dirtyVisits: DirtyVisits;
  private readonly freshness: Freshness;
  private readonly reader: Reader;
  private readonly writing: Writing;
  private readonly verifier: Verifier;
  /** When the latest batch was taken, by the clock. */
  private takenAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly settings: ClickHouseSettings,
    { writer, statistics, page }: StoreSettings,
  ) {
    this.writers = writer.concurrency;
    const connections = writer.concurrency + statistics.concurrency + OTHER_CONNECTIONS;
    this.server = new Server(settings, statistics.timeout, connections);
    this.dirtyVisits = new DirtyVisits(this.server);
    this.sessions = new Sessions(this.server, this.dirtyVisits);
    const duplicates = new Duplicates(this.server, this.dirtyVisits, this.sessions);
    this.freshness = new Freshness(this.server, duplicates, this.dirtyVisits, this.sessions, statistics);
    const removeDuplicates = (): Promise<number> => this.freshness.removeDuplicates();
    this.reader = new Reader(this.server, this.sessions, removeDuplicates);
    this.sessionClaims = new SessionClaims(this.server, this.dirtyVisits, removeDuplicates);
    this.writing = new Writing(this.server, this.sessions);
    this.statistics = new ClickHouseStatistics(this.server, this.freshness);
    this.verifier = new Verifier(this.server, () => this.freshness.update(), page);
  }

  onApplicationBootstrap(): void {
    this.freshness.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.freshness.stop();
  }

  get incidents(): IncidentLog {
    return this.server.incidents;
  }

  get isOpen(): boolean {
    return this.server.isOpen;
  }

  get clockAhead(): number {
    return this.writing.clockAhead;
  }

  /** Each insert makes a part that ClickHouse has to merge: what arrives within a pause goes into one. */
  async lendWriter(work: (write: Write) => Promise<void>, cancel: AbortSignal): Promise<void> {
    const wait = this.takenAt + this.settings.pause - monotonicClock.now();
    this.takenAt = Math.max(monotonicClock.now(), this.takenAt + this.settings.pause);
    if (wait > 0) await pause(wait, undefined, { signal: cancel });
    await work((batch, within) => this.writing.write(batch, within, cancel));
  }

  restoreSessions(sessions: NewSession[], symptom?: string): Promise<number> {
    return this.server.ask(
      (limits) => this.sessions.restore(sessions, limits),
      symptom === undefined ? {} : { symptom },
    );
  }

  /** Does nothing: the client itself drops connections that fail. */
  dropIdleConnections(): void {}

  /** Finds nothing: ClickHouse stores all texts as UTF-8. */
  async findEncodingFault(): Promise<undefined> {}

  classifyError(error: unknown): StoreFailure | undefined {
    return classifyFailure(error);
  }

  toUnavailable(error: unknown): UnavailableError | undefined {
    return this.server.toUnavailable(error);
  }

  page(filter: ParsedFilter, place: PageRequest): Promise<Activity[]> {
    return this.reader.page(filter, place);
  }

  pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    return this.reader.pages(filter, after);
  }

  count(filter: ParsedFilter): Promise<number> {
    return this.reader.count(filter);
  }

  countStored(ids: string[]): Promise<number> {
    return this.reader.countStored(ids);
  }

  findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined> {
    return this.reader.findCursor(id, filter);
  }

  findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received> {
    return this.reader.findReceived(within, limit, known, filter);
  }

  findVisitSpans(ids: string[], timeout = Number.POSITIVE_INFINITY): Promise<VisitSpan[]> {
    return this.reader.findVisitSpans(ids, {
      timeout,
      symptom: 'the visits of activities cannot be looked up',
    });
  }

  findSessionStarts(sessions: string[], filter: ParsedFilter): Promise<Map<string, Date>> {
    return this.reader.findSessionStarts(sessions, filter);
  }

  findLatestOfUser(user: string): Promise<Activity[]> {
    return this.reader.findLatestOfUser(user);
  }

  findLastSeenOfUsers(users: string[]): Promise<Map<string, Date>> {
    return this.reader.findLastSeenOfUsers(users);
  }

  findSessionsOfUser(user: string, current: string | undefined): Promise<UserSession[]> {
    return this.reader.findSessionsOfUser(user, current);
  }

  isUserInOtherSession(user: string, session: string): Promise<boolean> {
    return this.reader.isUserInOtherSession(user, session);
  }

  async erase(selection: ErasureSelection, onErased: () => void): Promise<number> {
    // Otherwise several rows with the same id would be counted as several activities.
    await this.freshness.removeDuplicates();
    return new Erasure(this.server, this.sessions, this.dirtyVisits, onErased).run(selection);
  }

  countToErase(selection: ErasureSelection): Promise<number> {
    return countToErase(this.server, selection);
  }

  addUserAgents(userAgents: Map<string, string>): Promise<number> {
    return this.sessions.addUserAgents(userAgents);
  }

  async anonymise(selection: ErasureSelection, properties: string[], onChanged: () => void): Promise<number> {
    await this.freshness.removeDuplicates();
    const { server, sessions, dirtyVisits } = this;
    return new Anonymisation(server, sessions, dirtyVisits, properties, onChanged).run(selection);
  }

  retain(plan: RetentionPlan, pace: (took: number) => Promise<void>): Promise<RetentionResult> {
    const erase = (filter: ParsedFilter): Promise<number> =>
      this.erase({ filter, keepAnonymous: true }, () => {});
    const anonymise = (filter: ParsedFilter): Promise<number> =>
      this.anonymise({ filter, keepAnonymous: true }, plan.properties, () => {});
    return retain(this.server, plan, { erase, anonymise }, pace);
  }

  async previewRetention(plan: RetentionPlan): Promise<RetentionResult> {
    return previewRetention(this.server, plan);
  }

  retainedAt(): Promise<{ doneAt: number; now: number }> {
    return retainedAt(this.server);
  }

  async *personalData(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void> {
    await this.freshness.update().catch((error: unknown) => {
      throw this.toUnavailable(error) ?? error;
    });
    yield* new PersonalData(this.server, this.sessions, this.reader).stream(selection);
  }

  loadSalts(next: (now: number) => Salt, timeout: number): Promise<Salt[]> {
    return this.askQuietly(timeout, (limits) => loadSalts(this.server, next, limits));
  }

  deleteReservedVisits(_limit: number, timeout: number): Promise<number> {
    return this.askQuietly(timeout, (limits) => deleteReservedVisits(this.server, limits));
  }

  findReservedVisits(sessions: string[], timeout: number): Promise<CookielessVisit[]> {
    return this.askQuietly(timeout, (limits) => findReservedVisits(this.server, sessions, limits));
  }

  reserveVisits(visits: CookielessVisit[], timeout: number): Promise<CookielessVisit[]> {
    return this.askQuietly(timeout, (limits) => reserveVisits(this.server, visits, limits));
  }

  loadSigningKeys(
    next: (newest: SigningKey | undefined) => SigningKey | undefined,
    timeout: number,
  ): Promise<SigningKey[]> {
    return this.askQuietly(timeout, (limits) => loadSigningKeys(this.server, next, limits));
  }

  addOutcomes(counts: OutcomeCount[], timeout: number): Promise<void> {
    return this.askQuietly(timeout, (limits) => addOutcomes(this.server, counts, limits));
  }

  findOutcomes(since: number): Promise<OutcomeCount[]> {
    return this.server.ask((limits) => findOutcomes(this.server, since, limits));
  }

  inspect(): Promise<Finding[]> {
    return this.server.ask((limits) => inspect(this.server, limits));
  }

  findLag(): Promise<{ lag: number; now: number }> {
    return this.server.ask((limits) => this.freshness.findLag(limits));
  }

  check(onProgress?: Progress): Promise<Mismatches> {
    return this.verifier.check(onProgress);
  }

  rebuild(onProgress?: Progress): Promise<void> {
    return this.verifier.rebuild(onProgress);
  }

  async migrate(): Promise<void> {
    const withoutDatabase = new Server(
      { ...this.settings, database: 'default' },
      Number.POSITIVE_INFINITY,
      1,
    );
    try {
      await migrate(this.server, withoutDatabase);
    } finally {
      await withoutDatabase.close();
    }
  }

  abort(): void {
    this.server.abort();
  }

  async close(): Promise<void> {
    await this.freshness.stop();
    await this.server.close();
  }

  /** The caller logs failures. */
  private askQuietly<T>(timeout: number, work: (limits: StatementLimits) => Promise<T>): Promise<T> {
    return this.server.ask(work, { timeout, symptom: null });
  }
}
