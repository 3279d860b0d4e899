import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Occasion, Origin } from '../../lib/activity/activity.context.js';
import { startOfVisit } from '../../lib/activity/visit-id.js';
import type { ContextRequest } from '../../lib/context/request.js';
import { RequestContext } from '../../lib/context/request-context.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import type { Settings } from '../../lib/options/settings.js';
import { toSettings } from '../../lib/options/validation.js';
import { Salts } from '../../lib/privacy/salts.js';
import { SigningKeys } from '../../lib/privacy/signing-keys.js';
import { CookielessVisitors } from '../../lib/tracking/cookieless-visitors.js';
import { VisitorService } from '../../lib/tracking/visitor.service.js';
import { MemoryStore } from '../support/memory-store.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 28, 12, 0, 30);
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const JEFF = { id: 'jeff', name: 'Jeff' };
const ADA = { id: 'ada', name: null };
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
const LOCATION = { path: '/orders/17', route: '/orders/:id', at: '2026-11-28T12:00:30.000Z' };

let settings: Settings;
let keys: SigningKeys;
let visitors: VisitorService;

function prepare(options: DjaffarOptions = {}): void {
  settings = toSettings(options);
  const store = new MemoryStore();
  keys = new SigningKeys(store, settings);
  const cookieless = new CookielessVisitors(new Salts(store, settings), store, settings);
  visitors = new VisitorService(settings, keys, cookieless);
}

/** Prepares with keys that are loaded, as they are after the start of an app. */
async function start(options: DjaffarOptions = {}): Promise<void> {
  prepare(options);
  await keys.ready();
}

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

const newRequest = ({ headers, ...given }: Partial<ContextRequest> = {}): ContextRequest => ({
  method: 'POST',
  url: '/orders/17?secret=1',
  route: { path: '/orders/:id' },
  hostname: 'shop.example',
  ip: '203.0.113.7',
  headers: { 'user-agent': FIREFOX, 'accept-language': 'de-AT,de', ...headers },
  ...given,
});

/** A request that arrives, and its context. */
class Incoming {
  readonly context: RequestContext;

  constructor(
    readonly request: ContextRequest = newRequest(),
    readonly response: ServerResponse | undefined = newResponse(),
  ) {
    this.context = new RequestContext(request, response);
  }

  snapshot(): ReturnType<RequestContext['snapshot']> {
    return this.context.snapshot(settings, visitors);
  }

  decided(): Promise<unknown> | undefined {
    return this.context.decided(settings, visitors);
  }

  origin(given: Partial<Occasion> = {}): Origin {
    const occasion = { date: Date.now(), name: undefined, properties: undefined, user: null, ...given };
    return this.context.findOrigin(occasion, settings, visitors);
  }

  /** The origin of an activity that is stored. */
  track(given: Partial<Occasion> = {}): Origin {
    const origin = this.origin(given);
    origin.setCookie();
    return origin;
  }

  get setCookies(): string[] {
    return [this.response?.getHeader('set-cookie') ?? []].flat().map(String);
  }

  /** The header by which the browser sends the cookie back. */
  get cookie(): string {
    return this.setCookies[0]?.split(';', 1)[0] ?? '';
  }
}

/** The next request of a browser. */
const after = ({ cookie }: Incoming, user?: unknown): Incoming =>
  new Incoming(newRequest({ headers: { cookie }, ...(user !== undefined && { user }) }));

const pass = (milliseconds: number): void => jest.setSystemTime(Date.now() + milliseconds);

beforeEach(() => jest.useFakeTimers({ now: NOW }));
afterEach(() => jest.useRealTimers());

describe('the snapshot of a request', () => {
  it('has what is known about a new visitor, who has no session yet', async () => {
    await start({ geo: 'headers' });
    const { request } = new Incoming();
    request.headers['cf-ipcountry'] = 'AT';
    expect(new Incoming(request).snapshot()).toEqual({
      ...NOBODY,
      ...LOCATION,
      ip: '203.0.113.7',
      userAgent: FIREFOX,
      country: 'AT',
      language: 'de-AT',
    });
  });

  it('has the user, the group, and the session and the visit of the cookie', async () => {
    await start({ group: () => ({ type: 'company', id: 5, name: 'Shop' }) });
    const first = new Incoming();
    const { session, visit } = first.track();
    const snapshot = after(first, { id: 'jeff', username: 'Jeff' }).snapshot();
    const group = { type: 'company', id: '5', name: 'Shop' };
    expect(snapshot).toMatchObject({ user: JEFF, group, session, visit });
    expect(session).toMatch(/^[\w-]{15}$/);
  });

  it('has the session and the visit of the request itself as soon as they are stored', async () => {
    await start();
    const incoming = new Incoming();
    const origin = incoming.origin();
    expect(incoming.snapshot()).toMatchObject({ session: null, visit: null });
    origin.setCookie();
    expect(incoming.snapshot()).toMatchObject({ session: origin.session, visit: origin.visit });
  });

  it('has the session without a visit if only the time on a page was stored', async () => {
    await start();
    const incoming = new Incoming();
    const { session } = incoming.track({ name: 'engagement' });
    expect(incoming.snapshot()).toMatchObject({ session, visit: null });
    expect(session).not.toBeNull();
  });

  it.each([['dnt'], ['sec-gpc']])('has only the place if the visitor sends %s', async (name) => {
    const incoming = (): Incoming =>
      new Incoming(newRequest({ headers: { [name]: '1' }, user: { id: 'jeff' } }));
    await start({ respect: 'anonymise' });
    expect(incoming().snapshot()).toStrictEqual({ ...NOBODY, ...LOCATION });
    await start({ respect: 'drop' });
    expect(incoming().snapshot()).toStrictEqual({ ...NOBODY, ...LOCATION, isDropped: true });
    await start();
    expect(incoming().snapshot()).toMatchObject({ user: { id: 'jeff' }, ip: '203.0.113.7' });
  });

  it('has everything if the option "respect" is on and the visitor sends no signal', async () => {
    await start({ respect: 'drop' });
    expect(new Incoming().snapshot()).toMatchObject({ ip: '203.0.113.7', language: 'de-AT' });
    expect(new Incoming().snapshot()).not.toHaveProperty('isDropped');
  });

  it('has only the place without consent if nothing may be stored', async () => {
    await start({ consent: () => false, withoutConsent: 'nothing' });
    const incoming = new Incoming(newRequest({ user: { id: 'jeff' } }));
    expect(incoming.snapshot()).toStrictEqual({ ...NOBODY, ...LOCATION, isDropped: true });
  });

  it('has no user and no whole address in the mode "cnil"', async () => {
    await start({ privacy: 'cnil', group: () => ({ type: 'company', id: 5 }) });
    const incoming = new Incoming(newRequest({ user: { id: 'jeff' } }));
    expect(incoming.snapshot()).toMatchObject({ user: null, group: { id: '5' }, ip: '203.0.113.0' });
  });
});

describe('the user of a request', () => {
  it('is looked for until it is found', async () => {
    const user = jest.fn().mockReturnValueOnce(null).mockReturnValueOnce(null).mockReturnValue(JEFF);
    await start({ user });
    const incoming = new Incoming();
    const users = [1, 2, 3, 4].map(() => incoming.snapshot().user);
    expect(users).toEqual([null, null, JEFF, JEFF]);
    expect(user).toHaveBeenCalledTimes(3);
  });
});

describe('the group of a request', () => {
  const GROUP = { type: 'company', id: '5', name: null };

  it('is none without the option', async () => {
    await start();
    const incoming = new Incoming();
    expect(incoming.decided()).toBeUndefined();
    expect(incoming.origin().group).toBeNull();
  });

  it('is looked for until it is found', async () => {
    const given = { type: 'company', id: 5 };
    const group = jest.fn().mockReturnValueOnce(null).mockReturnValueOnce(null).mockReturnValue(given);
    await start({ group });
    const incoming = new Incoming();
    expect([1, 2, 3, 4].map(() => incoming.snapshot().group)).toEqual([null, null, GROUP, GROUP]);
    expect(group).toHaveBeenCalledTimes(3);
    expect(group).toHaveBeenCalledWith(incoming.request);
  });

  it('must be one', async () => {
    await start({ group: () => JSON.parse('{"type":"a company"}') });
    expect(() => new Incoming().snapshot()).toThrow('the option "group" returned');
    expect(() => new Incoming().origin()).toThrow('the option "group" returned');
    expect(new Incoming().decided()).toBeUndefined();
  });

  it('is known only after a promise was awaited, for which it is asked once', async () => {
    const group = jest.fn(() => Promise.resolve({ type: 'company', id: 5 }));
    await start({ group });
    const incoming = new Incoming();
    expect(incoming.snapshot().group).toBeNull();
    expect(incoming.snapshot().group).toBeNull();
    expect(group).toHaveBeenCalledTimes(1);
    await incoming.decided();
    expect(incoming.snapshot().group).toEqual(GROUP);
    expect(incoming.origin().group).toEqual(GROUP);
    const calls = group.mock.calls.length;
    expect(incoming.decided()).toBeUndefined();
    expect(group).toHaveBeenCalledTimes(calls);
  });

  it('rejects only for who waits for it', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      await start({ group: () => Promise.reject(new Error('no tenants')) });
      const incoming = new Incoming();
      expect(incoming.snapshot().group).toBeNull();
      await expect(incoming.decided()).rejects.toThrow('no tenants');
      jest.useRealTimers();
      await new Promise((resolve) => void setTimeout(resolve, 10));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

describe('the decision of what may be stored', () => {
  it('is waited for if the option "privacy" returns a promise', async () => {
    await start({ privacy: () => Promise.resolve('identified' as const) });
    const incoming = new Incoming();
    await incoming.decided();
    expect(incoming.origin().session).not.toBeNull();
    expect(incoming.decided()).toBeUndefined();
  });

  it('is that for a visitor who has agreed to nothing before that', async () => {
    await start({ privacy: () => Promise.resolve('identified' as const) });
    expect(new Incoming().origin()).toMatchObject({ session: null, reserveVisit: expect.any(Function) });
  });

  it('is no promise if the function throws, which tracking does again', async () => {
    const failure = new Error('no decision');
    await start({
      privacy: () => {
        throw failure;
      },
    });
    const incoming = new Incoming();
    expect(incoming.decided()).toBeUndefined();
    expect(() => incoming.origin()).toThrow(failure);
  });
});

describe('the origin of an activity', () => {
  it('has what is stored with it', async () => {
    await start({ group: () => ({ type: 'company', id: 5 }) });
    const incoming = new Incoming(newRequest({ user: { id: 'jeff', name: 'Jeff' } }));
    incoming.request.headers.referer = 'https://news.example/today';
    const { path, route } = LOCATION;
    expect(incoming.origin()).toEqual({
      user: JEFF,
      group: { type: 'company', id: '5', name: null },
      session: expect.stringMatching(/^[\w-]{15}$/),
      visit: expect.stringMatching(/^[\w-]{15}$/),
      ip: '203.0.113.7',
      userAgent: FIREFOX,
      country: null,
      language: 'de-AT',
      referer: 'https://news.example/today',
      path,
      route,
      request: incoming.request,
      isAboutAnother: false,
      isUserStored: true,
      consent: null,
      ipPolicy: 'full',
      isVisitOwn: true,
      setCookie: expect.any(Function),
    });
    expect(incoming.origin()).not.toHaveProperty('isDropped');
  });

  it.each([
    [undefined, null],
    ['https://shop.example/cart', '/cart'],
    ['https://news.example/', 'https://news.example/'],
  ])('with the referer %s has %s', async (referer, stored) => {
    await start();
    const incoming = new Incoming(newRequest({ headers: { ...(referer !== undefined && { referer }) } }));
    expect(incoming.origin().referer).toBe(stored);
  });

  it('has only the place if it is about another user', async () => {
    await start({ group: () => ({ type: 'company', id: 5 }) });
    const incoming = new Incoming(
      newRequest({ user: { id: 'jeff' }, headers: { referer: 'https://a.example' } }),
    );
    const origin = incoming.track({ user: ADA });
    const { path, route } = LOCATION;
    expect(origin).toMatchObject({ ...NOBODY, path, route, user: ADA, referer: null, isAboutAnother: true });
    expect(origin.request).toBe(incoming.request);
    expect(origin).not.toHaveProperty('isDropped');
    expect(incoming.setCookies).toEqual([]);
  });

  it('is not about another if the user is the same, whose name it has', async () => {
    await start();
    const incoming = new Incoming(newRequest({ user: { id: 'jeff', name: 'Jeff' } }));
    const origin = incoming.origin({ user: { id: 'jeff', name: null } });
    expect(origin).toMatchObject({ user: JEFF, isAboutAnother: false });
    expect(origin.session).not.toBeNull();
  });

  it('is not about another if nobody was logged in before', async () => {
    await start();
    const origin = new Incoming().origin({ user: ADA });
    expect(origin).toMatchObject({ user: ADA, isAboutAnother: false });
    expect(origin.session).not.toBeNull();
  });

  it('has no user in the mode "cnil", also not a given one', async () => {
    await start({ privacy: 'cnil', ip: 'full' });
    const origin = new Incoming(newRequest({ user: { id: 'jeff' } })).origin({ user: ADA });
    expect(origin).toMatchObject({
      user: null,
      isUserStored: false,
      isAboutAnother: false,
      ip: '203.0.113.0',
      ipPolicy: 'masked',
    });
    expect(origin.session).not.toBeNull();
  });

  it('is dropped without consent if nothing may be stored, unless it is about another', async () => {
    await start({ consent: () => false, withoutConsent: 'nothing' });
    const incoming = new Incoming(newRequest({ user: { id: 'jeff' } }));
    expect(incoming.track()).toMatchObject({
      ...NOBODY,
      user: { id: 'jeff' },
      isDropped: true,
      consent: false,
    });
    expect(incoming.track({ user: ADA })).not.toHaveProperty('isDropped');
    expect(incoming.setCookies).toEqual([]);
  });

  it('has no session until the keys are loaded', async () => {
    prepare();
    const incoming = new Incoming();
    expect(incoming.track()).toMatchObject({ session: null, visit: null, ip: '203.0.113.7' });
    expect(incoming.setCookies).toEqual([]);
    await keys.ready();
    expect(incoming.origin().session).not.toBeNull();
  });
});

describe('the visit of a visitor with a cookie', () => {
  beforeEach(() => start());

  it('is one for all activities of a request, with one cookie', () => {
    const incoming = new Incoming();
    const [first, second] = [incoming.track(), incoming.track()];
    expect(second).toMatchObject({ session: first.session, visit: first.visit });
    expect(incoming.setCookies).toHaveLength(1);
    expect(startOfVisit(first.visit ?? '')).toBe(NOW);
  });

  it('does not begin in the future', () => {
    expect(startOfVisit(new Incoming().origin({ date: NOW + MINUTE }).visit ?? '')).toBe(NOW);
    expect(startOfVisit(new Incoming().origin({ date: NOW - MINUTE }).visit ?? '')).toBe(NOW - MINUTE);
  });

  it('continues in the next request, up to a pause of 30 minutes', () => {
    const incoming = new Incoming();
    const first = incoming.track();
    pass(29 * MINUTE);
    const next = after(incoming);
    expect(next.track()).toMatchObject({ session: first.session, visit: first.visit });
    pass(29 * MINUTE);
    const third = after(next);
    expect(third.track().visit).toBe(first.visit);
    pass(30 * MINUTE);
    const last = after(third).track();
    expect(last.session).toBe(first.session);
    expect(last.visit).not.toBe(first.visit);
  });

  it('begins once in requests that come together after a pause', () => {
    const incoming = new Incoming();
    incoming.track();
    pass(40 * MINUTE);
    const [one, other] = [after(incoming).track(), after(incoming).track()];
    expect(one.visit).toBe(other.visit);
  });

  it('is continued by the time on a page without a pause', () => {
    const incoming = new Incoming();
    const first = incoming.track();
    pass(31 * MINUTE);
    const left = after(incoming);
    expect(left.track({ name: 'engagement', properties: { visible: 2 * MINUTE } }).visit).toBe(first.visit);
    pass(20 * MINUTE);
    expect(after(left).track().visit).toBe(first.visit);
  });

  it.each<[string, Partial<Occasion>]>([
    ['the time on a page after a pause', { name: 'engagement', properties: { visible: MINUTE } }],
    ['an unknown time on a page', { name: 'engagement' }],
  ])('is not continued by %s', (_, occasion) => {
    const incoming = new Incoming();
    const first = incoming.track();
    pass(31 * MINUTE);
    const left = after(incoming);
    expect(left.track(occasion).visit).toBe(first.visit);
    pass(20 * MINUTE);
    expect(after(left).track().visit).not.toBe(first.visit);
  });

  it('begins with another activity after a pause, whatever properties it has', () => {
    const incoming = new Incoming();
    const first = incoming.track();
    pass(31 * MINUTE);
    const properties = { visible: 2 * MINUTE };
    expect(after(incoming).track({ name: 'watched', properties }).visit).not.toBe(first.visit);
  });

  it('does not begin with the time on a page, which sets no cookie', () => {
    const incoming = new Incoming();
    expect(incoming.track({ name: 'engagement' })).toMatchObject({
      session: expect.any(String),
      visit: null,
    });
    expect(incoming.setCookies).toEqual([]);
    const { session } = incoming.track();
    expect(incoming.snapshot().session).toBe(session);
  });

  it('continues on a route without guards, and remains that of the user', () => {
    const jeff = new Incoming(newRequest({ user: { id: 'jeff' } }));
    const { visit } = jeff.track();
    const unguarded = after(jeff);
    expect(unguarded.track()).toMatchObject({ user: null, visit });
    expect(unguarded.track()).toMatchObject({ user: null, visit });
    expect(after(unguarded, { id: 'jeff' }).track().visit).toBe(visit);
    expect(after(unguarded, { id: 'ada' }).track().visit).not.toBe(visit);
  });

  it('is that of nobody if it begins on a route without guards', () => {
    const jeff = new Incoming(newRequest({ user: { id: 'jeff' } }));
    const { visit } = jeff.track();
    pass(40 * MINUTE);
    const unguarded = after(jeff);
    const next = unguarded.track();
    expect(next.visit).not.toBe(visit);
    expect(after(unguarded, { id: 'ada' }).track().visit).toBe(next.visit);
  });

  it('ends when another user is logged in', () => {
    const jeff = new Incoming(newRequest({ user: { id: 'jeff' } }));
    const { session, visit } = jeff.track();
    const ada = after(jeff, { id: 'ada' }).track();
    expect(ada.session).toBe(session);
    expect(ada.visit).not.toBe(visit);
  });

  it('is known without a response, which would get the cookie', () => {
    const context = new RequestContext(newRequest(), undefined);
    const occasion = { date: NOW, name: undefined, properties: undefined, user: null };
    const origin = context.findOrigin(occasion, settings, visitors);
    const { session, visit } = origin;
    origin.setCookie();
    expect(context.snapshot(settings, visitors)).toMatchObject({ session, visit });
    expect(visit).not.toBeNull();
  });

  it('is in a cookie that lasts as long as the session may', async () => {
    await start({ session: { maxAge: 20 * MINUTE, absoluteMaxAge: 30 * MINUTE } });
    const incoming = new Incoming(newRequest({ protocol: 'https' }));
    incoming.track();
    expect(incoming.setCookies[0]).toMatch(/^djaffar_session=[^;]+; Max-Age=1200; .*Secure/);
    pass(15 * MINUTE);
    const next = after(incoming);
    next.track();
    expect(next.setCookies[0]).toContain('; Max-Age=900; ');
    expect(next.setCookies[0]).not.toContain('Secure');
  });

  it('is in the cookie with the latest activity', () => {
    const incoming = new Incoming();
    const early = incoming.origin({ date: NOW - 20 * MINUTE });
    incoming.origin();
    early.setCookie();
    pass(29 * MINUTE);
    expect(after(incoming).track().visit).toBe(early.visit);
  });
});

describe('the visit of a visitor without a cookie', () => {
  beforeEach(() => start({ privacy: 'cookieless' }));

  it('is reserved in the database, without a cookie', async () => {
    const incoming = new Incoming();
    const origin = incoming.track();
    expect(origin).toMatchObject({ session: null, visit: null, ipPolicy: 'masked', ip: '203.0.113.0' });
    const reserved = await origin.reserveVisit?.(1000);
    expect(reserved).toEqual({ session: expect.any(String), visit: expect.any(String) });
    await expect(new Incoming().origin().reserveVisit?.(1000)).resolves.toEqual(reserved);
    expect(incoming.setCookies).toEqual([]);
    expect(incoming.snapshot()).toMatchObject({ session: null, visit: null });
  });

  it('is reserved for the user, the date and the time on a page, within the given time', async () => {
    const reserve = jest.spyOn(visitors, 'reserve');
    const incoming = new Incoming(newRequest({ user: { id: 'jeff' } }));
    await incoming.origin({ date: NOW - MINUTE }).reserveVisit?.(700);
    const engagement = { date: NOW + MINUTE, name: 'engagement', properties: { visible: 5 } };
    await new Incoming(incoming.request).origin(engagement).reserveVisit?.(800);
    const anonymous = new Incoming();
    await anonymous.origin({ name: 'watched', properties: { visible: 5 } }).reserveVisit?.(900);
    expect(reserve.mock.calls).toEqual([
      [incoming.request, [{ date: NOW - MINUTE, inView: undefined }], 'jeff', 700],
      [incoming.request, [{ date: NOW, inView: 5 }], 'jeff', 800],
      [anonymous.request, [{ date: NOW, inView: undefined }], undefined, 900],
    ]);
  });

  it('does not begin with the time on a page', async () => {
    const reserved = await new Incoming().origin({ name: 'engagement' }).reserveVisit?.(1000);
    expect(reserved).toEqual({ session: expect.any(String), visit: null });
  });

  it('is none without an address', () => {
    const { ip: _, ...request } = newRequest();
    expect(new Incoming(request).origin()).not.toHaveProperty('reserveVisit');
  });

  it('is none if the visitor asks not to be tracked', async () => {
    const request = newRequest({ headers: { dnt: '1' } });
    expect(new Incoming(request).origin()).toHaveProperty('reserveVisit');
    await start({ privacy: 'cookieless', respect: 'anonymise' });
    expect(new Incoming(request).origin()).not.toHaveProperty('reserveVisit');
    expect(new Incoming().origin()).toHaveProperty('reserveVisit');
  });
});
