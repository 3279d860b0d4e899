import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  type ActivityContext,
  type ContextSource,
  CurrentContext,
  type GivenContext,
  type Occasion,
  type Origin,
} from '../activity/activity.context.js';
import { type Group, GROUP_FAULT, storedGroup } from '../activity/group.js';
import { countryOfAddress, storedCountry } from '../activity/country.js';
import { storedIp } from '../activity/ip-address.js';
import { storedLanguage } from '../activity/language.js';
import { restrictIpPolicy, modeOutsideRequest } from '../activity/privacy.js';
import { parseIsoDate } from '../activity/iso-date.js';
import { MAX_SESSION, MAX_VISIT, VISIT_PAUSE } from '../activity/visit-id.js';
import { isLongerThan, isStorable } from '../activity/text.js';
import { givenUser, storedUser } from '../activity/user.js';
import { type Settings, SETTINGS } from '../options/settings.js';
import { VisitorService } from '../tracking/visitor.service.js';
import { keepAddress } from '../http/request.js';
import { RequestValue } from '../http/request-value.js';
import type { ContextRequest, ContextResponse } from './request.js';
import { RequestContext } from './request-context.js';

/** A request in which code runs. Its context is created at the first activity, because most requests track nothing. */
class EnteredRequest {
  constructor(
    readonly request: ContextRequest,
    readonly response: ContextResponse,
  ) {}
}

/**
 * Finds the request, or the context of `runAs`, in which code runs. It always uses `run`: `enterWith` would leak the context
 * into unrelated work.
 */
@Injectable()
export class RequestContexts extends CurrentContext implements OnApplicationShutdown {
  private readonly storage = new AsyncLocalStorage<EnteredRequest | ActivityContext>();
  private readonly contexts = new RequestValue<RequestContext>('context');

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly visitors: VisitorService,
  ) {
    super();
  }

  /** Whether the option `requestContext` is on. */
  get isOn(): boolean {
    return this.settings.requestContext;
  }

  /** Runs `next` in the context of a request, if it does not run in it already. */
  enter(request: ContextRequest, response: ContextResponse, next: () => void): void {
    const current = this.storage.getStore();
    if (current instanceof EnteredRequest && current.request === request) next();
    else {
      keepAddress(request);
      this.storage.run(new EnteredRequest(request, response), next);
    }
  }

  decided(): Promise<unknown> | undefined {
    const { current } = this;
    return current instanceof RequestContext ? current.decided(this.settings, this.visitors) : undefined;
  }

  ready(): Promise<unknown> | undefined {
    return this.current instanceof RequestContext ? this.loadKeys() : undefined;
  }

  /** Returns the context of this request, even if the caller does not run in it. */
  buildSource(request: ContextRequest, response: ContextResponse | undefined): ContextSource {
    const entered = this.storage.getStore();
    const isSame = entered instanceof EnteredRequest && entered.request === request;
    keepAddress(request);
    // Activities that the handler tracks itself must belong to the same visit.
    const context = this.getContext(request, isSame ? entered.response : response);
    return {
      decided: () => context.decided(this.settings, this.visitors),
      ready: () => this.loadKeys(),
      findOrigin: (occasion) => context.findOrigin(occasion, this.settings, this.visitors),
    };
  }

  findOrigin(occasion: Occasion): Origin | undefined {
    const { current } = this;
    if (!current) return undefined;
    return current instanceof RequestContext
      ? current.findOrigin(occasion, this.settings, this.visitors)
      : originIn(current, occasion);
  }

  snapshot(): ActivityContext | undefined {
    const { current } = this;
    return current instanceof RequestContext ? current.snapshot(this.settings, this.visitors) : current;
  }

  /** Up to Node 22, each storage that is in use costs every promise of the process, which may start another application. */
  onApplicationShutdown(): void {
    this.storage.disable();
  }

  run<T>(given: GivenContext, work: () => T): T {
    return this.storage.run(this.contextFrom(given), work);
  }

  /** The context of the request, or that of `runAs`, in which the caller runs. */
  private get current(): RequestContext | ActivityContext | undefined {
    const entered = this.storage.getStore();
    return entered instanceof EnteredRequest ? this.getContext(entered.request, entered.response) : entered;
  }

  /** Returns the context of a request. All its handlers share it, so that several fields of a GraphQL operation have one visit. */
  private getContext(request: ContextRequest, response: ContextResponse | undefined): RequestContext {
    const known = this.contexts.get(request);
    if (known) return known;
    const context = new RequestContext(request, response);
    this.contexts.set(request, context);
    return context;
  }

  private loadKeys(): Promise<unknown> | undefined {
    const keys = this.visitors.keyRing();
    return keys instanceof Promise ? keys : undefined;
  }

  private contextFrom(given: GivenContext): ActivityContext {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new Error(`Djaffar: runAs() was given no context, but ${inspect(given, { depth: 0 })}`);
    const { user, group, ip, country, language, isDropped } = given;
    const mode = modeOutsideRequest(this.settings);
    // The context may come from a queue, so only known fields are read.
    return {
      session: checked('session', given.session, (value) => isId(value, MAX_SESSION)),
      visit: checked('visit', given.visit, (value) => isId(value, MAX_VISIT)),
      userAgent: checked('userAgent', given.userAgent),
      path: checked('path', given.path),
      route: checked('route', given.route),
      at: checked('at', given.at, (value) => parseIsoDate(value) !== undefined) ?? new Date().toISOString(),
      ...(isDropped === true && { isDropped }),
      country:
        // `null`: the full address has no known country. The address here may be masked, so it is not looked up again.
        country === undefined ? countryOfAddress(this.settings.geo, ip ?? undefined) : storedCountry(country),
      language: storedLanguage(language),
      ip: storedIp(checked('ip', ip) ?? undefined, restrictIpPolicy(mode, this.settings.ip)),
      user: mode === 'cnil' ? null : storedUser(user),
      group: groupGiven(group),
    };
  }
}

/** The ids of an import may have any characters. */
function isId(text: string, max: number): boolean {
  return text !== '' && isStorable(text) && !isLongerThan(text, max);
}

/** @throws Error if there is a value that is no valid text */
function checked(
  name: keyof GivenContext,
  value: unknown,
  isRight: (text: string) => boolean = () => true,
): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && isRight(value)) return value;
  throw new Error(`Djaffar: the "${name}" that runAs() was given is not one of context()`);
}

/** @throws Error if it is no group */
function groupGiven(given: GivenContext['group']): Group | null {
  const group = storedGroup(given);
  if (group === undefined) throw new Error(`Djaffar: the group that runAs() was given ${GROUP_FAULT}`);
  return group;
}

function originIn(context: ActivityContext, { date, user }: Occasion): Origin {
  const { at, ...origin } = context;
  const isAboutAnother = user !== null && origin.user !== null && user.id !== origin.user.id;
  const isVisitOver = date >= (parseIsoDate(at) ?? 0) + VISIT_PAUSE;
  return {
    ...origin,
    ...(isAboutAnother && {
      group: null,
      session: null,
      ip: null,
      userAgent: null,
      country: null,
      language: null,
    }),
    user: givenUser(user, origin.user),
    visit: isAboutAnother || isVisitOver ? null : origin.visit,
    referer: null,
    request: undefined,
    isAboutAnother,
    isVisitOwn: false,
    setCookie: () => {},
  };
}
