import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import {
  type ActivityContext,
  type ContextSource,
  CurrentContext,
  type GivenContext,
  type Occasion,
  type Origin,
} from '../activity/activity.context.js';
import { storedIp } from '../activity/ip-address.js';
import { parseIsoDate } from '../activity/iso-date.js';
import { givenUser, storedUser } from '../activity/user.js';
import { type Settings, SETTINGS } from '../options/settings.js';
import { VISIT_PAUSE } from '../tracking/visitor.js';
import { VisitorService } from '../tracking/visitor.service.js';
import type { ContextRequest, ContextResponse } from './request.js';
import { RequestScope } from './request-scope.js';

/**
 * Which request, or which given context, code runs in. Always uses `run`: `enterWith` would leak the context into unrelated
 * work.
 */
@Injectable()
export class RequestContexts extends CurrentContext {
  private readonly storage = new AsyncLocalStorage<RequestScope | ActivityContext>();
  private readonly scopes = new WeakMap<ContextRequest, RequestScope>();

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly visitors: VisitorService,
  ) {
    super();
  }

  /** Whether requests are entered at all. */
  get isOn(): boolean {
    return this.settings.requestContext;
  }

  /** Whether the code that asks runs in this request. */
  isIn(scope: RequestScope): boolean {
    return this.storage.getStore() === scope;
  }

  /** The scope of a request, of which all handlers share one: several fields of a GraphQL operation have one visit. */
  scopeOf(request: ContextRequest, response: ContextResponse | undefined): RequestScope {
    const known = this.scopes.get(request);
    if (known) return known;
    const scope = new RequestScope(request, response);
    this.scopes.set(request, scope);
    return scope;
  }

  /** Goes on with a request. */
  enter(scope: RequestScope, next: () => void): void {
    this.storage.run(scope, next);
  }

  ready(): Promise<unknown> | undefined {
    return this.storage.getStore() instanceof RequestScope ? this.keysReady() : undefined;
  }

  /** The context of this request, whether or not the code that asks runs in it. */
  sourceOf(request: ContextRequest, response: ContextResponse | undefined): ContextSource {
    const current = this.storage.getStore();
    const isSame = current instanceof RequestScope && current.isOf(request);
    // What the handler tracks itself belongs to the same visit.
    const scope = isSame ? current : this.scopeOf(request, response);
    return {
      ready: () => this.keysReady(),
      originOf: (occasion) => scope.originOf(occasion, this.settings, this.visitors),
    };
  }

  originOf(occasion: Occasion): Origin | undefined {
    const scope = this.storage.getStore();
    if (!scope) return undefined;
    return scope instanceof RequestScope
      ? scope.originOf(occasion, this.settings, this.visitors)
      : originIn(scope, occasion);
  }

  take(): ActivityContext | undefined {
    const scope = this.storage.getStore();
    return scope instanceof RequestScope ? scope.take(this.settings, this.visitors) : scope;
  }

  run<T>(given: GivenContext, work: () => T): T {
    return this.storage.run(this.contextFrom(given), work);
  }

  private keysReady(): Promise<unknown> | undefined {
    const keys = this.visitors.keyRing();
    return keys instanceof Promise ? keys : undefined;
  }

  private contextFrom({ user, ip, ...given }: GivenContext): ActivityContext {
    return {
      session: null,
      visit: null,
      userAgent: null,
      path: null,
      route: null,
      at: new Date().toISOString(),
      ...given,
      ip: storedIp(ip ?? undefined, this.settings.ip),
      user: storedUser(user),
    };
  }
}

function originIn(context: ActivityContext, { date, user }: Occasion): Origin {
  const { at, ...origin } = context;
  const isAboutAnother = user !== null && origin.user !== null && user.id !== origin.user.id;
  const isVisitOver = date >= (parseIsoDate(at) ?? 0) + VISIT_PAUSE;
  return {
    ...origin,
    ...(isAboutAnother && { session: null, ip: null, userAgent: null }),
    user: givenUser(user, origin.user),
    visit: isAboutAnother || isVisitOver ? null : origin.visit,
    referer: null,
    request: undefined,
    isAboutAnother,
    isVisitOwn: false,
    keep: () => {},
  };
}
