import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { GivenContext, Occasion, Origin } from '../../lib/activity/activity.context.js';
import { enterOnExpress, enterOnFastify } from '../../lib/context/platform.js';
import type { ContextRequest, ContextResponse } from '../../lib/context/request.js';
import { RequestContexts } from '../../lib/context/request-contexts.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import { toSettings } from '../../lib/options/validation.js';
import { Salts } from '../../lib/privacy/salts.js';
import { SigningKeys } from '../../lib/privacy/signing-keys.js';
import { CookielessVisitors } from '../../lib/tracking/cookieless-visitors.js';
import { VisitorService } from '../../lib/tracking/visitor.service.js';
import { MemoryStore } from '../support/memory-store.js';

const NOW = Date.UTC(2026, 10, 28, 12);
const PAUSE = 30 * 60_000;
const OCCASION: Occasion = { date: NOW, name: undefined, properties: undefined, user: null };

let keys: SigningKeys;
let contexts: RequestContexts;

function prepare(options: DjaffarOptions = {}): void {
  const settings = toSettings(options);
  const store = new MemoryStore();
  keys = new SigningKeys(store, settings);
  const cookieless = new CookielessVisitors(new Salts(store, settings), store, settings);
  contexts = new RequestContexts(settings, new VisitorService(settings, keys, cookieless));
}

async function start(options: DjaffarOptions = {}): Promise<void> {
  prepare(options);
  await keys.ready();
}

const newRequest = (url = '/a'): ContextRequest => ({ method: 'GET', url, headers: {}, ip: '203.0.113.7' });
const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

/** Runs work in the context of a request, and returns its result. */
function inRequest<T>(request: ContextRequest, work: () => T, response: ContextResponse = newResponse()): T {
  const results: T[] = [];
  contexts.enter(request, response, () => void results.push(work()));
  const [result] = results;
  if (results.length !== 1 || result === undefined) throw new Error(`the work ran ${results.length} times`);
  return result;
}

/** The path of the context in which it is called; `none` outside. */
const pathHere = (): string | null => {
  const snapshot = contexts.snapshot();
  return snapshot ? snapshot.path : 'none';
};

/** A request that counts how often its address was read. */
function withSocket(): { request: ContextRequest; reads: () => number } {
  let reads = 0;
  const socket = {
    get remoteAddress(): string {
      reads += 1;
      return '203.0.113.7';
    },
  };
  return { request: { ...newRequest(), socket }, reads: () => reads };
}

const hasCookie = (response: ServerResponse): boolean => response.hasHeader('set-cookie');

beforeEach(() => jest.useFakeTimers({ now: NOW }));
afterEach(() => jest.useRealTimers());

describe('the context of a request', () => {
  beforeEach(() => start());

  it('is on only with the option', () => {
    expect(contexts.isOn).toBe(false);
    prepare({ requestContext: true });
    expect(contexts.isOn).toBe(true);
  });

  it('is there in all that the request runs, also later', async () => {
    const later = inRequest(newRequest(), async () => {
      await Promise.resolve();
      return pathHere();
    });
    expect(pathHere()).toBe('none');
    await expect(later).resolves.toBe('/a');
  });

  it('is that of the request in which another one runs', () => {
    const found = inRequest(newRequest('/a'), () => [inRequest(newRequest('/b'), pathHere), pathHere()]);
    expect(found).toEqual(['/b', '/a']);
  });

  it('is entered once, with the first response and the address of the client', () => {
    const { request, reads } = withSocket();
    const [first, second] = [newResponse(), newResponse()];
    inRequest(
      request,
      () => {
        expect(reads()).toBe(1);
        return inRequest(request, () => contexts.findOrigin(OCCASION)?.setCookie() ?? true, second);
      },
      first,
    );
    expect(reads()).toBe(1);
    expect([hasCookie(first), hasCookie(second)]).toEqual([true, false]);
  });

  it('is entered again after the one of a job', () => {
    const request = newRequest();
    const found = inRequest(request, () =>
      contexts.run({ path: '/job' }, () => inRequest(request, pathHere)),
    );
    expect(found).toBe('/a');
  });

  it('is the same for all activities of a request', () => {
    const request = newRequest();
    const originHere = (): Origin => {
      const origin = contexts.findOrigin(OCCASION);
      if (!origin) throw new Error('outside of a request');
      return origin;
    };
    const [first, second] = [inRequest(request, originHere), inRequest(request, originHere)];
    expect(first).toMatchObject({ session: expect.any(String), path: '/a', isVisitOwn: true });
    expect(second).toMatchObject({ session: first.session, visit: first.visit });
  });

  it('is none outside', () => {
    expect(contexts.snapshot()).toBeUndefined();
    expect(contexts.findOrigin(OCCASION)).toBeUndefined();
    expect(contexts.decided()).toBeUndefined();
    expect(contexts.ready()).toBeUndefined();
  });

  it('ends when the app is closed', () => {
    const found = inRequest(newRequest(), () => {
      contexts.onApplicationShutdown();
      return pathHere();
    });
    expect(found).toBe('none');
  });

  it('waits for what functions of the host decide', async () => {
    await start({ group: () => Promise.resolve({ type: 'company', id: 5 }) });
    const request = newRequest();
    const deciding = inRequest(request, () => ({ decided: contexts.decided() }));
    expect(deciding.decided).toBeInstanceOf(Promise);
    await deciding.decided;
    expect(inRequest(request, () => contexts.snapshot()?.group)).toMatchObject({ id: '5' });
    expect(contexts.run({ path: '/job' }, () => contexts.decided())).toBeUndefined();
  });

  it('waits for the keys until they are loaded', async () => {
    prepare();
    const request = newRequest();
    const readyHere = (): { ready: Promise<unknown> | undefined } => ({ ready: contexts.ready() });
    expect(contexts.ready()).toBeUndefined();
    expect(contexts.run({ path: '/job' }, () => contexts.ready())).toBeUndefined();
    const { ready } = inRequest(request, readyHere);
    expect(ready).toBeInstanceOf(Promise);
    await ready;
    expect(inRequest(request, readyHere).ready).toBeUndefined();
  });
});

describe('the source of a request', () => {
  beforeEach(() => start());

  it('has its context, wherever the caller runs', () => {
    const { request, reads } = withSocket();
    const response = newResponse();
    const source = inRequest(newRequest('/b'), () => contexts.buildSource(request, response));
    expect(reads()).toBe(1);
    const origin = source.findOrigin(OCCASION);
    expect(origin).toMatchObject({ path: '/a', session: expect.any(String) });
    expect(inRequest(request, () => contexts.findOrigin(OCCASION))).toMatchObject({
      session: origin?.session,
    });
    origin?.setCookie();
    expect(hasCookie(response)).toBe(true);
  });

  it('sets the cookie on the response with which the request was entered', () => {
    const request = newRequest();
    const [first, second] = [newResponse(), newResponse()];
    const source = inRequest(request, () => contexts.buildSource(request, second), first);
    source.findOrigin(OCCASION)?.setCookie();
    expect([hasCookie(first), hasCookie(second)]).toEqual([true, false]);
  });

  it('sets the cookie on the given response in the context of a job', () => {
    const response = newResponse();
    const source = contexts.run({ path: '/job' }, () => contexts.buildSource(newRequest(), response));
    source.findOrigin(OCCASION)?.setCookie();
    expect(hasCookie(response)).toBe(true);
  });

  it('waits for the keys and for the functions of the host', async () => {
    prepare({ group: () => Promise.resolve({ type: 'company', id: 5 }) });
    const source = contexts.buildSource(newRequest(), undefined);
    const ready = source.ready();
    expect(ready).toBeInstanceOf(Promise);
    await ready;
    expect(source.ready()).toBeUndefined();
    expect(source.findOrigin(OCCASION)?.group).toBeNull();
    await source.decided();
    expect(source.findOrigin(OCCASION)).toMatchObject({ group: { id: '5' }, session: expect.any(String) });
  });
});

describe('the context of a job', () => {
  const CONTEXT = {
    user: { id: 'jeff', name: 'Jeff' },
    group: { type: 'company', id: '5', name: null },
    session: 's',
    visit: 'v',
    ip: '203.0.113.7',
    userAgent: 'Firefox',
    country: 'AT',
    language: 'de-AT',
    path: '/orders/17',
    route: '/orders/:id',
    at: '2026-11-28T11:45:00.000Z',
  };

  beforeEach(() => start());

  const contextOf = (given: GivenContext): unknown => contexts.run(given, () => contexts.snapshot());

  const originOf = (given: GivenContext, occasion: Partial<Occasion> = {}): Origin | undefined =>
    contexts.run(given, () => contexts.findOrigin({ ...OCCASION, ...occasion }));

  it('is what it was given, and work returns its result', () => {
    expect(contextOf(CONTEXT)).toStrictEqual(CONTEXT);
    expect(contexts.run(CONTEXT, () => 5)).toBe(5);
  });

  it('has only known properties, and nothing where it was given nothing', () => {
    const given: GivenContext = JSON.parse('{"isVisitOwn":true,"country":null,"ip":null}');
    expect(contextOf(given)).toStrictEqual({
      user: null,
      group: null,
      session: null,
      visit: null,
      ip: null,
      userAgent: null,
      country: null,
      language: null,
      path: null,
      route: null,
      at: '2026-11-28T12:00:00.000Z',
    });
  });

  it('is dropped only if it was', () => {
    expect(contextOf({ isDropped: true })).toHaveProperty('isDropped', true);
    expect(contextOf({ isDropped: false })).not.toHaveProperty('isDropped');
    expect(contextOf(JSON.parse('{"isDropped":1}') as GivenContext)).not.toHaveProperty('isDropped');
  });

  it.each([['null'], ['"/"'], ['5'], ['[]']])('is refused if it is %s', (given) => {
    expect(() => contextOf(JSON.parse(given) as GivenContext)).toThrow('runAs() was given no context');
  });

  it.each<[keyof GivenContext, unknown]>([
    ['session', ''],
    ['session', 5],
    ['session', 'a\0'],
    ['session', 'a'.repeat(65)],
    ['visit', ''],
    ['visit', 'a\0'],
    ['visit', 'a'.repeat(17)],
    ['userAgent', []],
    ['path', 5],
    ['route', {}],
    ['at', 'yesterday'],
    ['ip', 7],
  ])('is refused with the %s %j', (name, value) => {
    const given: GivenContext = JSON.parse(JSON.stringify({ path: '/', [name]: value }));
    expect(() => contextOf(given)).toThrow(`the "${name}" that runAs() was given is not one of context()`);
  });

  it('may have the ids of an import, with any characters', () => {
    const ids = { session: `é ${'a'.repeat(62)}`, visit: `é ${'a'.repeat(14)}` };
    expect(contextOf(ids)).toMatchObject(ids);
  });

  it('is refused with a wrong user or group', () => {
    const user: GivenContext = JSON.parse('{"user":{"id":1,"name":5}}');
    expect(() => contextOf(user)).toThrow('the name of a user');
    const group: GivenContext = JSON.parse('{"group":{"type":"company"}}');
    expect(() => contextOf(group)).toThrow('the group that runAs() was given');
  });

  it('has the stored form of values', () => {
    const given: GivenContext = {
      user: { id: 17 },
      group: { type: 'company', id: 5, name: 'Shop' },
      country: 'at',
      language: 'DE-at',
      ip: '::ffff:203.0.113.7',
    };
    expect(contextOf(given)).toMatchObject({
      user: { id: '17', name: null },
      group: { type: 'company', id: '5', name: 'Shop' },
      country: 'AT',
      language: 'de-AT',
      ip: '203.0.113.7',
    });
  });

  it('has the country of the address, unless one was given', async () => {
    const countryOf = (address: string): string => (address === '203.0.113.7' ? 'AT' : 'XX');
    await start({ geo: { open: () => Promise.resolve(), countryOf } });
    const ip = '203.0.113.7';
    expect(contextOf({ ip })).toMatchObject({ country: 'AT' });
    expect(contextOf({ ip, country: null })).toMatchObject({ country: null });
    expect(contextOf({ ip, country: 'DE' })).toMatchObject({ country: 'DE' });
    expect(contextOf({ ip: null })).toMatchObject({ country: null });
  });

  it.each<[DjaffarOptions, string | null, string | null]>([
    [{}, 'jeff', '203.0.113.7'],
    [{ ip: 'none' }, 'jeff', null],
    [{ privacy: 'cookieless' }, 'jeff', '203.0.113.0'],
    [{ privacy: 'cnil' }, null, '203.0.113.0'],
  ])('has with the options %j the user %s and the address %s', async (options, id, ip) => {
    await start(options);
    expect(contextOf(CONTEXT)).toMatchObject({ user: id === null ? null : { id }, ip });
  });

  it('is the origin of activities, without a cookie and a request', () => {
    const { at: _, ...others } = CONTEXT;
    const origin = originOf(CONTEXT);
    expect(origin).toStrictEqual({
      ...others,
      referer: null,
      request: undefined,
      isAboutAnother: false,
      isVisitOwn: false,
      setCookie: expect.any(Function),
    });
    expect(origin?.setCookie()).toBeUndefined();
  });

  it.each([
    [PAUSE - 1, 'v'],
    [PAUSE, null],
  ])('has %i ms later the visit %s', (later, visit) => {
    const date = Date.parse(CONTEXT.at) + later;
    expect(originOf(CONTEXT, { date })).toMatchObject({ session: 's', visit });
  });

  it('has for another user only the place', () => {
    expect(originOf(CONTEXT, { user: { id: 'ada', name: null } })).toMatchObject({
      user: { id: 'ada', name: null },
      group: null,
      session: null,
      visit: null,
      ip: null,
      userAgent: null,
      country: null,
      language: null,
      path: '/orders/17',
      route: '/orders/:id',
      isAboutAnother: true,
    });
  });

  it('keeps everything for its own user, and if it has none', () => {
    const { user, ...others } = CONTEXT;
    const visitor = { session: 's', visit: 'v', ip: '203.0.113.7', isAboutAnother: false };
    expect(originOf(CONTEXT, { user: { id: 'jeff', name: null } })).toMatchObject({ user, ...visitor });
    const ada = { id: 'ada', name: null };
    expect(originOf(others, { user: ada })).toMatchObject({ user: ada, ...visitor });
  });

  it('hides that of the request in which it runs', () => {
    const found = inRequest(newRequest(), () => [contexts.run({ path: '/job' }, pathHere), pathHere()]);
    expect(found).toEqual(['/job', '/a']);
  });
});

describe('the adapters', () => {
  type Handler = (request: ContextRequest, response: ContextResponse, next: () => void) => void;

  beforeEach(() => start());

  /** Returns the path of the context in which the next handler runs. */
  function pathAfter(handler: Handler | undefined): string | null {
    const paths: (string | null)[] = [];
    handler?.(newRequest(), newResponse(), () => paths.push(pathHere()));
    expect(paths).toHaveLength(1);
    return paths[0] ?? null;
  }

  it('run all that follows in the context of the request on Express', () => {
    const handlers: Handler[] = [];
    enterOnExpress({ use: (handler) => void handlers.push(handler) }, contexts);
    expect(handlers.map(pathAfter)).toEqual(['/a']);
  });

  it('run all that follows in the context of the request on Fastify, also after body parsers', () => {
    const hooks = new Map<string, Handler>();
    enterOnFastify({ addHook: (name, hook) => void hooks.set(name, hook) }, contexts);
    expect([...hooks.keys()]).toEqual(['onRequest', 'preValidation', 'preHandler']);
    expect([...hooks.values()].map(pathAfter)).toEqual(['/a', '/a', '/a']);
  });
});
