import { createHash, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Controller, HttpCode, Injectable, Module, Param, Post, Req } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import session from 'express-session';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Activity, type DjaffarOptions } from '../../lib/index.js';
import { ADAPTERS, type Host, type HostOptions, PAIRS, startHost } from '../support/host.js';

const SECRET = 'known to the tests alone';
const START = Date.parse('2026-02-03T04:05:06.789Z');
const MINUTE = 60_000;

interface User {
  id: number;
  username: string;
}

const USERS: User[] = [
  { id: 1, username: 'jeff' },
  { id: 2, username: 'ada' },
];

type HostRequest = Request & { raw?: Request };

/** Express middleware works on Node's request, which Fastify wraps. */
const ofNode = (request: HostRequest): Request => request.raw ?? request;

const bearer = (username: string): Record<string, string> => {
  const sub = USERS.find((user) => user.username === username)?.id;
  return { Authorization: `Bearer ${new JwtService({ secret: SECRET }).sign({ sub, username })}` };
};

@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET });
  }

  validate({ sub, username }: { sub: number; username: string }): User {
    return { id: sub, username };
  }
}

@Injectable()
class JwtAuthGuard extends AuthGuard('jwt') {}

@Module({ imports: [PassportModule], providers: [JwtStrategy, JwtAuthGuard], exports: [JwtAuthGuard] })
class JwtModule {}

@Injectable()
class Serializer extends PassportSerializer {
  serializeUser(user: User, done: (error: null, key: number) => void): void {
    done(null, user.id);
  }

  deserializeUser(key: number, done: (error: null, user: User | false) => void): void {
    done(null, USERS.find(({ id }) => id === key) ?? false);
  }
}

@Controller()
class LoginController {
  @Post('login/:name')
  @HttpCode(204)
  async login(@Req() request: HostRequest, @Param('name') name: string): Promise<void> {
    const user = USERS.find(({ username }) => username === name);
    if (!user) throw new Error(`there is no ${name}`);
    const node = ofNode(request);
    await promisify<Express.User, void>(node.logIn.bind(node))(user);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: HostRequest): Promise<void> {
    const node = ofNode(request);
    await promisify<void>(node.logout.bind(node))();
  }

  @Post('end')
  @HttpCode(204)
  async end(@Req() request: HostRequest): Promise<void> {
    const { session: own } = ofNode(request);
    await promisify<void>(own.destroy.bind(own))();
  }
}

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [LoginController],
  providers: [Serializer],
})
class SessionModule {}

const withSession: HostOptions['configure'] = (app) => {
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
  app.use(passport.session());
};

/** Keeps every cookie, of the host and of Djaffar, as a browser does. */
class Browser {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly host: Host) {}

  async post(path: string, body = '', headers: Record<string, string> = {}): Promise<void> {
    const Cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const type = body && { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers: { ...(Cookie && { Cookie }), ...type, ...headers } };
    const response = await this.host.fetch(path, body ? { ...init, body } : init);
    if (response.status !== 204) throw new Error(`${path} answered ${response.status}`);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.cookies.set(name, value);
    }
  }

  /** Sends one activity, so many minutes after the start, and gets it back as it was stored. */
  async track(minute: number, headers: Record<string, string> = {}): Promise<Activity> {
    const id = randomUUID();
    const date = new Date(START + minute * MINUTE).toISOString();
    await this.post('/djaffar/track/', JSON.stringify({ id, date, path: '/' }), headers);
    return this.host.dataSource
      .getRepository(Activity)
      .findOneOrFail({ where: { id }, relations: { session: true } });
  }
}

describe.each(PAIRS)('who it is on $adapter and $database', ({ adapter, database }) => {
  let host: Host;

  async function start(djaffar: HostOptions['djaffar'], options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ adapter, database, djaffar, ...options });
  }

  afterEach(() => host.close());

  const rowsOf = (table: string, order: string): Promise<unknown[]> =>
    host.dataSource.query(`SELECT * FROM ${table} ORDER BY ${order}`);

  it("goes on with session and visit at a login, begins a visit at a logout, and changes nothing stored, by Passport's own session", async () => {
    await start({}, { imports: [SessionModule], configure: withSession });
    const browser = new Browser(host);
    const stored: Activity[] = [];
    let activities: unknown[] = [];
    let sessions: unknown[] = [];
    // What is done before each activity; the host's session is regenerated by each login and logout.
    const steps = ['', '/login/jeff', '', '/logout', '/login/jeff', '/login/ada', '/end', ''];
    for (const [minute, step] of steps.entries()) {
      if (step) await browser.post(step);
      expect(await rowsOf('djaffar_activity', 'date')).toEqual(activities);
      expect(await rowsOf('djaffar_session', 'id')).toEqual(sessions);
      stored.push(await browser.track(minute));
      const activitiesNow = await rowsOf('djaffar_activity', 'date');
      const sessionsNow = await rowsOf('djaffar_session', 'id');
      expect(activitiesNow).toEqual([...activities, expect.anything()]);
      expect(sessionsNow).toEqual(expect.arrayContaining(sessions));
      [activities, sessions] = [activitiesNow, sessionsNow];
    }
    expect(stored.map(({ userName }) => userName)).toEqual([
      null,
      'jeff',
      'jeff',
      null,
      'jeff',
      'ada',
      null,
      null,
    ]);
    expect(sessions).toHaveLength(1);
    const visits = stored.map(({ visitId }) => visitId);
    expect(visits.map((visit) => visits.indexOf(visit))).toEqual([0, 0, 0, 3, 3, 5, 6, 6]);
  });

  it('recognizes by a JWT, too, one user on two devices, and two visitors without a login', async () => {
    await start({ imports: [JwtModule], guards: [JwtAuthGuard] });
    const [desk, phone, stranger] = [new Browser(host), new Browser(host), new Browser(host)];
    const before = await desk.track(0);
    const { sessionId, visitId } = before;
    expect(await desk.track(1, bearer('jeff'))).toMatchObject({ userId: '1', sessionId, visitId });
    const onPhone = await phone.track(2, bearer('jeff'));
    const other = await stranger.track(3);
    expect([onPhone.userId, other.userId]).toEqual(['1', null]);
    expect(new Set([sessionId, onPhone.sessionId, other.sessionId]).size).toBe(3);
    const asAda = await desk.track(4, bearer('ada'));
    expect(asAda).toMatchObject({ userId: '2', sessionId });
    const after = await desk.track(5);
    expect(after).toMatchObject({ userId: null, sessionId });
    expect(new Set([visitId, asAda.visitId, after.visitId]).size).toBe(3);
    expect((await host.activities.find({ user: '1' })).items).toHaveLength(2);
  });

  it('is kept apart by every character of the id, and found by it', async () => {
    const ids: string[] = ['jeff', 'Jeff', 'jéff', 'jeff ', '01', '1', '507f1f77bcf86cd799439011', 'ギ🦋'];
    const user: DjaffarOptions['user'] = (request) => {
      const { headers } = request as HostRequest;
      return { id: decodeURIComponent(String(headers['x-user'])), name: 'Ada 🦋' };
    };
    await start({ user });
    for (const id of ids) await new Browser(host).track(0, { 'X-User': encodeURIComponent(id) });
    for (const id of ids) {
      const { items } = await host.activities.find({ user: id });
      expect(items.map(({ userId, userName }) => [userId, userName])).toEqual([[id, 'Ada 🦋']]);
    }
  });

  it("is one session by the host's own id, stored as its SHA-256 hex alone, and by the cookie where there is none", async () => {
    const own = 's:own-session-that-logs-in';
    await start({
      session: { id: (request) => (request as HostRequest).headers['x-session']?.toString() },
    });
    const [one, other] = [new Browser(host), new Browser(host)];
    const hash = createHash('sha256').update(own).digest('hex');
    expect((await one.track(0, { 'X-Session': own })).sessionId).toBe(hash);
    expect((await other.track(1, { 'X-Session': own })).sessionId).toBe(hash);
    expect((await new Browser(host).track(2)).sessionId).not.toBe(hash);
    const rows = [await rowsOf('djaffar_activity', 'date'), await rowsOf('djaffar_session', 'id')];
    expect(rows[1]).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain('logs-in');
  });

  it('is a bot or none, with the first user agent of the session, and `find` shows it', async () => {
    await start({});
    const browser = new Browser(host);
    const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
    await browser.track(0, { 'User-Agent': bot });
    await browser.track(1, { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0' });
    await new Browser(host).track(2, {
      'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0',
    });
    const { items } = await host.activities.find({}, { order: 'asc' });
    expect(items.map((activity) => [activity.session?.userAgent === bot, activity.session?.bot])).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
  });
});

describe.each(ADAPTERS)('a visit on %s', (adapter) => {
  it.each([
    ['goes on', '29 minutes', 29, false],
    ['goes on', '30 minutes less a millisecond', 30 - 1 / MINUTE, false],
    ['ends', '30 minutes', 30, true],
    ['ends', '30 minutes and a millisecond', 30 + 1 / MINUTE, true],
  ])('%s after a pause of %s in `date`', async (_, _length, pause, isNew) => {
    const host = await startHost({ adapter });
    try {
      const browser = new Browser(host);
      const { sessionId, visitId } = await browser.track(0);
      const next = await browser.track(pause);
      expect(next.sessionId).toBe(sessionId);
      expect(next.visitId !== visitId).toBe(isNew);
    } finally {
      await host.close();
    }
  });
});
