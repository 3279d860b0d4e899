import { createHash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import { In } from 'typeorm';
import { Activity, ActivityStats, type DjaffarOptions, Session, VisitorService } from '../../lib/index.js';
import { ADAPTERS, behindProxy, cookieOf, type Host, type HostOptions, startHost } from '../support/host.js';

interface HostRequest {
  headers: IncomingHttpHeaders;
}

const START = Date.parse('2026-02-03T04:05:06.789Z');
const MINUTE = 60_000;

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1';
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** A login is a header, so that a test says in each request who it is of. */
const user = ({ headers }: HostRequest): { id: string } | null =>
  typeof headers['x-user'] === 'string' ? { id: headers['x-user'] } : null;

/** The host's own session is a header too. */
const id = ({ headers }: HostRequest): string | undefined => headers['x-session']?.toString();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the host knows of a request, apart from a body to track. */
@Controller()
class WhoController {
  constructor(@Inject(VisitorService) private readonly visitors: VisitorService) {}

  @Get('who')
  who(@Req() request: HostRequest): object {
    return this.visitors.of(request);
  }
}

/** Keeps cookies as a browser does. */
class Browser {
  cookie = '';
  /** The whole of the last `Set-Cookie` header. */
  setCookie = '';

  constructor(
    private readonly host: Host,
    private readonly userAgent = FIREFOX,
  ) {}

  /** Sends one activity, so many minutes after the start, and gets it back as it was stored. */
  async track(minute: number, headers: Record<string, string> = {}, name = 'view'): Promise<Activity> {
    const [activity] = await this.trackAll([minute], headers, name);
    if (!activity) throw new Error('nothing was stored');
    return activity;
  }

  /** Sends a batch in this order, and gets it back in this order. */
  async trackAll(
    minutes: number[],
    headers: Record<string, string> = {},
    name = 'view',
  ): Promise<Activity[]> {
    const activities = minutes.map((minute) => ({
      id: randomUUID(),
      date: new Date(START + minute * MINUTE).toISOString(),
      path: `/${minute}`,
      name,
    }));
    const response = await this.host.post({ activities }, this.headers(headers));
    if (response.status !== 204) throw new Error(`answered ${response.status}`);
    this.cookie = cookieOf(response);
    this.setCookie = response.headers.getSetCookie().join('\n');
    const stored = await this.host.dataSource
      .getRepository(Activity)
      .find({ where: { id: In(activities.map((activity) => activity.id)) }, relations: { session: true } });
    return activities.flatMap((activity) => stored.find((row) => row.id === activity.id) ?? []);
  }

  async who(headers: Record<string, string> = {}): Promise<unknown> {
    return (await this.host.fetch('/who', { headers: this.headers(headers) })).json();
  }

  private headers(more: Record<string, string>): Record<string, string> {
    return { 'User-Agent': this.userAgent, ...(this.cookie && { Cookie: this.cookie }), ...more };
  }
}

const JEFF = { 'X-User': 'jeff' };
const BRITTA = { 'X-User': 'britta' };

describe.each(ADAPTERS)('visitors on %s', (adapter) => {
  let host: Host;

  async function start(djaffar: DjaffarOptions = {}, options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ adapter, djaffar: { user, ...djaffar }, ...options });
  }

  afterEach(() => host.close());

  async function countSessions(): Promise<number> {
    return host.dataSource.getRepository(Session).count();
  }

  describe('a session', () => {
    it('is each of two visitors without a login', async () => {
      await start();
      const [one, other] = [await new Browser(host).track(0), await new Browser(host).track(0)];
      expect(one.sessionId).not.toBe(other.sessionId);
      expect(one.visitId).not.toBe(other.visitId);
      expect([one.userId, other.userId]).toEqual([null, null]);
      expect(await countSessions()).toBe(2);
    });

    it('is each of the two devices of one user', async () => {
      await start();
      const desktop = await new Browser(host, FIREFOX).track(0, JEFF);
      const phone = await new Browser(host, SAFARI).track(0, JEFF);
      expect([desktop.userId, phone.userId]).toEqual(['jeff', 'jeff']);
      expect(desktop.sessionId).not.toBe(phone.sessionId);
      expect([desktop.session?.device, phone.session?.device]).toEqual(['desktop', 'mobile']);
      const { items } = await host.activities.find({ user: 'jeff' });
      expect(items).toHaveLength(2);
    });

    it('is begun by each of two first requests at once, and both are stored', async () => {
      await start();
      const browsers = [new Browser(host), new Browser(host)];
      const stored = await Promise.all(browsers.map((browser) => browser.track(0)));
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(2);
      expect(await countSessions()).toBe(2);
    });

    it('is one if the answer to the first request was lost, and the next request repeats it', async () => {
      await start();
      const date = new Date(0).toISOString();
      const activities = [1, 2].map(() => ({ id: randomUUID(), date, path: '/' }));
      const [lost, next] = await Promise.all(
        [activities.slice(0, 1), activities].map((each) => host.post({ activities: each })),
      );
      expect([lost?.status, next?.status]).toEqual([204, 204]);
      const stored = await host.stored();
      expect(stored).toHaveLength(2);
      expect(new Set(stored.map(({ visitId }) => visitId)).size).toBe(1);
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(1);
      // Another's, whatever its id.
      await host.post(
        {
          activities: [
            { ...activities[0], path: '/' },
            { id: randomUUID(), date, path: '/other' },
          ],
        },
        { 'User-Agent': FIREFOX },
      );
      expect(await countSessions()).toBe(2);
    });

    it('keeps the first user agent that was seen', async () => {
      await start();
      const browser = new Browser(host, FIREFOX);
      await browser.track(0);
      const { session } = await browser.track(1, { 'User-Agent': SAFARI });
      expect(session).toMatchObject({ userAgent: FIREFOX, browser: 'Firefox', device: 'desktop' });
      expect(await countSessions()).toBe(1);
    });

    it('of a bot is marked, and found', async () => {
      await start();
      await new Browser(host, GOOGLEBOT).track(0);
      await new Browser(host, FIREFOX).track(1);
      const { items } = await host.activities.find({}, { order: 'asc' });
      expect(items.map(({ session }) => [session?.userAgent, session?.bot])).toEqual([
        [GOOGLEBOT, true],
        [FIREFOX, false],
      ]);
    });

    it('has no user if nobody is logged in', async () => {
      await start({ user: undefined });
      expect(await new Browser(host).track(0, JEFF)).toMatchObject({ userId: null, userName: null });
    });
  });

  describe('a visit', () => {
    it('continues when the visitor logs in', async () => {
      await start();
      const browser = new Browser(host);
      const before = await browser.track(0);
      const { sessionId, visitId } = before;
      expect(before.userId).toBeNull();
      expect(await browser.track(1, JEFF)).toMatchObject({ userId: 'jeff', sessionId, visitId });
      expect(await browser.track(2, JEFF)).toMatchObject({ userId: 'jeff', sessionId, visitId });
    });

    it('starts at a logout, in the same session, and continues when the visitor logs in again', async () => {
      await start();
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0, JEFF);
      const after = await browser.track(1);
      expect(after).toMatchObject({ userId: null, sessionId });
      expect(after.visitId).not.toBe(visitId);
      expect(await browser.track(2)).toMatchObject({ sessionId, visitId: after.visitId });
      expect(await browser.track(3, JEFF)).toMatchObject({ sessionId, visitId: after.visitId });
    });

    it('is begun by logging in as somebody else, in the same session', async () => {
      await start();
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0, JEFF);
      const other = await browser.track(1, BRITTA);
      expect(other).toMatchObject({ userId: 'britta', sessionId });
      expect(other.visitId).not.toBe(visitId);
      expect(await browser.track(2, BRITTA)).toMatchObject({ sessionId, visitId: other.visitId });
    });

    it('continues after 29 minutes, each time', async () => {
      await start();
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0);
      for (const minute of [29, 58, 87]) {
        expect(await browser.track(minute)).toMatchObject({ sessionId, visitId });
      }
    });

    it('ends after 30 minutes and a second', async () => {
      await start();
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0);
      const next = await browser.track(30 + 1 / 60);
      expect(next.sessionId).toBe(sessionId);
      expect(next.visitId).not.toBe(visitId);
    });

    it('is found by the dates if a queue arrives late and out of order', async () => {
      await start();
      const minutes = [100, 20, 200, 0, 76, 45, 201];
      const stored = await new Browser(host).trackAll(minutes);
      const visitOf = new Map(minutes.map((minute, i) => [minute, stored[i]?.visitId]));
      const visits = [
        [0, 20, 45],
        [76, 100],
        [200, 201],
      ].map((group) => group.map((minute) => visitOf.get(minute)));
      for (const visit of visits) expect(new Set(visit).size).toBe(1);
      expect(new Set(visits.flat()).size).toBe(3);
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(1);
    });

    it('is found by the dates if a queue arrives after later activities', async () => {
      await start();
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(300);
      expect(await browser.track(325)).toMatchObject({ visitId });
      const [inside, first, later, alsoFirst] = await browser.trackAll([310, 0, 60, 20]);
      expect(inside).toMatchObject({ sessionId, visitId });
      expect(alsoFirst).toMatchObject({ sessionId, visitId: first?.visitId });
      expect(new Set([visitId, first?.visitId, later?.visitId]).size).toBe(3);
      // The late ones have not moved the visitor's clock back.
      expect(await browser.track(350)).toMatchObject({ sessionId, visitId });
    });
  });

  it('nothing that was stored before is changed by a login, a logout or the end of the own session', async () => {
    await start({ session: { id } });
    const browser = new Browser(host);
    let activities: unknown[] = [];
    let sessions: unknown[] = [];
    const steps: Record<string, string>[] = [
      {},
      { 'X-Session': '1' },
      { 'X-Session': '2', ...JEFF },
      BRITTA,
      { 'X-Session': '3' },
      {},
    ];
    for (const [minute, headers] of steps.entries()) {
      await browser.track(minute, headers);
      const activitiesNow = await host.dataSource.query('SELECT * FROM djaffar_activity ORDER BY rowid');
      const sessionsNow = await host.dataSource.query('SELECT * FROM djaffar_session ORDER BY rowid');
      expect(activitiesNow).toEqual([...activities, expect.anything()]);
      expect(sessionsNow).toEqual(expect.arrayContaining(sessions));
      activities = activitiesNow;
      sessions = sessionsNow;
    }
    expect(activities).toHaveLength(steps.length);
  });

  describe('the cookie', () => {
    it('lasts as long as `session.maxAge`', async () => {
      await start({ session: { maxAge: 90_500 } });
      const browser = new Browser(host);
      await browser.track(0);
      expect(browser.setCookie).toMatch(
        /^djaffar_session=[\w.-]+; Max-Age=90; Path=\/; HttpOnly; SameSite=Lax$/,
      );
    });

    it("lasts until the browser is closed where `session.maxAge` is 'browser'", async () => {
      await start({ session: { maxAge: 'browser' } });
      const browser = new Browser(host);
      await browser.track(0);
      expect(browser.setCookie).toMatch(/^djaffar_session=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    });

    it('is one of other sites, partitioned, with `session.sameSite` none', async () => {
      await start({ session: { sameSite: 'none' } });
      const browser = new Browser(host);
      await browser.track(0);
      expect(browser.setCookie).toMatch(
        /^djaffar_session=[\w.-]+; Max-Age=1209600; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/,
      );
    });

    it('is the one that was seen last, if there are two since `session.sameSite` was changed', async () => {
      await start();
      const browser = new Browser(host);
      const first = await browser.track(0);
      const old = browser.cookie;
      const { visitId } = await browser.track(50);
      expect(visitId).not.toBe(first.visitId);
      for (const cookie of [`${old}; ${browser.cookie}`, `a=b; ${browser.cookie}; ${old}`]) {
        browser.cookie = cookie;
        expect(await browser.track(51)).toMatchObject({ sessionId: first.sessionId, visitId });
      }
    });

    it('is renewed by use', async () => {
      await start();
      const browser = new Browser(host);
      await browser.track(0);
      const { cookie } = browser;
      await browser.track(1);
      expect(browser.setCookie).toContain('; Max-Age=1209600; ');
      expect(browser.cookie).not.toBe(cookie);
    });

    it.each([
      ['https', true],
      ['http', false],
    ])('over %s is secure: %j', async (protocol, isSecure) => {
      await start({}, behindProxy(adapter));
      const browser = new Browser(host);
      await browser.track(0, { 'X-Forwarded-Proto': protocol });
      expect(browser.setCookie.split('; ').includes('Secure')).toBe(isSecure);
    });

    it('is not secure because of a header if the host trusts no proxy', async () => {
      await start();
      const browser = new Browser(host);
      await browser.track(0, { 'X-Forwarded-Proto': 'https' });
      expect(browser.setCookie).not.toContain('Secure');
    });

    it('does not reveal the user', async () => {
      await start();
      const browser = new Browser(host);
      await browser.track(0, { 'X-User': '507f1f77bcf86cd799439011' });
      expect(browser.setCookie).not.toContain('507f1f77bcf86cd799439011');
    });
  });

  describe("the host's own session", () => {
    const own = { 'X-Session': 's:own-session-that-logs-in' };

    it('is stored and sent only as its SHA-256', async () => {
      await start({ session: { id } });
      const browser = new Browser(host);
      const { sessionId, session } = await browser.track(0, own);
      expect(sessionId).toBe(sha256('s:own-session-that-logs-in'));
      expect(session?.id).toBe(sessionId);
      expect(browser.setCookie).not.toContain('logs-in');
      for (const table of ['djaffar_activity', 'djaffar_session']) {
        const rows: unknown = await host.dataSource.query(`SELECT * FROM ${table}`);
        expect(JSON.stringify(rows)).not.toContain('logs-in');
      }
    });

    it('is one session whatever the cookie says', async () => {
      await start({ session: { id } });
      const browser = new Browser(host);
      const before = await browser.track(0);
      const { sessionId, visitId } = await browser.track(1, own);
      expect(sessionId).not.toBe(before.sessionId);
      expect(await browser.track(2, own)).toMatchObject({ sessionId, visitId });
      expect(await new Browser(host).track(3, own)).toMatchObject({ sessionId });
    });

    it('begins a visit of its own when it changes, as at a login, whatever visit the cookie has', async () => {
      await start({ session: { id } });
      const browser = new Browser(host);
      const before = await browser.track(0, { 'X-Session': 'anonymous' });
      const after = await browser.track(1, { 'X-Session': 'logged-in' });
      expect(after.sessionId).not.toBe(before.sessionId);
      expect(after.visitId).not.toBe(before.visitId);
      const { sessionId, visitId } = after;
      expect(await browser.track(2, { 'X-Session': 'logged-in' })).toMatchObject({ sessionId, visitId });
    });

    it('has the cookie stand in where there is none', async () => {
      await start({ session: { id } });
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0);
      expect(sessionId).toMatch(/^[\w-]{15}$/);
      expect(await browser.track(1)).toMatchObject({ sessionId, visitId });
    });

    it('may be in two first requests at once, and both are stored', async () => {
      await start({ session: { id } });
      const stored = await Promise.all([0, 1, 2].map((minute) => new Browser(host).track(minute, own)));
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(1);
      expect(await countSessions()).toBe(1);
    });
  });

  describe('the VisitorService', () => {
    it.each([
      ['203.0.113.7:51234', '203.0.113.7'],
      ['[2001:db8::1]:443', '2001:db8::1'],
      ['2001:db8::1', '2001:db8::1'],
    ])('takes the address of X-Forwarded-For: %s', async (forwarded, ipAddress) => {
      await start({}, behindProxy(adapter));
      expect(await new Browser(host).track(0, { 'X-Forwarded-For': forwarded })).toMatchObject({ ipAddress });
    });

    it('takes a page of the host for no place that a visitor came from', async () => {
      await start({}, behindProxy(adapter));
      const refererOf = async (referer: string, headers: Record<string, string>): Promise<unknown> => {
        const body = { id: randomUUID(), date: new Date(START).toISOString(), path: '/', referer };
        expect((await host.post(body, headers)).status).toBe(204);
        return (await host.dataSource.getRepository(Activity).findOneBy({ id: body.id }))?.referer;
      };
      const proxied = { 'X-Forwarded-Host': 'shop.example:8443' };
      expect(await refererOf('https://shop.example/a?b', proxied)).toBe('/a?b');
      expect(await refererOf('https://WWW.shop.example', proxied)).toBe('/');
      expect(await refererOf('https://blog.shop.example/a', proxied)).toBe('https://blog.shop.example/a');
      expect(await refererOf('/a', proxied)).toBe('/a');
      expect(await refererOf('http://127.0.0.1:1/a', {})).toBe('/a');
      // The page is at another host than the app.
      const page = { Origin: 'https://shop.example' };
      expect(await refererOf('https://shop.example/a', page)).toBe('/a');
      expect(await refererOf('https://duckduckgo.com/', page)).toBe('https://duckduckgo.com/');
    });
  });

  describe('engagement', () => {
    it('begins no visit, is no bounce, and belongs to the visit of its view', async () => {
      await start();
      const browser = new Browser(host);
      const { visitId } = await browser.track(0);
      for (const minute of [40, 60, 180]) await browser.track(minute, {}, 'engagement');
      const stored = await host.stored();
      expect(stored.map((activity) => activity.visitId)).toEqual([visitId, visitId, visitId, visitId]);
      expect(await browser.track(181)).not.toMatchObject({ visitId });
      const stats = host.app.get(ActivityStats, { strict: false });
      const range = { from: new Date(START), to: new Date(START + 600 * MINUTE) };
      expect(await stats.overview(range)).toMatchObject({
        visits: { value: 2 },
        bounceRate: { value: 1 },
        visitDuration: { value: 0 },
      });
    });

    it('is in no visit, and sets no cookie, if there was no view', async () => {
      await start();
      const body = { date: new Date(START).toISOString(), path: '/', name: 'engagement' };
      const response = await host.post(body);
      expect([response.status, response.headers.getSetCookie()]).toEqual([204, []]);
      expect(await host.stored()).toMatchObject([{ visitId: null }]);
      const stats = host.app.get(ActivityStats, { strict: false });
      const range = { from: new Date(START - 1), to: new Date(START + 1), bots: true };
      expect(await stats.overview(range)).toMatchObject({
        visits: { value: 0 },
        sessions: { value: 0 },
        activities: { value: 1 },
      });
    });
  });

  describe('VisitorService', () => {
    it('returns the session and the visit of a request', async () => {
      await start({}, { controllers: [WhoController] });
      const browser = new Browser(host);
      expect(await browser.who()).toEqual({});
      const { sessionId, visitId } = await browser.track((Date.now() - START) / MINUTE);
      const visitor = await browser.who();
      expect(visitor).toEqual({ session: sessionId, visit: visitId });
      await host.activities.track({ path: '/checkout', ...(visitor as { session: string; visit: string }) });
      const { items } = await host.activities.find({ session: sessionId ?? '' });
      expect(items.map((activity) => activity.visitId)).toEqual([visitId, visitId]);
    });

    it('returns no visit that has ended', async () => {
      await start({}, { controllers: [WhoController] });
      const browser = new Browser(host);
      const { sessionId } = await browser.track((Date.now() - START) / MINUTE - 31);
      expect(await browser.who()).toEqual({ session: sessionId });
    });

    it('returns no visit of more than 24 hours, which server code cannot continue either', async () => {
      await start({}, { controllers: [WhoController] });
      const browser = new Browser(host);
      const now = (Date.now() - START) / MINUTE;
      const stored = await browser.trackAll(
        Array.from({ length: 98 }, (_, i) => now - 24 * 60 + 15 * i - 20),
      );
      const visits = [...new Set(stored.map(({ visitId }) => visitId))];
      expect(visits).toHaveLength(2);
      expect(await browser.who()).toMatchObject({ visit: visits[1] });
      for (const visit of visits)
        await host.activities.track({ path: '/job', name: 'job', visit: visit ?? '' });
      const { items } = await host.activities.find({ name: 'job' });
      expect(new Set(items.map(({ visitId }) => visitId))).toEqual(new Set([null, visits[1]]));
    });

    it("tells the SHA-256 of the host's own session", async () => {
      await start({ session: { id } }, { controllers: [WhoController] });
      const browser = new Browser(host);
      const own = { 'X-Session': '1' };
      expect(await browser.who(own)).toEqual({ session: sha256('1') });
      const { sessionId, visitId } = await browser.track(0, own);
      expect(await browser.who(own)).toMatchObject({ session: sessionId });
      expect(visitId).toMatch(/^[\w-]{15}$/);
    });
  });
});
