import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import type { BearerSessionOptions } from '../../lib/index.js';
import { DATA, open } from '../support/dashboard.js';
import { ADAPTERS, behindProxy, cookieOf, type Host, type HostOptions, startHost } from '../support/host.js';

const SECRET = 'known to the tests alone';
const HOUR = 3_600_000;
const [ONE, OTHER] = ['one secret of the instances'.repeat(2), 'another secret of them'.repeat(2)];

const blocked = new Set<string>();

@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET });
  }

  validate({ sub }: { sub: string }): { id: string; name: string } | false {
    return !blocked.has(sub) && { id: sub, name: sub };
  }
}

@Injectable()
class JwtAuthGuard extends AuthGuard('jwt') {}

@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<{ user: { name: string } }>().user.name === 'ada';
  }
}

@Module({ imports: [PassportModule], providers: [JwtStrategy], exports: [JwtStrategy] })
class AuthModule {}

const bearer = (sub: string, claims: object = {}): { Authorization: string } => ({
  Authorization: `Bearer ${new JwtService({ secret: SECRET }).sign({ sub, ...claims }, { expiresIn: '12h' })}`,
});

const SESSION = '/djaffar/dashboard/session';
const PAGE = '/djaffar/dashboard/';
const ABOUT = '/djaffar/dashboard/data/about';

describe.each(ADAPTERS)('a dashboard of bearer tokens on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(
    session: BearerSessionOptions | undefined = { secret: ONE },
    options: Partial<HostOptions> = {},
  ): Promise<Host> {
    const guards = [JwtAuthGuard, AdminGuard];
    const djaffar = { imports: [AuthModule], api: { guards }, dashboard: { guards, session } };
    const host = await startHost({ adapter, imports: [AuthModule], djaffar, ...options });
    hosts.push(host);
    return host;
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    blocked.clear();
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  const exchange = (host: Host, headers: Record<string, string> = bearer('ada')): Promise<Response> =>
    host.fetch(SESSION, { method: 'POST', headers });

  async function statusOf(
    host: Host,
    path: string,
    headers: Record<string, string>,
    method = 'GET',
  ): Promise<number | undefined> {
    const answer = await open(host, path, headers, method);
    answer.destroy();
    return answer.statusCode;
  }

  it.each<[string, Partial<HostOptions>]>([
    ['guards of its own', {}],
    ['a global guard before them', { providers: [{ provide: APP_GUARD, useClass: JwtAuthGuard }] }],
  ])('exchanges a token for a cookie that opens the page and all its data, with %s', async (_, options) => {
    const host = await start(undefined, options);
    const response = await exchange(host);
    expect([response.status, response.headers.get('Cache-Control')]).toEqual([204, 'no-store']);
    const [cookie = '', ...others] = response.headers.getSetCookie();
    expect(others).toEqual([]);
    expect(cookie).toMatch(/^djaffar_dashboard=[\w-]+; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    const headers = { Cookie: cookieOf(response) };
    for (const [method, path] of [['GET', '/'], ...DATA] as [string, string][]) {
      const url = `/djaffar/dashboard${path}`;
      expect([path, await statusOf(host, url, headers, method)]).toEqual([path, 200]);
      expect([path, await statusOf(host, url, {}, method)]).toEqual([path, 401]);
    }
    const about = await host.fetch(ABOUT, { headers });
    expect(await about.json()).toMatchObject({ user: 'ada' });
    // Neither anything else, nor itself once more.
    expect(await statusOf(host, '/djaffar/activities', headers)).toBe(401);
    expect(await statusOf(host, SESSION, headers, 'POST')).toBe(401);
    // Fastify decodes a path before it looks for the route.
    const encoded = await statusOf(host, `${SESSION.slice(0, -1)}%6e`, headers, 'POST');
    expect(encoded).toBeGreaterThanOrEqual(400);
  });

  it('calls the guards for each request, with the token in the cookie', async () => {
    const host = await start();
    expect((await exchange(host, {})).status).toBe(401);
    const refused = await exchange(host, bearer('eve'));
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([403, []]);
    const headers = { Cookie: cookieOf(await exchange(host)) };
    expect(await statusOf(host, ABOUT, headers)).toBe(200);
    blocked.add('ada');
    expect(await statusOf(host, ABOUT, headers)).toBe(401);
    blocked.clear();
    expect(await statusOf(host, ABOUT, { ...headers, ...bearer('eve') })).toBe(403);
  });

  it('ends the session after its time, and when it is asked to', async () => {
    const host = await start({ secret: ONE, maxAge: 2 * HOUR });
    const headers = { Cookie: cookieOf(await exchange(host)) };
    const now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now + 2 * HOUR - 60_000);
    expect(await statusOf(host, ABOUT, headers)).toBe(200);
    jest.spyOn(Date, 'now').mockImplementation(() => now + 2 * HOUR + 60_000);
    expect(await statusOf(host, ABOUT, headers)).toBe(401);
    const ended = await host.fetch(SESSION, { method: 'DELETE', headers: bearer('ada') });
    expect(ended.headers.getSetCookie()).toEqual(['djaffar_dashboard=; Max-Age=0; HttpOnly; SameSite=Lax']);
  });

  it('returns data only to its own page', async () => {
    const host = await start();
    const Cookie = cookieOf(await exchange(host));
    const from = (site: string, mode = 'cors'): Record<string, string> => ({
      Cookie,
      'Sec-Fetch-Site': site,
      'Sec-Fetch-Mode': mode,
    });
    expect(await statusOf(host, ABOUT, from('same-origin'))).toBe(200);
    expect(await statusOf(host, ABOUT, from('same-site'))).toBe(401);
    expect(await statusOf(host, ABOUT, from('cross-site'))).toBe(401);
    expect(await statusOf(host, PAGE, from('cross-site', 'navigate'))).toBe(200);
    // Browsers send no Sec-Fetch-Site over plain HTTP.
    expect(await statusOf(host, ABOUT, { Cookie, Origin: host.url })).toBe(200);
    expect(await statusOf(host, ABOUT, { Cookie, Origin: 'http://evil.example' })).toBe(401);
    const erasing = '/djaffar/dashboard/data/activities?user=17';
    expect(await statusOf(host, erasing, from('cross-site', 'navigate'), 'DELETE')).toBe(401);
    expect(await statusOf(host, erasing, from('same-origin'), 'DELETE')).toBe(200);
  });

  it('is open at each instance with the secret, at no other, and not to a changed cookie', async () => {
    const cookie = cookieOf(await exchange(await start({ secret: ONE })));
    expect(await statusOf(await start({ secret: ONE }), ABOUT, { Cookie: cookie })).toBe(200);
    expect(await statusOf(await start({ secret: [OTHER, ONE] }), ABOUT, { Cookie: cookie })).toBe(200);
    const other = await start({ secret: OTHER });
    expect(await statusOf(other, ABOUT, { Cookie: cookie })).toBe(401);
    const host = await start({ secret: ONE });
    for (const at of [18, 30, 40, 60, cookie.length - 2]) {
      const changed = cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1);
      expect([at, await statusOf(host, ABOUT, { Cookie: changed })]).toEqual([at, 401]);
    }
    for (const value of ['', 'x', '%', 'A'.repeat(38), 'A'.repeat(3000)])
      expect(await statusOf(host, ABOUT, { Cookie: `djaffar_dashboard=${value}` })).toBe(401);
  });

  it('is secure over HTTPS, refuses a token that no cookie can hold, and is off by default', async () => {
    const host = await start({ secret: ONE }, behindProxy(adapter));
    const response = await exchange(host, { ...bearer('ada'), 'X-Forwarded-Proto': 'https' });
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining('; Secure')]);
    const long = Array.from({ length: 400 }, (_, i) => (i * 7919).toString(36) + Math.sin(i)).join('');
    const tooLong = await exchange(host, bearer('ada', { long }));
    expect([tooLong.status, await tooLong.json()]).toEqual([
      400,
      expect.objectContaining({ message: 'the token is too long for a cookie' }),
    ]);
    const withSlash = await host.fetch(`${SESSION}/`, { method: 'POST', headers: bearer('ada') });
    // Express would take it as the same route; with Fastify there is none.
    const message = adapter === 'express' ? 'this route has no trailing slash' : 'Cannot POST';
    expect([withSlash.status, await withSlash.json(), withSlash.headers.getSetCookie()]).toEqual([
      404,
      expect.objectContaining({ message: expect.stringContaining(message) }),
      [],
    ]);
    const without = await exchange(await startWithout());
    expect([without.status, await without.json()]).toEqual([
      404,
      expect.objectContaining({ message: expect.stringContaining('"dashboard.session" is not set') }),
    ]);
  });

  async function startWithout(): Promise<Host> {
    const guards = [JwtAuthGuard, AdminGuard];
    const host = await startHost({ adapter, djaffar: { imports: [AuthModule], dashboard: { guards } } });
    hosts.push(host);
    return host;
  }
});
