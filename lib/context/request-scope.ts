import type { ActivityContext, Occasion, Origin } from '../activity/activity.context.js';
import { ENGAGEMENT, timeInView } from '../activity/engagement.js';
import { storedIp } from '../activity/ip-address.js';
import { hasPrivacySignal } from '../activity/privacy-signal.js';
import { withoutOwnHost } from '../activity/referrer.js';
import { givenUser, type User } from '../activity/user.js';
import type { Settings } from '../options/settings.js';
import { hostnameOf } from '../http/host.js';
import { userOf } from '../tracking/user.js';
import { type BrowserSession, type Visit, visitsOf } from '../tracking/visitor.js';
import { COOKIE_NAME, type VisitorService } from '../tracking/visitor.service.js';
import { type ContextRequest, type ContextResponse, pathOf, routeOf, setCookie } from './request.js';

const NOBODY = { user: null, session: null, visit: null, ip: null, userAgent: null };

/** One request. Nothing is read from it before somebody asks: most requests track nothing. */
export class RequestScope {
  private knownUser: User | null = null;
  private visitor: (BrowserSession & { visit: Visit | undefined }) | undefined;
  /** Whether the visitor's session is stored, or about to be. */
  private isKept = false;

  constructor(
    private readonly request: ContextRequest,
    /** Without it no cookie is set. */
    private readonly response: ContextResponse | undefined,
  ) {}

  isOf(request: ContextRequest): boolean {
    return this.request === request;
  }

  /** Before the host's guards have run, nobody is known: so it is asked again until somebody is. */
  user(settings: Settings): User | null {
    return (this.knownUser ??= userOf(this.request, settings));
  }

  take(settings: Settings, visitors: VisitorService): ActivityContext {
    const place = { path: pathOf(this.request), route: routeOf(this.request), at: new Date().toISOString() };
    const { respect } = settings;
    if (respect !== 'ignore' && hasPrivacySignal(this.request))
      return { ...NOBODY, ...place, ...(respect === 'drop' && { isDropped: true }) };
    const { headers, ip } = this.request;
    const kept = this.isKept ? this.visitor : undefined;
    const { session, visit } = kept ? { ...kept, visit: kept.visit?.id } : visitors.of(this.request);
    return {
      user: this.user(settings),
      session: session ?? null,
      visit: visit ?? null,
      ip: storedIp(ip, settings.ip),
      userAgent: headers['user-agent'] ?? null,
      ...place,
    };
  }

  originOf(occasion: Occasion, settings: Settings, visitors: VisitorService): Origin {
    const { request } = this;
    const own = this.user(settings);
    const user = givenUser(occasion.user, own);
    const isAboutAnother = own !== null && user?.id !== own.id;
    const origin: Origin = {
      ...NOBODY,
      user,
      referer: null,
      path: pathOf(request),
      route: routeOf(request),
      request,
      isAboutAnother,
      isVisitOwn: true,
      keep: () => {},
    };
    if (isAboutAnother) return origin;
    const { headers, ip } = request;
    return {
      ...origin,
      ip: storedIp(ip, settings.ip),
      userAgent: headers['user-agent'] ?? null,
      referer: withoutOwnHost(headers.referer ?? null, [hostnameOf(request)]),
      ...this.visitOf(occasion, user, visitors),
    };
  }

  /** The visit goes on, or a new one begins, as it would by an activity of the browser. */
  private visitOf(
    { date, path, name, properties }: Occasion,
    user: User | null,
    visitors: VisitorService,
  ): Partial<Origin> {
    const now = Date.now();
    const keys = visitors.currentKeys;
    if (!keys) return {};
    const found = visitors.resolveVisitor(this.request, now, keys, undefined);
    const { session, since, visit } = this.visitor ?? found;
    const inView = name === ENGAGEMENT ? timeInView(properties ?? null) : undefined;
    const moment = { date: Math.min(date, now), ...(path !== undefined && { path }), inView };
    // A route without guards knows nobody: that is no logout.
    const anyone = user || !visit ? visit : { ...visit, user: '' };
    const { visits, latest } = visitsOf(anyone, [moment], user?.id, found.idempotencySeed);
    const isSame = latest && latest.id === visit?.id;
    this.visitor = {
      session,
      since,
      visit: isSame && !user ? { ...latest, user: visit?.user ?? '' } : latest,
    };
    return {
      session,
      visit: visits[0] ?? null,
      keep: () => {
        this.isKept = true;
        const { visitor } = this;
        if (!visitor?.visit || !this.response) return;
        const cookie = visitors.cookie({ session, since, visit: visitor.visit }, this.request, now, keys);
        setCookie(this.response, COOKIE_NAME, cookie);
      },
    };
  }
}
