import type { Activity } from '../activity/activity.js';
import type { ParsedFilter } from '../activity/activity.filter.js';
import type { ActivityRow } from '../activity/activity-row.js';
import type { Cursor } from '../activity/pagination.js';
import type { NewSession } from '../activity/session.js';
import type { PersonalRecord, UserSession } from '../activity/user-activity.js';
import type { VisitSpan } from '../activity/visit-id.js';
import type { Failure, IncidentLog } from '../diagnostics/incident-log.js';
import type { OutcomeCount } from '../diagnostics/outcome-counter.js';
import type { CookielessVisit, Salt } from '../privacy/salt.js';
import type { SigningKey } from '../privacy/signing-key.js';
import type { StatisticsStore } from '../statistics/statistics.store.js';
import type { Write } from './batch.js';
import type { ErasureSelection, RetentionPlan, RetentionResult } from './erasure.types.js';
import type { Finding } from './finding.js';
import type { Outbox } from './outbox.js';
import type { RecordReader } from './records.js';
import type { SessionClaimStore } from './session-claim.types.js';
import type { TypeOrmFeatures } from './typeorm-features.js';
import type { UnavailableError } from './unavailable.error.js';

/**
 * Stores activities, and answers questions about them. Other folders use only this interface; `module/store.provider.ts`,
 * `cli/data-source.ts`, `entities.ts` and the migrations choose the engine.
 */
export interface Store {
  /** The name of the engine, such as `postgres`. */
  readonly engine: string;
  /** The log of the engine's problems. */
  readonly incidents: IncidentLog;
  /** True if it accepts queries. */
  readonly isOpen: boolean;
  /** Whether a batch and an erasure see all of each other or nothing. If not, the sessions of a batch are checked after it. */
  readonly isTransactional: boolean;
  /** The maximum number of concurrent writers. */
  readonly writers: number;
  /** How many milliseconds the stored `receivedAt` is later than the given one, because the engine's clock is ahead of this machine's. */
  readonly clockAhead: number;
  readonly statistics: StatisticsStore;
  /** Only if activities and the outbox are written in one transaction. */
  readonly outbox?: Outbox;
  /** Only if the store has the option `session.claim`. */
  readonly sessionClaims?: SessionClaimStore;
  /** Features that only a store on TypeORM has. */
  readonly typeorm?: TypeOrmFeatures;

  /**
   * Lends a function that writes, as soon as another writer may run; the caller collects its batch only then.
   * @param cancel if it aborts, the write is cancelled
   */
  lendWriter(work: (write: Write) => Promise<void>, cancel: AbortSignal): Promise<void>;

  /**
   * Stores sessions again that an erasure has deleted although they have activities. A session without activities is not
   * stored: an erasure that runs at the same moment, or comes later, must leave none behind. A store without transactions
   * may look for such sessions afterwards.
   * @param symptom the text in the log if it fails
   * @returns how many were stored
   * @throws UnavailableError
   */
  restoreSessions(sessions: NewSession[], symptom?: string): Promise<number>;

  /** Called if a second write got no answer: idle connections are probably silent too. */
  dropIdleConnections(): void;

  /** Describes the problem and its remedy if the engine cannot store every text. */
  findEncodingFault(): Promise<string | undefined>;

  /** @returns `undefined` if the error is no failure of the engine */
  classifyError(error: unknown): StoreFailure | undefined;

  /**
   * Logs the failure of a read or an erasure.
   * @returns the error for the caller; `undefined` if it is no failure of the engine
   */
  toUnavailable(error: unknown): UnavailableError | undefined;

  /**
   * Returns one page of activities with their sessions, ordered by date, then id.
   * @throws UnavailableError like every query
   */
  page(filter: ParsedFilter, place: PageRequest): Promise<Activity[]>;

  /** Streams the activities of the filter, the oldest first, in constant memory. */
  pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void>;

  /** Reads activities as text, if the engine can format it; this is several times faster than reading single values. */
  readonly records?: RecordReader;

  /** Counts the activities of the filter. */
  count(filter: ParsedFilter): Promise<number>;

  /** Returns how many of these ids are stored. */
  countStored(ids: string[]): Promise<number>;

  /** @returns the place of an activity in the order; `undefined` if the filter has none of the id */
  findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined>;

  /**
   * Returns the activities that were received in the last milliseconds, with any dates.
   * @param limit of the activities, of which the newest are returned
   * @param known ids of activities that are not returned again
   */
  findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received>;

  /**
   * Finds the first and the last activity of visits. It uses a writer's connection, so that slow queries do not delay the writes.
   * @param timeout milliseconds that the engine may take
   */
  findVisitSpans(ids: string[], timeout?: number): Promise<VisitSpan[]>;

  /** Returns the date of each session's first activity in the filter. Sessions without one are missing from the result. */
  findSessionStarts(sessions: string[], filter: ParsedFilter): Promise<Map<string, Date>>;

  /** The latest activities of a user without `engagement`, the latest first. */
  findLatestOfUser(user: string): Promise<Activity[]>;

  /** Returns the date of each user's last activity. */
  findLastSeenOfUsers(users: string[]): Promise<Map<string, Date>>;

  /** The browsers in which a user was logged in, the latest first. */
  findSessionsOfUser(user: string, current: string | undefined): Promise<UserSession[]>;

  /** Returns whether a user has activities in another session. Unlike {@link findSessionsOfUser}, it stops at the first one. */
  isUserInOtherSession(user: string, session: string): Promise<boolean>;

  /**
   * Erases the selected activities that are stored at the time of the call, also from statistics, in steps.
   * @param onErased called after each step, also after a failed one, because it may have been committed
   * @returns how many activities were erased
   */
  erase(selection: ErasureSelection, onErased: () => void): Promise<number>;

  /** Returns how many activities {@link erase} would erase. */
  countToErase(selection: ErasureSelection): Promise<number>;

  /**
   * Removes user, name, address, session and the named properties from the activities that {@link erase} would erase, in steps. A bot keeps
   * its session.
   * @param onChanged called after each step, also after one that failed
   * @returns how many activities were changed
   */
  anonymise(selection: ErasureSelection, properties: string[], onChanged: () => void): Promise<number>;

  /**
   * Erases and anonymises old activities in small steps.
   * @param pace called after each step, with the milliseconds that it took; the next step waits for it
   * @returns `undefined` if another instance is doing it; a store without locks cannot detect that
   */
  retain(plan: RetentionPlan, pace: (took: number) => Promise<void>): Promise<RetentionResult | undefined>;

  /** Returns what {@link retain} would do now. */
  previewRetention(plan: RetentionPlan): Promise<RetentionResult>;

  /** Returns when {@link retain} was last completed, and the engine's clock, in milliseconds since 1970. */
  retainedAt(): Promise<{ doneAt: number; now: number }>;

  /** Streams everything that is stored about a user: sessions, visits, then the activities that {@link erase} would erase. */
  personalData(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void>;

  /**
   * Gives stored sessions that have none a user agent; statistics are recomputed.
   * @param userAgents by the id of the session
   * @returns how many of the sessions are not stored
   */
  addUserAgents(userAgents: Map<string, string>): Promise<number>;

  /**
   * The keys that sign the cookies, the oldest first. All instances must get the same keys: of two that store a key of one
   * number, both return the same one. A store that cannot insert "only if absent" keeps both, and returns always the same
   * one of them, such as the one with the smaller secret.
   * @param next makes the next key if it is time for one; it is stored, unless another instance was quicker. It gets the
   * milliseconds since 1970 by a clock that all instances have in common, if there is one
   * @param timeout milliseconds
   */
  loadSigningKeys(
    next: (newest: SigningKey | undefined, now?: number) => SigningKey | undefined,
    timeout: number,
  ): Promise<SigningKey[]>;

  /**
   * The salts of a period and of the one before. All others are deleted for good.
   * @param next makes the salt of the period, which is stored unless another instance was quicker. It gets the milliseconds
   * since 1970, by a clock that all instances have in common if there is one
   * @param timeout milliseconds
   */
  loadSalts(next: (now: number) => Salt, timeout: number): Promise<Salt[]>;

  /**
   * Deletes visits of {@link reserveVisits} that ended more than a day ago, by the clock of {@link loadSalts}.
   * @param limit so many at most, unless the store deletes all in one statement
   * @param timeout milliseconds
   * @returns how many
   */
  deleteReservedVisits(limit: number, timeout: number): Promise<number>;

  /** The latest visits of sessions without a cookie, of those that have one. */
  findReservedVisits(sessions: string[], timeout: number): Promise<CookielessVisit[]>;

  /**
   * Stores the latest visits of sessions without a cookie, of each session one. A visit whose version is not the next one of its
   * session's is left out, because another instance was quicker.
   * @returns the stored visits of these sessions after that
   */
  reserveVisits(visits: CookielessVisit[], timeout: number): Promise<CookielessVisit[]>;

  /**
   * Adds to the shared counts, and deletes those older than 30 days. An hour in the future, by the engine's clock, counts as the current
   * one. A failed call may have been counted, so the counts are not exact.
   * @param timeout milliseconds
   */
  addOutcomes(counts: OutcomeCount[], timeout: number): Promise<void>;

  /** Returns the counts of all instances in hours that start at or after `since`, in milliseconds since 1970. */
  findOutcomes(since: number): Promise<OutcomeCount[]>;

  /**
   * Returns the age of the oldest change that is not in the statistics yet (0 if there is none), and the engine's clock. Both are in
   * milliseconds, `now` since 1970.
   */
  findLag(): Promise<{ lag: number; now: number }>;

  /** Compares the tables with the schema of this version, without changing anything. */
  inspect(): Promise<Finding[]>;

  /** Compares all derived data with the activities. */
  check(onProgress?: Progress): Promise<Mismatches>;

  /** Recomputes all derived data from the activities. */
  rebuild(onProgress?: Progress): Promise<void>;

  /** Creates the tables, or migrates them to this version. */
  migrate(): Promise<void>;

  /** Cancels all running work. */
  abort(): void;

  /** Ends background work within about a second. The owner of the connection to the engine closes it. */
  close(): Promise<void>;
}

/**
 * `data`: the content of a row is invalid, and a retry fails again. `schema`: an operator must fix tables or permissions. `transient`: for
 * example a lost connection; a retry with the same ids may succeed.
 */
type ErrorKind = 'data' | 'schema' | 'transient';

export interface StoreFailure extends Failure {
  kind: ErrorKind;
  /** A table or a column is missing: the migrations have not been run. */
  isNotMigrated?: boolean;
}

/** Which page of activities to read. */
export interface PageRequest {
  limit: number;
  after?: Cursor | undefined;
  order: 'asc' | 'desc';
}

export interface Received {
  /** All ids, including the known ones. */
  ids: string[];
  /** The newest last. */
  activities: Activity[];
}

/** @param done numbers of days, or of portions of visits */
export type Progress = (done: number, total: number) => void;

/** Number of visit and rollup rows that differ from the activities, and of activities with another page than the option gives. */
export interface Mismatches {
  visits: number;
  sums: number;
  pages: number;
}
