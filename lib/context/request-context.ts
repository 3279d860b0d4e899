import type { ActivityContext, Occasion, Origin } from '../activity/activity.context.js';
import { ENGAGEMENT, timeInView } from '../activity/engagement.js';
import { hasPrivacySignal, restrictIpPolicy } from '../activity/privacy.js';
import { type Group, groupOfHost } from '../activity/group.js';
import { withoutOwnHost } from '../activity/referrer.js';
import { givenUser, type User } from '../activity/user.js';
import type { Settings } from '../options/settings.js';
import { parseHostname } from '../http/host.js';
import { findUser } from '../tracking/user.js';
import { type BrowserSession, type Moment, type Visit, assignVisits } from '../tracking/visitor.js';
import { COOKIE_NAME, type VisitorService } from '../tracking/visitor.service.js';
import { type ContextRequest, type ContextResponse, parsePath, readRoute, setCookie } from './request.js';

const NOBODY = {
  user: null,
  group: null,
  session: null,
  visit: null,
  ip: null,
  userAgent: null,
  country: null,
  language: null,
};

/** The context of one request. It is read lazily, because most requests track nothing. */
export class RequestContext {
  private knownUser: User | null = null;
  private knownGroup: Group | null = null;
  /** True if the option `group` returns promises; then only a group that was awaited is known. */
  private isGroupAsync = false;
  private visitor: (BrowserSession & { visit: Visit | undefined }) | undefined;
  /** Whether the visitor's session is stored, or will be. */
  private isSessionStored = false;

  constructor(
    private readonly request: ContextRequest,
    /** Without a response, no cookie is set. */
    private readonly response: ContextResponse | undefined,
  ) {}

  /** Returns the user; `null` before the host's guards have run, so only a found user is remembered. */
  user(settings: Settings): User | null {
    return (this.knownUser ??= findUser(this.request, settings));
  }

  /** Waits for asynchronous decisions of the host's functions; `undefined` if there are none. */
  decided(settings: Settings, visitors: VisitorService): Promise<unknown> | undefined {
    try {
      const group = this.findGroup(settings);
      const decision = visitors.decide(this.request);
      return group instanceof Promise || decision instanceof Promise
        ? Promise.all([group, decision])
        : undefined;
    } catch {
      // It is thrown again when an activity is tracked.
      return undefined;
    }
  }

  /** Only a group that was found is cached, as with the user. */
  private findGroup(settings: Settings): Group | null | Promise<Group | null> {
    if (this.knownGroup || !settings.group) return this.knownGroup;
    const found = settings.group(this.request);
    if (!(found instanceof Promise)) return (this.knownGroup = groupOfHost(found));
    this.isGroupAsync = true;
    const group = found.then((given) => (this.knownGroup = groupOfHost(given)));
    // Avoids an unhandled rejection. A caller that does not wait for the promise gets no group.
    group.catch(() => {});
    return group;
  }

  /** Returns the group. If the option `group` returns promises, only a group that was awaited is known. */
  private group(settings: Settings): Group | null {
    if (this.isGroupAsync) return this.knownGroup;
    const group = this.findGroup(settings);
    return group instanceof Promise ? null : group;
  }

  snapshot(settings: Settings, visitors: VisitorService): ActivityContext {
    const location = {
      path: parsePath(this.request),
      route: readRoute(this.request),
      at: new Date().toISOString(),
    };
    const { respect } = settings;
    if (respect !== 'ignore' && hasPrivacySignal(this.request))
      return { ...NOBODY, ...location, ...(respect === 'drop' && { isDropped: true }) };
    const { mode, isUserStored } = visitors.findDecision(this.request);
    if (mode === 'nothing') return { ...NOBODY, ...location, isDropped: true };
    const stored = this.isSessionStored ? this.visitor : undefined;
    const { session, visit } = stored ? { ...stored, visit: stored.visit?.id } : visitors.of(this.request);
    return {
      user: isUserStored ? this.user(settings) : null,
      group: this.group(settings),
      session: session ?? null,
      visit: visit ?? null,
      ip: visitors.toStoredIp(this.request.ip, mode),
      ...visitors.readSessionSource(this.request),
      ...location,
    };
  }

  findOrigin(occasion: Occasion, settings: Settings, visitors: VisitorService): Origin {
    const { request } = this;
    const { mode, isUserStored, consent } = visitors.findDecision(request);
    const own = isUserStored ? this.user(settings) : null;
    const user = isUserStored ? givenUser(occasion.user, own) : null;
    const isAboutAnother = own !== null && user?.id !== own.id;
    const origin: Origin = {
      ...NOBODY,
      user,
      referer: null,
      path: parsePath(request),
      route: readRoute(request),
      request,
      isAboutAnother,
      isUserStored,
      consent,
      ipPolicy: restrictIpPolicy(mode, settings.ip),
      isVisitOwn: true,
      setCookie: () => {},
      ...(mode === 'nothing' && !isAboutAnother && { isDropped: true }),
    };
    if (isAboutAnother || origin.isDropped) return origin;
    const { headers, ip } = request;
    return {
      ...origin,
      group: this.group(settings),
      ip: visitors.toStoredIp(ip, mode),
      ...visitors.readSessionSource(request),
      referer: withoutOwnHost(headers.referer ?? null, [parseHostname(request)]),
      ...(mode === 'cookieless'
        ? this.buildReservation(occasion, user, settings, visitors)
        : this.findVisit(occasion, user, visitors)),
    };
  }

  private buildReservation(
    occasion: Occasion,
    user: User | null,
    { respect }: Settings,
    visitors: VisitorService,
  ): Partial<Origin> {
    if (respect !== 'ignore' && hasPrivacySignal(this.request)) return {};
    // Without an address, all visitors with the same browser would be one.
    if (this.request.ip === undefined) return {};
    const moment = toMoment(occasion, Date.now());
    return {
      reserveVisit: async (timeout) => {
        const { session, visits } = await visitors.reserve(this.request, [moment], user?.id, timeout);
        return { session, visit: visits[0] ?? null };
      },
    };
  }

  /** Continues the visit or starts a new one, by the rules for activities of the browser. */
  private findVisit(occasion: Occasion, user: User | null, visitors: VisitorService): Partial<Origin> {
    const now = Date.now();
    const keys = visitors.currentKeys;
    if (!keys) return {};
    const found = visitors.resolveVisitor(this.request, now, keys, undefined);
    const { session, since, visit } = this.visitor ?? found;
    // Without guards the user is unknown. That must not end the visit, as a logout does.
    const current = user || !visit ? visit : { ...visit, user: '' };
    const { visits, latest } = assignVisits(
      current,
      [toMoment(occasion, now)],
      user?.id,
      found.idempotencySeed,
    );
    const isSame = latest && latest.id === visit?.id;
    this.visitor = {
      session,
      since,
      visit: isSame && !user ? { ...latest, user: visit?.user ?? '' } : latest,
    };
    return {
      session,
      visit: visits[0] ?? null,
      setCookie: () => {
        this.isSessionStored = true;
        const { visitor } = this;
        if (!visitor?.visit || !this.response) return;
        const cookie = visitors.cookie({ session, since, visit: visitor.visit }, this.request, now, keys);
        setCookie(this.response, COOKIE_NAME, cookie);
      },
    };
  }
}

/** Returns the activity's part in a visit. The path would only matter among several activities. */
function toMoment({ date, name, properties }: Occasion, now: number): Moment {
  return {
    date: Math.min(date, now),
    inView: name === ENGAGEMENT ? timeInView(properties ?? null) : undefined,
  };
}
