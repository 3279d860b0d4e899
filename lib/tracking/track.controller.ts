import {
  All,
  Controller,
  HttpCode,
  Inject,
  Req,
  Res,
  ServiceUnavailableException,
  UnprocessableEntityException,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ActivityService } from '../activity/activity.service.js';
import { InvalidActivityError } from '../activity/validation-errors.js';
import { ENGAGEMENT, timeInView } from '../activity/engagement.js';
import { Events } from '../activity/events.js';
import { formatGroupId, groupOfHost } from '../activity/group.js';
import { hasPrivacySignal } from '../activity/privacy.js';
import { Recorder } from '../activity/recorder.js';
import { withoutOwnHost } from '../activity/referrer.js';
import { UnstorableError } from '../activity/unstorable.error.js';
import { isKnownBot, buildSession } from '../activity/user-agent.js';
import { isPublic } from '../activity/ip-address.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { type Settings, SETTINGS } from '../options/settings.js';
import { isOfDoctor } from '../diagnostics/doctor-request.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { badRequest } from '../http/bad-request.js';
import { parseHostname } from '../http/host.js';
import { RETRY_AFTER, type TrackRequest } from '../http/request.js';
import { RefusalCounter } from './refusal-counter.js';
import { IdentifyGuard } from './identify.guard.js';
import { MethodGuard } from './method.guard.js';
import { pathOfReferer } from './referer.js';
import type { User } from '../activity/user.js';
import type { KeyRing } from '../privacy/key-ring.js';
import { readBody } from './track.body.js';
import { readActivities } from './track.dto.js';
import { monotonicClock } from '../time/clock.js';
import { IdentifiedUsers } from './user.js';
import { type Moment, newSession, type Visit, assignVisits } from './visitor.js';
import { VisitorService } from './visitor.service.js';

/** Stores the activities of a request. */
@Controller()
export class TrackController {
  private readonly events: Events;
  /** The sessions whose visitors have withdrawn their consent. */
  private readonly erasures = new Map<string, Promise<unknown>>();
  /** By the monotonic clock. */
  private nextLook = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly adapterHost: HttpAdapterHost,
    private readonly users: IdentifiedUsers,
    private readonly visitors: VisitorService,
    private readonly recorder: Recorder,
    private readonly activities: ActivityService,
    private readonly outcomes: OutcomeCounter,
    private readonly refusals: RefusalCounter,
  ) {
    this.events = new Events(settings);
  }

  // On Fastify, a path can have only one handler for all methods if one handler takes them all.
  @All()
  @HttpCode(204)
  @UseGuards(MethodGuard, IdentifyGuard)
  async track(@Req() request: TrackRequest, @Res({ passthrough: true }) response: object): Promise<void> {
    try {
      await this.handle(request, response);
      await this.outcomes.beforeAnswer?.();
    } catch (given) {
      const error = given instanceof InvalidActivityError ? badRequest(given.errors) : given;
      this.refusals.fail(request, error);
      if (error instanceof UnstorableError)
        throw new UnprocessableEntityException(error.message, { cause: error });
      if (!(error instanceof UnavailableError)) throw error;
      this.adapterHost.httpAdapter.setHeader(response, 'Retry-After', RETRY_AFTER);
      // The server closes only after its connections.
      if (this.recorder.isClosing) this.adapterHost.httpAdapter.setHeader(response, 'Connection', 'close');
      throw new ServiceUnavailableException(error.answer, { cause: error });
    }
  }

  private async handle(request: TrackRequest, response: object): Promise<void> {
    this.recorder.checkRoom();
    const receivedAt = Date.now();
    const { headers, ip } = request;
    const parsed = readActivities(readBody(request), {
      receivedAt,
      path: pathOfReferer(headers.referer),
      events: this.events,
    });
    const deciding = this.visitors.decide(request);
    // The host's time is not limited, as that of its guards.
    const { mode, isUserStored, consent } = deciding instanceof Promise ? await deciding : deciding;
    const user = isUserStored ? this.users.get(request) : undefined;
    const moments = parsed.map(({ date, path, name, properties }) => ({
      date: Math.min(date.getTime(), receivedAt),
      path,
      inView: name === ENGAGEMENT ? timeInView(properties) : undefined,
    }));
    if (mode === 'cookieless' || mode === 'nothing') await this.endSession(request, response, consent);
    if (mode === 'nothing') {
      this.outcomes.count('consent', parsed.length);
      return;
    }
    const asked = this.settings.group?.(request);
    const group = groupOfHost(asked instanceof Promise ? await asked : asked);
    const deadline = this.recorder.deadline();
    const isAnonymous = this.settings.respect !== 'ignore' && hasPrivacySignal(request);
    const keys = await this.visitors.keyRing();
    this.lookAtAddress(request);
    const { session, since, visits, latest }: RequestVisits =
      mode === 'cookieless'
        ? isAnonymous
          ? { session: newSession(), visits: [] }
          : await this.visitors.reserve(request, moments, user?.id, this.recorder.timeLeft(deadline))
        : this.visitByCookie({ request, receivedAt, keys, moments, user, activity: parsed[0]?.id });
    const ipAddress = this.visitors.toStoredIp(ip, mode);
    const ownHosts = [parseHostname(request), parseOriginHost(headers.origin)];
    const activities = parsed.map((activity, i) =>
      Object.assign(activity, {
        referer: withoutOwnHost(activity.referer, ownHosts),
        userId: user?.id ?? null,
        userName: user?.name ?? null,
        groupId: group && formatGroupId(group),
        groupName: isUserStored ? (group?.name ?? null) : null,
        sessionId: session,
        visitId: visits[i] ?? null,
        ipAddress,
        subject: null,
        interactive: null,
      }),
    );
    const sessionRow = buildSession(
      session,
      receivedAt,
      () => this.visitors.readSessionSource(request),
      consent,
    );
    let isSessionKept = false;
    const onSessionKept = (): void => void (isSessionKept = true);
    const kept = await this.recorder.record(activities, sessionRow, { request, deadline, onSessionKept });
    if (isKnownBot(headers['user-agent']) && !isOfDoctor(headers)) this.outcomes.count('bot', kept);
    // Without a visit there is nothing to renew.
    if (!isSessionKept || !latest || since === undefined) return;
    const cookie = this.visitors.cookie({ session, since, visit: latest }, request, receivedAt, keys);
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
  }

  /** Withdrawn consent leaves nothing on the device. The cookie remains until the session is erased, if it is to be. */
  private async endSession(request: TrackRequest, response: object, consent: boolean | null): Promise<void> {
    const removal = this.visitors.removal(request);
    if (!removal) return;
    if (consent === false && this.settings.onWithdrawal === 'erase') {
      const session = this.visitors.sessionOfCookie(request, await this.visitors.keyRing());
      if (session !== undefined) await this.eraseIfAgreed(session);
    }
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', removal);
  }

  /**
   * A session of the time before the option `consent` was set stays: its visitor has withdrawn nothing. Simultaneous requests of
   * a browser erase its session once.
   */
  private async eraseIfAgreed(session: string): Promise<void> {
    let erasure = this.erasures.get(session);
    if (!erasure) {
      const erase = async (): Promise<void> => {
        // Otherwise activities that the browser has just sent would be committed after the erasure.
        await this.recorder.waitForSession(session);
        const { items } = await this.activities.find({ session }, { limit: 1 });
        if (items[0]?.session?.consent) await this.activities.erase({ session });
      };
      erasure = erase().finally(() => this.erasures.delete(session));
      this.erasures.set(session, erasure);
    }
    await erasure;
  }

  /** One request a second is enough to find out if the host knows the addresses of its visitors. */
  private lookAtAddress({ ip, headers }: TrackRequest): void {
    const now = monotonicClock.now();
    if (now < this.nextLook || isOfDoctor(headers)) return;
    this.nextLook = now + 1000;
    if (isPublic(ip)) this.outcomes.count('public');
    else if (headers['x-forwarded-for'] ?? headers.forwarded) this.outcomes.count('proxied');
  }

  private visitByCookie({
    request,
    receivedAt,
    keys,
    moments,
    user,
    activity,
  }: CookieRequest): RequestVisits {
    const first = buildIdempotencySeed(activity, request, keys.seed(receivedAt));
    const { session, since, visit, idempotencySeed } = this.visitors.resolveVisitor(
      request,
      receivedAt,
      keys,
      first,
    );
    if (since < receivedAt && !isOfDoctor(request.headers)) this.outcomes.count('cookie');
    return { session, since, ...assignVisits(visit, moments, user?.id, idempotencySeed) };
  }
}

interface CookieRequest {
  request: TrackRequest;
  receivedAt: number;
  keys: KeyRing;
  moments: Moment[];
  user: User | undefined;
  /** The id of the first activity. */
  activity: string | undefined;
}

interface RequestVisits {
  session: string;
  visits: (string | null)[];
  /** Without it, no cookie is set. */
  since?: number;
  latest?: Visit | undefined;
}

/** Returns the host of the page that tracks, if the browser sends it. */
function parseOriginHost(origin: string | undefined): string | undefined {
  return /^https?:\/\/([^/:]+|\[[^\]]+\])(?::\d+)?$/i.exec(origin ?? '')?.[1];
}

/**
 * Returns a text that is the same if a client sends its oldest activity again, so that a new visitor who left the page before
 * the answer arrived keeps one session. It includes the IP address and the user agent, because an id alone could be shared,
 * and a secret, because a stranger could otherwise find an id that leads to another visitor's session.
 */
function buildIdempotencySeed(
  id: string | undefined,
  { ip, headers }: TrackRequest,
  secret: string,
): string | undefined {
  return id && `${secret}\n${id}\n${ip}\n${headers['user-agent']}`;
}
