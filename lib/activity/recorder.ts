import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { DjaffarOptions } from '../options/djaffar.options.js';
import { type Settings, SETTINGS } from '../options/settings.js';
import type { StoredActivity } from './activity.js';
import { hasPrivacySignal } from './privacy.js';
import { DOCTOR_ACTIVITY } from '../diagnostics/doctor-request.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { Telemetry } from '../diagnostics/telemetry.js';
import { UNKNOWN_MARK } from './events.js';
import { Scrubber } from './scrubber.js';
import { ActivityWriter } from './activity.writer.js';
import { MAX_NAME, MAX_PATH, MAX_ROUTE } from './new-activity.js';
import { storedIp } from './ip-address.js';
import { isObject, validateProperties } from './properties.js';
import type { NewSession } from './session.js';
import { storedSubject, SUBJECT_FAULT } from './subject.js';
import { truncate, isLongerThan, sanitize } from './text.js';
import { VisitDurationLimit } from './visit-duration-limit.js';

const MAX_USER = 255;

type Transform = NonNullable<DjaffarOptions['transform']>;

/** How activities are recorded. */
export interface RecordOptions {
  /** The request for the option `transform`; `undefined` if server code tracks outside of requests. */
  request?: unknown;
  /** Whether the activity belongs to another user than the request, so that the option `respect` does not apply. */
  isAboutAnother?: boolean | undefined;
  /** Whether the host's code has chosen the visit. */
  isVisitOfHost?: boolean;
  /** A transaction of the host, with which it is committed. */
  manager?: EntityManager | undefined;
  /** When the activities are refused, from {@link Recorder.deadline}; given if they have already waited for the database. */
  deadline?: number;
  /**
   * Called if an activity of the visitor's session is kept: before it is written, or when the host has committed it. Never
   * called if the options leave no activity with this session.
   */
  onSessionKept?(): void;
}

/** The properties that anonymised activities lose. The id of a group stays: it is a customer, not a person. */
const ANONYMOUS = {
  userId: null,
  userName: null,
  groupName: null,
  sessionId: null,
  visitId: null,
  ipAddress: null,
};

/** What an activity may lack. */
const OPTIONAL = [
  'route',
  'referer',
  'properties',
  'subject',
  'userId',
  'userName',
  'groupId',
  'groupName',
  'sessionId',
  'visitId',
  'ipAddress',
  'interactive',
] as const;

/** Applies the options `respect`, `traceProperty`, `scrub` and `transform` to activities, and gives what is left to the writer. */
@Injectable()
export class Recorder {
  private readonly scrubber: Scrubber;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly writer: ActivityWriter,
    private readonly visitDurationLimit: VisitDurationLimit,
    private readonly outcomes: OutcomeCounter,
    private readonly telemetry: Telemetry,
  ) {
    this.scrubber = new Scrubber(settings.scrub);
  }

  /** True if the application is shutting down and accepts no more requests. */
  get isClosing(): boolean {
    return this.writer.isClosing;
  }

  /**
   * Must be called before any work is done on a request.
   * @throws UnavailableError if too many activities wait
   */
  checkRoom(): void {
    this.writer.checkRoom();
  }

  /** @returns when a request that arrives now is refused if the database has not stored it */
  deadline(): number {
    return this.writer.deadline();
  }

  /** Resolves when the activities of a session that this instance has accepted by now are committed, or refused. */
  waitForSession(session: string): Promise<void> {
    return this.writer.waitForSession(session);
  }

  /** @returns milliseconds that are left until a deadline */
  timeLeft(deadline: number): number {
    return this.writer.timeLeft(deadline);
  }

  /**
   * Resolves when the activities that `transform` has returned are committed. The time of `transform` is not limited.
   * @returns how many activities it left
   * @throws UnstorableError if the options "user" or "transform" returned values that the tables cannot store
   */
  async record(given: StoredActivity[], session?: NewSession, options: RecordOptions = {}): Promise<number> {
    let { deadline = this.deadline() } = options;
    const kept: StoredActivity[] = [];
    /** Activities whose visit the host's code has chosen. */
    const ofHost: StoredActivity[] = [];
    const allowed = this.protect(given, options);
    if (allowed.length === 0) this.outcomes.count('signal', given.length);
    for (const activity of allowed) {
      const { visitId } = activity;
      const timeLeft = this.writer.timeLeft(deadline);
      const transforming = this.transform(activity, options.request);
      // Waits only if it must: an answer may begin in the next tick, and would then lack the cookie of a new visitor.
      const transformed = isPromise(transforming) ? await transforming : transforming;
      // The time that the host's function takes does not count. Without one, deadlines have the order of the calls, and so has the queue.
      if (this.settings.transform) deadline = this.writer.deadline(timeLeft);
      if (!transformed) continue;
      if (!isObject(transformed))
        throw this.writer.errors.unstorable(
          'the option "transform" gave something else than an activity or null',
        );
      const own = this.settings.transform ? withNulls(transformed) : transformed;
      kept.push(own);
      if (options.isVisitOfHost || own.visitId !== visitId) ofHost.push(own);
    }
    this.outcomes.count('transform', allowed.length - kept.length);
    for (const activity of kept) this.truncateFields(activity);
    if (kept.length === 0) return 0;
    const { manager } = options;
    const limits = { manager, timeout: this.writer.timeLeft(deadline) };
    if (ofHost.length > 0)
      for (const late of await this.visitDurationLimit.findLate(ofHost, limits)) late.visitId = null;
    const isOf = (activity: StoredActivity): boolean => activity.sessionId === session?.id;
    const own = kept.some(isOf) ? session : undefined;
    const onSessionKept = (): void => {
      if (own) options.onSessionKept?.();
    };
    if (manager) {
      await this.writer.writeIn(manager, kept, own, () => {
        onSessionKept();
        this.countStored(kept);
      });
      return kept.length;
    }
    onSessionKept();
    await this.writer.write(kept, own, deadline);
    this.countStored(kept);
    return kept.length;
  }

  private countStored(activities: StoredActivity[]): void {
    const stored = activities.filter(({ name }) => name !== DOCTOR_ACTIVITY).length;
    if (stored > 0) this.outcomes.storedAt = Date.now();
    this.outcomes.count('stored', stored);
    if (this.settings.unknownEvents === 'mark')
      this.outcomes.count('unknown', activities.filter((each) => each.properties?.[UNKNOWN_MARK]).length);
  }

  /** Applies the options `respect`, `traceProperty` and `scrub`. */
  private protect(
    activities: StoredActivity[],
    { request, isAboutAnother }: RecordOptions,
  ): StoredActivity[] {
    const { respect, traceProperty } = this.settings;
    const hasSignal = respect !== 'ignore' && !isAboutAnother && hasPrivacySignal(request);
    if (hasSignal && respect === 'drop') return [];
    const trace = traceProperty !== undefined && !hasSignal ? this.telemetry.readTraceId(request) : undefined;
    for (const activity of activities) {
      if (hasSignal) Object.assign(activity, ANONYMOUS);
      if (traceProperty !== undefined && trace !== undefined)
        activity.properties = { ...activity.properties, [traceProperty]: trace };
      const { path, referer, properties } = activity;
      activity.path = this.scrubber.scrub(path) || '/';
      if (referer !== null) activity.referer = this.scrubber.scrub(referer);
      // The activities `outbound` and `download` of the tracker have this property.
      if (typeof properties?.url === 'string')
        activity.properties = { ...properties, url: this.scrubber.scrub(properties.url) };
    }
    return activities;
  }

  private transform(activity: StoredActivity, request: unknown): ReturnType<Transform> {
    return this.settings.transform ? this.settings.transform(activity, request) : activity;
  }

  /**
   * Truncates the results of the host's functions to the lengths of the columns.
   * @throws UnstorableError for an id that is too long: if it were truncated, two ids could become the same
   */
  private truncateFields(activity: StoredActivity): void {
    const { id, sessionId, visitId, userId, userName, ipAddress, referer, route, subject } = activity;
    const { groupId, groupName } = activity;
    this.checkLength('id', id, 36);
    if (sessionId !== null) this.checkLength('sessionId', sessionId, 64);
    if (visitId !== null) this.checkLength('visitId', visitId, 16);
    if (userId !== null) {
      this.checkLength('userId', userId, MAX_USER);
      activity.userId = sanitize(userId);
    }
    if (userName !== null) activity.userName = fitText(userName, MAX_USER);
    if (groupName !== null) activity.groupName = fitText(groupName, MAX_USER);
    if (ipAddress !== null) activity.ipAddress = storedIp(ipAddress);
    if (referer !== null) activity.referer = fitText(referer, MAX_PATH);
    if (route !== null) activity.route = fitText(route, MAX_ROUTE);
    activity.name = fitText(activity.name, MAX_NAME);
    activity.path = fitText(activity.path, MAX_PATH);
    if (this.settings.transform) this.checkProperties(activity);
    if (subject !== null && storedSubject(subject) === undefined)
      throw this.writer.errors.unstorable(`the subject that the option "transform" gave ${SUBJECT_FAULT}`);
    if (groupId !== null && storedSubject(groupId) === undefined)
      throw this.writer.errors.unstorable(`the groupId that the option "transform" gave ${SUBJECT_FAULT}`);
  }

  private checkLength(property: string, text: string, characters: number): void {
    if (!isLongerThan(text, characters)) return;
    const fault = `has more than ${characters} characters`;
    throw this.writer.errors.unstorable(
      `the ${property} that the options "user" or "transform" gave ${fault}`,
    );
  }

  /** Checks properties by the rule that also applies to clients and imports. */
  private checkProperties(activity: StoredActivity): void {
    if ((activity.properties ?? null) === null) return;
    const fault = validateProperties(toJson(activity.properties));
    if (fault)
      throw this.writer.errors.unstorable(`the properties that the option "transform" gave ${fault}`);
  }
}

/** Returns a value as JSON stores it: without `undefined`, and with dates as text. */
function toJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    // Such as a `bigint`, or an object inside itself.
    return undefined;
  }
}

function fitText(text: string, characters: number): string {
  return truncate(sanitize(text), characters);
}

/** @param value `undefined` if JavaScript returns nothing */
function isPromise(value: unknown): value is Promise<StoredActivity | null> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** Returns a copy with `null` for what JavaScript has deleted, or set to `undefined`. */
function withNulls(activity: StoredActivity): StoredActivity {
  const copy = { ...activity };
  for (const property of OPTIONAL) copy[property] ??= null;
  return copy;
}
