import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import type { DjaffarOptions, RegistrationOptions } from '../../lib/index.js';
import { OutcomeCounter } from '../../lib/diagnostics/outcome-counter.js';
import { OutcomeFlush } from '../../lib/health/outcome-flush.js';
import { ADAPTERS, behindProxy, cookieOf, type Host, type HostOptions, startHost } from '../support/host.js';
import { FOUND } from '../support/databases.js';

const date = '2026-02-03T04:05:06.789Z';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Knows no token. */
class NoGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

/** Lets only those routes be reached that are marked as public, as a host's global guard does. */
@Injectable()
class LoginGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    return this.reflector.getAllAndOverride('public', [context.getHandler(), context.getClass()]) ?? false;
  }
}

/** How often each instance has counted what, over all hours. */
function sum(counts: { cause: string; count: number }[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { cause, count } of counts) sums[cause] = (sums[cause] ?? 0) + count;
  return sums;
}

/** Node's own user agent is that of a bot. */
function post(host: Host, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return host.post(body, { 'User-Agent': FIREFOX, ...headers });
}

async function stored(host: Host): Promise<Record<string, number>> {
  await host.app.get(OutcomeFlush, { strict: false }).flush();
  return sum(await host.store.findOutcomes(0));
}

describe.each(ADAPTERS)('on %s, what becomes of requests is counted:', (adapter) => {
  let host: Host | undefined;

  afterEach(() => host?.close());

  async function start(
    djaffar: DjaffarOptions & RegistrationOptions = {},
    options: Partial<HostOptions> = {},
  ): Promise<Host> {
    host = await startHost({ adapter, djaffar, ...options });
    return host;
  }

  const send = async (body: unknown, headers: Record<string, string> = {}): Promise<number> =>
    host ? (await post(host, body, headers)).status : 0;

  it('each refusal with its first wrong property, whoever finds it', async () => {
    const running = await start({ guards: [NoGuard] });
    expect(await send({ path: '/' })).toBe(400);
    expect(
      await send({
        activities: [
          { date, path: '/' },
          { date: 'yesterday', path: '/', name: 1 },
        ],
      }),
    ).toBe(400);
    expect(await send({ date, path: '/', properties: { a: { b: { c: { d: 1 } } } } })).toBe(400);
    expect(await send({ date, path: '/', [`x${Math.random()}`]: 1 })).toBe(400);
    expect(await send('{"date":')).toBe(400);
    expect(await send({ date, path: '/' }, { Authorization: 'Bearer x' })).toBe(401);
    expect(await send({ date, path: 'x'.repeat(70_000) })).toBe(413);
    expect(await send('<date/>', { 'Content-Type': 'application/xml' })).toBe(415);
    expect((await running.fetch('/djaffar/track')).status).toBe(405);
    expect((await running.fetch('/djaffar/track', { method: 'OPTIONS' })).status).toBe(404);
    expect(await send({ date, path: '/' })).toBe(204);
    expect(await stored(host as Host)).toEqual({
      '400.date': 2,
      '400.properties': 1,
      '400.unknown': 1,
      '400.body': 1,
      '401': 1,
      '413': 1,
      '415': 1,
      '405': 1,
      cors: 1,
      stored: 1,
    });
  });

  it('by the host: a global guard, and a limit of requests', async () => {
    await start({}, { providers: [{ provide: APP_GUARD, useClass: LoginGuard }] });
    expect(await send({ date, path: '/' })).toBe(403);
    expect(await stored(host as Host)).toEqual({ '403.host': 1 });
    await host?.close();
    await start(
      { decorators: [SetMetadata('public', true)] },
      {
        imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }])],
        providers: [
          { provide: APP_GUARD, useClass: LoginGuard },
          { provide: APP_GUARD, useClass: ThrottlerGuard },
        ],
      },
    );
    expect(await Promise.all([1, 2, 3].map(() => send({ date, path: '/' })))).toContain(429);
    expect(await stored(host as Host)).toEqual({ '429': 1, stored: 2 });
  });

  it('what is dropped, by the activities of the request, and what is marked', async () => {
    await start({
      transform: (activity) => (activity.path === '/secret' ? null : activity),
      respect: 'drop',
      unknownEvents: 'mark',
      events: { known: class {} },
      consent: ({ headers }) => headers['x-consent'] !== 'no',
      withoutConsent: 'nothing',
    });
    const several = { activities: ['/secret', '/', '/secret'].map((path) => ({ date, path })) };
    expect(await send(several)).toBe(204);
    expect(await send(several, { DNT: '1' })).toBe(204);
    expect(await send(several, { 'X-Consent': 'no' })).toBe(204);
    expect(await send({ date, path: '/', name: 'other' }, { 'User-Agent': BOT })).toBe(204);
    expect(await send({ date, path: '/', name: 'known' })).toBe(204);
    expect(await stored(host as Host)).toEqual({
      transform: 2,
      signal: 3,
      consent: 3,
      stored: 3,
      unknown: 1,
      bot: 1,
    });
  });

  it('scripts, cookies that come back, and addresses', async () => {
    const started = await start({}, behindProxy(adapter));
    await started.fetch('/djaffar/tracker.js');
    const first = await post(started, { date, path: '/' }, { 'X-Forwarded-For': '203.0.113.9' });
    await post(started, { date, path: '/' }, { Cookie: cookieOf(first) });
    // Documentation's addresses are not of the internet.
    expect(await stored(host as Host)).toMatchObject({ script: 1, cookie: 1, stored: 2, proxied: 1 });
    await host?.close();
    await start();
    await send({ date, path: '/' }, { 'X-Forwarded-For': '8.8.8.8' });
    expect(await stored(host as Host)).toEqual({ proxied: 1, stored: 1 });
    await host?.close();
    await start({}, behindProxy(adapter));
    await send({ date, path: '/' }, { 'X-Forwarded-For': '8.8.8.8' });
    expect(await stored(host as Host)).toEqual({ public: 1, stored: 1 });
  });

  it('the last refusals are kept without bodies and addresses', async () => {
    const running = await start();
    for (let i = 0; i < 60; i++) await send({ date: `secret ${i}` }, { Origin: 'https://shop.example' });
    const { lastRefusals } = running.app.get(OutcomeCounter, { strict: false });
    expect(lastRefusals).toHaveLength(50);
    expect(lastRefusals[0]).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      status: 400,
      cause: '400.date',
      method: 'POST',
      contentType: 'application/json',
      origin: 'https://shop.example',
    });
  });
});

describe.each(FOUND)('on %s, what was counted', (database) => {
  it('is stored at a shutdown, and added up if instances count the same', async () => {
    const host = await startHost({ adapter: 'fastify', database });
    try {
      for (let i = 0; i < 3; i++) {
        const instance = await startHost({ adapter: 'fastify', database: host.database });
        await post(instance, { date, path: '/' });
        await post(instance, { path: '/' });
        await instance.close();
      }
      expect(sum(await host.store.findOutcomes(0))).toEqual({ stored: 3, '400.date': 3 });
    } finally {
      await host.close();
    }
  });

  it('is stored with a request, if nothing may run in the background', async () => {
    const host = await startHost({
      adapter: 'express',
      database,
      djaffar: { statistics: { background: false } },
    });
    try {
      await post(host, { path: '/' });
      expect(await host.store.findOutcomes(0)).toEqual([]);
      await post(host, { date, path: '/' });
      expect(sum(await host.store.findOutcomes(0))).toEqual({ stored: 1, '400.date': 1 });
    } finally {
      await host.close();
    }
  });

  it('is not lost and fails no request if its table is missing', async () => {
    const host = await startHost({ adapter: 'express', database });
    try {
      const rename = (from: string, to: string): Promise<unknown> =>
        host.dataSource.query(`ALTER TABLE ${from} RENAME TO ${to}`);
      await rename('djaffar_outcome', 'hidden');
      expect((await post(host, { date, path: '/' })).status).toBe(204);
      const flush = host.app.get(OutcomeFlush, { strict: false });
      await flush.flush();
      await rename('hidden', 'djaffar_outcome');
      await flush.flush();
      expect(sum(await host.store.findOutcomes(0))).toEqual({ stored: 1 });
    } finally {
      await host.close();
    }
  });
});
