import type { EntityManager } from 'typeorm';
import type { Settings } from '../options/settings.js';
import type { ActivityName, Named } from './activities.js';
import type { StoredActivity } from './activity.js';
import type { ContextSource, Origin } from './activity.context.js';
import { countryOfAddress, storedCountry } from './country.js';
import { Events } from './events.js';
import { storedIp } from './ip-address.js';
import { formatGroupId, type Group, GROUP_FAULT, type HostGroup, storedGroup } from './group.js';
import { isVisitorId, MAX_SESSION, MAX_VISIT } from './visit-id.js';
import { storedLanguage } from './language.js';
import { restrictIpPolicy, modeOutsideRequest } from './privacy.js';
import {
  MAX_PATH,
  normalizeActivity,
  type ParsedActivity,
  readActivity,
  type ReadActivity,
} from './new-activity.js';
import type { Recorder } from './recorder.js';
import type { NewSession } from './session.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { sanitize, truncate } from './text.js';
import { storedUser, type User } from './user.js';
import { buildSession } from './user-agent.js';
import { ErrorCollector } from './validation-errors.js';

/** An activity of server code. */
export type ServerActivity<N extends ActivityName = ActivityName> = ActivityDetails & Named<N>;

interface ActivityDetails {
  /** At most 2,048 characters; default: the path of the request. It is mandatory outside of requests. */
  path?: string | undefined;
  /** Default: now. A text is ISO 8601; without an offset it is UTC. */
  date?: Date | string | undefined;
  /** At most 2,048 characters. */
  referer?: string | undefined;
  /** A UUID. Activities with the same id are stored once. Default: a new UUIDv7. */
  id?: string | undefined;
  /** Default: the user of the request. For another user, only the path is taken from the request. */
  user?: { id: string | number | bigint; name?: string | null } | undefined;
  /** Default: the group of the request, if the user is the request's; see the option `group`. */
  group?: HostGroup | undefined;
  /** The id of a session, as in {@link Activity.sessionId}. Default: the request's session and visit. */
  session?: string | undefined;
  /**
   * The id of a visit, as in {@link Activity.visitId}. It is omitted if the visit would last for 24 hours or longer with
   * this activity.
   */
  visit?: string | undefined;
  /** The pattern of the route, at most 255 characters; default: the request's. */
  route?: string | undefined;
  /** The object of the activity, such as `['order', 17]`; `find({ subject: ['order', 17] })` returns its activities. */
  subject?: Subject | undefined;
  /**
   * `false` if the user did not cause it directly: a visit with it and one other activity is still a bounce.
   * @defaultValue true
   */
  interactive?: boolean | undefined;
  ip?: string | undefined;
  /** Stored with the session if the session is new. */
  userAgent?: string | undefined;
  /**
   * An ISO 3166-1 code such as `DE`, stored with the session if it is new; other texts are left out. Default: the country of `ip` if it is
   * given and the option `geo` is a database; otherwise the request's.
   */
  country?: string | undefined;
  /** A BCP 47 tag such as `en-US`, stored with the session if it is new. Default: the request's. */
  language?: string | undefined;
}

/** Options of `ActivityService.track`. */
export interface TrackOptions {
  /** `null`: takes nothing from the request, or from `runAs`, in which the code runs. */
  context?: null;
  /**
   * The manager of a transaction of yours, on the data source of `DjaffarModule`: the activity is committed with it, or not
   * at all. Errors of the driver are thrown unchanged, so that you can retry the transaction.
   */
  manager?: EntityManager;
}

/** Validates activities of server code, completes them from their context, and records them. */
export class ServerTracker {
  private readonly events: Events;

  constructor(
    private readonly settings: Settings,
    private readonly recorder: Recorder,
  ) {
    this.events = new Events(settings);
  }

  /**
   * @param context provides missing values
   * @param options with `isNameGenerated`, the option `events` does not apply, because the application has not chosen the name
   */
  async track(
    activity: ServerActivity,
    context: ContextSource | undefined,
    { manager, isNameGenerated = false }: { manager?: EntityManager; isNameGenerated?: boolean },
  ): Promise<void> {
    const errors = new ErrorCollector();
    const { ip, userAgent, country, language, interactive, ...others } = activity;
    const given = readGiven(others, errors);
    const now = Date.now();

    const deciding = context?.decided();
    if (deciding) await deciding;
    // The time that the host's functions take does not count.
    const deadline = this.recorder.deadline();
    // Not in a transaction, because it would need a second connection.
    const loading = manager ? undefined : context?.ready();
    if (loading) await loading;

    const { time, name, properties } = given.read ?? {};
    const origin =
      errors.count === 0
        ? context?.findOrigin({ date: time ?? now, name, properties, user: given.user })
        : undefined;
    const isPathUnknown = errors.count > 0 && context !== undefined;
    const parsed =
      given.read && this.normalize(given.read, { now, origin, isPathUnknown, isNameGenerated, errors });
    errors.throwIfInvalid();
    if (!parsed || origin?.isDropped) return;

    const { session, visit } = activity;
    /** The source of the session and the visit, unless the caller gave one of them. */
    const visitor = session === undefined && visit === undefined ? origin : undefined;
    // Not in a transaction, because that would need a second connection.
    const reserved = manager ? undefined : await visitor?.reserveVisit?.(this.recorder.timeLeft(deadline));
    const sessionId = session ?? reserved?.session ?? visitor?.session ?? null;
    const visitId = visit ?? reserved?.visit ?? visitor?.visit ?? null;
    await this.recorder.record(
      [{ ...this.complete({ ip, interactive }, parsed, given, origin), sessionId, visitId }],
      sessionId === null
        ? undefined
        : this.buildSession(sessionId, now, { ip, userAgent, country, language }, visitor),
      {
        request: origin?.request,
        isAboutAnother: origin?.isAboutAnother,
        isVisitOfHost: !visitor?.isVisitOwn,
        manager,
        deadline,
        onSessionKept: () => visitor?.setCookie(),
      },
    );
  }

  /** Takes missing values from the origin, and leaves out what may not be stored. */
  private complete(
    { ip, interactive }: Pick<ServerActivity, 'ip' | 'interactive'>,
    parsed: ParsedActivity,
    given: Given,
    origin: Origin | undefined,
  ): Omit<StoredActivity, 'sessionId' | 'visitId'> {
    const outside = modeOutsideRequest(this.settings);
    const isUserStored = origin?.isUserStored ?? outside !== 'cnil';
    const ipPolicy = origin?.ipPolicy ?? restrictIpPolicy(outside, this.settings.ip);
    const group = given.group ?? origin?.group ?? null;
    return {
      ...parsed,
      route: parsed.route ?? origin?.route ?? null,
      subject: given.subject,
      interactive: interactive === false ? false : null,
      referer: parsed.referer ?? origin?.referer ?? null,
      userId: isUserStored ? (given.user?.id ?? origin?.user?.id ?? null) : null,
      userName: isUserStored ? (given.user?.name ?? origin?.user?.name ?? null) : null,
      groupId: group && formatGroupId(group),
      groupName: isUserStored ? (group?.name ?? null) : null,
      ipAddress: ip === undefined ? (origin?.ip ?? null) : storedIp(ip, ipPolicy),
    };
  }

  private buildSession(
    id: string,
    now: number,
    { ip, userAgent, country, language }: Pick<ServerActivity, SessionValue>,
    visitor: Origin | undefined,
  ): NewSession {
    return buildSession(
      id,
      now,
      () => ({
        userAgent: userAgent ?? visitor?.userAgent ?? null,
        country:
          storedCountry(country) ?? countryOfAddress(this.settings.geo, ip) ?? visitor?.country ?? null,
        language: storedLanguage(language) ?? visitor?.language ?? null,
      }),
      visitor?.consent ?? null,
    );
  }

  /** @param given with `isPathUnknown`, a missing path is no error, because the context was not asked for it */
  private normalize(
    read: ReadActivity,
    given: {
      now: number;
      origin: Origin | undefined;
      isPathUnknown: boolean;
      isNameGenerated: boolean;
      errors: ErrorCollector;
    },
  ): ParsedActivity | undefined {
    const path = given.origin?.path ?? (given.isPathUnknown ? '/' : undefined);
    return normalizeActivity(
      read,
      {
        receivedAt: given.now,
        skew: 0,
        path: path ? truncate(sanitize(path), MAX_PATH) : undefined,
        missingPath: this.settings.requestContext
          ? 'outside of a request'
          : 'unless the option "requestContext" takes it from a request',
        events: given.isNameGenerated ? undefined : this.events,
      },
      given.errors,
    );
  }
}

/** The values that only a new session needs; `ip` is also stored with the activity. */
type SessionValue = 'ip' | 'userAgent' | 'country' | 'language';

/** The values of the caller in their stored form. */
interface Given {
  read: ReadActivity | undefined;
  user: User | null;
  group: Group | null;
  subject: string | null;
}

/** Reads what the caller gave, and adds its errors. */
function readGiven(
  activity: Omit<ServerActivity, SessionValue | 'interactive'>,
  errors: ErrorCollector,
): Given {
  const { session, visit, date = new Date(), user, ...others } = activity;
  const { group: givenGroup, subject: givenSubject, ...fields } = others;
  const read = readActivity({ ...fields, date: date instanceof Date ? formatIso(date) : date }, errors);
  checkId('session', session, MAX_SESSION, errors);
  checkId('visit', visit, MAX_VISIT, errors);
  const subject = givenSubject === undefined ? null : storedSubject(givenSubject);
  if (subject === undefined) errors.addError('subject', `subject ${SUBJECT_FAULT}`);
  const group = storedGroup(givenGroup);
  if (group === undefined) errors.addError('group', `group ${GROUP_FAULT}`);
  return { read, user: storedUser(user), group: group ?? null, subject: subject ?? null };
}

function formatIso(date: Date): string {
  return Number.isNaN(date.getTime()) ? String(date) : date.toISOString();
}

function checkId(name: string, id: string | undefined, max: number, errors: ErrorCollector): void {
  if (id === undefined || isVisitorId(id, max)) return;
  errors.addError(name, `${name} must be 1 to ${max} letters, digits, - or _`);
}
