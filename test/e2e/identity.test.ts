import type { IncomingHttpHeaders } from 'node:http';
import { type CanActivate, ForbiddenException, HttpException, UnauthorizedException } from '@nestjs/common';
import { of } from 'rxjs';
import { type Activity, type DjaffarOptions, Session } from '../../lib/index.js';
import { ADAPTERS, behindProxy, type Host, type HostOptions, startHost } from '../support/host.js';

interface HostRequest {
  headers: IncomingHttpHeaders;
  user?: unknown;
  employee?: { number: number; initials: string };
}

type Answer = ReturnType<CanActivate['canActivate']>;

function guard(canActivate: (request: HostRequest) => Answer): CanActivate {
  return { canActivate: (context) => canActivate(context.switchToHttp().getRequest<HostRequest>()) };
}

const accepting = (user: unknown): CanActivate => guard((request) => Boolean((request.user = user)));
const answering = (answer: Answer): CanActivate => guard(() => answer);
const throwing = (error: Error): CanActivate =>
  guard(() => {
    throw error;
  });
const rejecting = (reason: Error): CanActivate => guard(async () => Promise.reject(reason));

/** Takes whoever the header `X-User` tells. */
const believing = guard((request) => {
  const header = request.headers['x-user'];
  if (typeof header !== 'string') return false;
  request.user = JSON.parse(header);
  return true;
});

class ObjectId {
  constructor(private readonly hex: string) {}

  toString(): string {
    return this.hex;
  }
}

const BODY = { date: '2026-02-03T04:05:06.789Z', path: '/' };

describe.each(ADAPTERS)('identity on %s', (adapter) => {
  let host: Host;

  async function start(djaffar: DjaffarOptions, options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ adapter, djaffar, ...options });
  }

  afterEach(() => host.close());

  async function expectNothing(response: Response): Promise<void> {
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await host.stored()).toEqual([]);
    expect(await host.dataSource.getRepository(Session).count()).toBe(0);
  }

  /** The one activity of the database, where a request was answered 204. */
  async function storedBy(response: Response): Promise<Activity> {
    const [activity, ...others] = await host.stored();
    if (response.status === 204 && activity && others.length === 0) return activity;
    throw new Error(`answered ${response.status}; ${others.length} others were stored than ${activity?.id}`);
  }

  describe('a user', () => {
    it.each([
      [{ id: 1, userId: 2, sub: 3, _id: 4, uuid: 5 }, '1'],
      [{ uuid: 5, _id: 4, sub: 3, userId: 2 }, '2'],
      [{ uuid: 5, _id: 4, sub: 3 }, '3'],
      [{ uuid: 5, _id: 4 }, '4'],
      [{ uuid: 'e7a3' }, 'e7a3'],
      [{ id: null, sub: 'auth0|5f7c' }, 'auth0|5f7c'],
      [{ id: 0, userId: 2 }, '0'],
      [{ id: -1.5 }, '-1.5'],
      [{ id: 'ギ🦋' }, 'ギ🦋'],
    ])('%j has an id', async (user, userId) => {
      await start({ guards: [accepting(user)] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId, userName: null });
    });

    it.each([
      [{ username: 'u', name: 'n', email: 'e' }, 'u'],
      [{ email: 'e', name: 'n' }, 'n'],
      [{ email: 'e@example.org' }, 'e@example.org'],
      [{ username: null, name: 'Jeff 🦋' }, 'Jeff 🦋'],
      [{ nick: 'jeff' }, null],
    ])('%j has a name', async (names, userName) => {
      await start({ guards: [accepting({ id: 1, ...names })] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId: '1', userName });
    });

    it.each([
      ['a bigint', 2n ** 64n, '18446744073709551616'],
      ['an ObjectId', new ObjectId('507f1f77bcf86cd799439011'), '507f1f77bcf86cd799439011'],
      ['of 255 characters', 'ギ'.repeat(255), 'ギ'.repeat(255)],
    ])('whose id is %s is stored as text', async (_, id, userId) => {
      await start({ guards: [accepting({ _id: id, name: 'Jeff' })] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId, userName: 'Jeff' });
    });

    it.each([{ id: { $oid: '507f' } }, { sub: {} }, { id: null, _id: { a: 1 } }, { id: [{ a: 1 }] }])(
      '%j, whose id is an object without a text, is an error',
      async (user) => {
        await start({ guards: [believing] });
        const response = await host.post(BODY, { 'X-User': JSON.stringify(user) });
        expect(response.status).toBe(500);
        await expectNothing(response);
      },
    );

    it.each([NaN, Infinity])('whose id is the number %d is an error', async (number) => {
      await start({ guards: [accepting({ id: number })] });
      const response = await host.post(BODY);
      expect(response.status).toBe(500);
      await expectNothing(response);
    });

    it.each([{ id: '' }, { id: null }, { name: 'Jeff' }, {}, 'jeff', 7])(
      '%j, without an id, is anonymous',
      async (user) => {
        await start({ guards: [believing] });
        const response = await host.post(BODY, { 'X-User': JSON.stringify(user) });
        expect(await storedBy(response)).toMatchObject({ userId: null, userName: null });
      },
    );

    it('is computed for each request', async () => {
      await start({ guards: [believing] });
      for (const [path, user] of Object.entries({ '/1': { id: 1 }, '/2': { id: 2 }, '/3': undefined })) {
        await host.post({ ...BODY, path }, user && { 'X-User': JSON.stringify(user) });
      }
      const users = (await host.stored()).map(({ path, userId }) => [path, userId]);
      expect(Object.fromEntries(users)).toEqual({ '/1': '1', '/2': '2', '/3': null });
    });

    it('is mapped by the option `user` from whatever a guard has left', async () => {
      const clocking = guard((request) => Boolean((request.employee = { number: 7, initials: 'JB' })));
      await start({
        guards: [clocking],
        user: ({ employee }: HostRequest) => employee && { id: employee.number, name: employee.initials },
      });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId: '7', userName: 'JB' });
    });

    it('is mapped by the option `user` from a header, without any guard', async () => {
      await start({ user: ({ headers }: HostRequest) => ({ id: String(headers['x-employee']) }) });
      expect(await storedBy(await host.post(BODY, { 'X-Employee': '7' }))).toMatchObject({
        userId: '7',
        userName: null,
      });
    });

    it.each([null, undefined, { id: '' }, { id: '', name: 'Jeff' }])(
      'that the option `user` maps to %j is anonymous',
      async (mapped) => {
        await start({ guards: [accepting({ id: 1, name: 'Jeff' })], user: () => mapped });
        expect(await storedBy(await host.post(BODY))).toMatchObject({ userId: null, userName: null });
      },
    );

    it('with a name that is too long is stored, the name cut', async () => {
      await start({ guards: [accepting({ id: 1, name: '🦋'.repeat(300) })] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({
        userId: '1',
        userName: '🦋'.repeat(255),
      });
    });
  });

  describe('guards', () => {
    it('are asked in turn until one accepts, whose user it is', async () => {
      const asked: string[] = [];
      const asking = (name: string, next: CanActivate): CanActivate => ({
        canActivate: (context) => {
          asked.push(name);
          return next.canActivate(context);
        },
      });
      await start({
        guards: [
          asking('no', answering(false)),
          asking('later no', answering(Promise.resolve(false))),
          asking('observed no', answering(of(false))),
          asking('throws 401', throwing(new UnauthorizedException())),
          asking('throws 403', throwing(new ForbiddenException())),
          asking('rejects with 401', rejecting(new UnauthorizedException())),
          asking('yes', accepting({ id: 7 })),
          asking('another yes', accepting({ id: 8 })),
        ],
      });
      expect(await storedBy(await host.post(BODY, { Authorization: 'Bearer x' }))).toMatchObject({
        userId: '7',
      });
      expect(asked).toEqual([
        'no',
        'later no',
        'observed no',
        'throws 401',
        'throws 403',
        'rejects with 401',
        'yes',
      ]);
    });

    it.each([
      ['true, false', of(true, false), null],
      ['false, true', of(false, true), '7'],
      ['a promise of true, false', Promise.resolve(of(true, false)), null],
    ])('that return an Observable of %s mean its last value, as in Nest', async (_, answer, userId) => {
      const answered = guard((request) => {
        request.user = { id: 7 };
        // Nest waits for a promise of an Observable too, although its type does not say so.
        return answer as Answer;
      });
      await start({ guards: [answered], api: { guards: [answered] } });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId });
      expect((await host.fetch('/djaffar/activities')).status).toBe(userId ? 200 : 403);
    });

    it('of which none accepts leave the visitor anonymous', async () => {
      await start({ guards: [answering(false), throwing(new UnauthorizedException())] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId: null, userName: null });
    });

    it('that refuse whom they have found leave the visitor anonymous', async () => {
      const locked = guard((request) => !(request.user = { id: 1 }));
      await start({ guards: [locked] });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ userId: null });
    });

    it.each([
      ['an Error', new Error('the key server is down'), 500],
      ['a TypeError', new TypeError('x is not a function'), 500],
      ['too many requests', new HttpException('Too Many Requests', 429), 429],
    ])('that throw %s are heard, and no other is asked', async (_, error, status) => {
      let isAsked = false;
      const next = guard(() => (isAsked = true));
      await start({ guards: [throwing(error), next], rejectedCredentials: 'anonymous' });
      const response = await host.post(BODY);
      expect(response.status).toBe(status);
      expect(isAsked).toBe(false);
      await expectNothing(response);
    });
  });

  describe('a bearer token', () => {
    it.each(['Bearer x', 'Bearer null', 'bearer undefined', 'BEARER x.y.z', 'Bearer'])(
      'that no guard accepts, %j, is answered 401',
      async (authorization) => {
        await start({ guards: [answering(false), throwing(new UnauthorizedException())] });
        const response = await host.post(BODY, { Authorization: authorization });
        expect(response.status).toBe(401);
        expect(await response.json()).toMatchObject({ statusCode: 401 });
        await expectNothing(response);
      },
    );

    it.each(['Bearer x', 'Bearer null', 'bearer undefined'])(
      'that no guard accepts, %j, is stored as anonymous where the host says so',
      async (authorization) => {
        await start({ guards: [answering(false)], rejectedCredentials: 'anonymous' });
        const response = await host.post(BODY, { Authorization: authorization });
        expect(await storedBy(response)).toMatchObject({ userId: null, userName: null });
        expect(response.headers.getSetCookie()).toHaveLength(1);
      },
    );

    it('is nothing to a host without guards', async () => {
      await start({});
      expect(await storedBy(await host.post(BODY, { Authorization: 'Bearer x' }))).toMatchObject({
        userId: null,
      });
    });

    it.each(['Basic amVmZjpzZWNyZXQ=', 'Basic Bearer', 'BearerX y', 'Digest username="bearer x"'])(
      'is not what %j holds',
      async (authorization) => {
        await start({ guards: [answering(false)] });
        expect(await storedBy(await host.post(BODY, { Authorization: authorization }))).toMatchObject({
          userId: null,
        });
      },
    );
  });

  describe('an IP address', () => {
    it.each([
      ['full', '203.0.113.77', '203.0.113.77'],
      ['full', '203.0.113.77, 10.0.0.1', '203.0.113.77'],
      ['full', '::ffff:203.0.113.77', '203.0.113.77'],
      ['full', '::FFFF:cb00:714d', '203.0.113.77'],
      ['full', '2001:DB8:0:0:1:0:0:77', '2001:db8::1:0:0:77'],
      ['full', 'fe80::1%eth0', 'fe80::1'],
      ['masked', '203.0.113.77', '203.0.113.0'],
      ['masked', '::ffff:203.0.113.77', '203.0.113.0'],
      ['masked', '2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
      ['none', '203.0.113.77', null],
      ['none', '2001:db8::1', null],
    ] as const)('is kept %s: %s as %s', async (ip, forwarded, ipAddress) => {
      await start({ ip }, behindProxy(adapter));
      expect(await storedBy(await host.post(BODY, { 'X-Forwarded-For': forwarded }))).toMatchObject({
        ipAddress,
      });
    });

    it('is kept full by default', async () => {
      await start({}, behindProxy(adapter));
      const response = await host.post(BODY, { 'X-Forwarded-For': '203.0.113.77' });
      expect(await storedBy(response)).toMatchObject({ ipAddress: '203.0.113.77' });
    });

    it.each(['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'CF-Connecting-IP'])(
      'in %s is not believed where the host trusts no proxy',
      async (header) => {
        await start({});
        expect(await storedBy(await host.post(BODY, { [header]: '203.0.113.77' }))).toMatchObject({
          ipAddress: '127.0.0.1',
        });
      },
    );

    it.each(['full', 'masked'] as const)('that is none costs no activity, kept %s', async (ip) => {
      const garbage = [
        'garbage',
        '1.2.3',
        '999.1.1.1',
        '01.2.3.4',
        "' OR 1=1 --",
        '<script>',
        'x'.repeat(5000),
      ];
      await start({ ip }, behindProxy(adapter));
      for (const forwarded of garbage) {
        expect((await host.post(BODY, { 'X-Forwarded-For': forwarded })).status).toBe(204);
      }
      expect((await host.stored()).map(({ ipAddress }) => ipAddress)).toEqual(garbage.map(() => null));
    });
  });

  describe('`transform`', () => {
    it('changes an activity, and knows the request', async () => {
      await start({
        transform: (activity, { headers }: HostRequest) => ({
          ...activity,
          path: activity.path.replace(/voucher=\w+/, 'voucher=…'),
          properties: { ...activity.properties, country: headers['cf-ipcountry'] },
        }),
      });
      const body = { ...BODY, path: '/pay?voucher=s3cret', properties: { plan: 'pro' } };
      const response = await host.post(body, { 'CF-IPCountry': 'DE' });
      const properties = { plan: 'pro', country: 'DE' };
      expect(await storedBy(response)).toMatchObject({ path: '/pay?voucher=…', properties });
    });

    it('sees what would be stored', async () => {
      const seen: object[] = [];
      await start({
        guards: [accepting({ id: 7, name: 'Jeff' })],
        ip: 'masked',
        transform: (activity) => (seen.push({ ...activity }), activity),
      });
      await host.post(BODY);
      const [stored] = await host.stored();
      expect(seen).toEqual([{ ...stored, session: undefined }]);
      expect(seen).toMatchObject([{ userId: '7', userName: 'Jeff', ipAddress: '127.0.0.0' }]);
    });

    it('may take its time', async () => {
      await start({ transform: async (activity) => Promise.resolve({ ...activity, name: 'later' }) });
      expect(await storedBy(await host.post(BODY))).toMatchObject({ name: 'later' });
    });

    it.each<[string, NonNullable<DjaffarOptions['transform']>]>([
      ['at once', () => null],
      ['later', async () => Promise.resolve(null)],
      ['by returning nothing, as JavaScript may', () => JSON.parse('{}').nothing],
    ])('drops an activity %s, which is answered 204 too', async (_, transform) => {
      await start({ transform });
      const response = await host.post(BODY);
      expect(response.status).toBe(204);
      await expectNothing(response);
    });

    it('may delete what an activity may lack, as JavaScript can', async () => {
      await start({
        guards: [accepting({ id: 7, name: 'Jeff' })],
        transform: ({ id, date, receivedAt, name, path }) =>
          Object.assign(JSON.parse('{}'), { id, date, receivedAt, name, path }),
      });
      const response = await host.post({ ...BODY, referer: '/from', properties: { plan: 'pro' } });
      expect(response.status).toBe(204);
      const nothing = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
      expect(await host.stored()).toMatchObject([{ ...nothing, referer: null, properties: null }]);
    });

    it('drops some of a batch', async () => {
      await start({ transform: (activity) => (activity.path === '/health' ? null : activity) });
      const activities = ['/1', '/health', '/2'].map((path) => ({ ...BODY, path }));
      const response = await host.post({ activities });
      expect(response.headers.getSetCookie()).toHaveLength(1);
      expect((await host.stored()).map(({ path }) => path).sort()).toEqual(['/1', '/2']);
    });

    it('leaves no session and no user agent if it removes the session of all activities', async () => {
      await start({ transform: (activity) => ({ ...activity, sessionId: null, visitId: null }) });
      const response = await host.post(BODY, { 'User-Agent': 'Firefox of somebody' });
      expect(await storedBy(response)).toMatchObject({ sessionId: null, visitId: null, session: null });
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await host.dataSource.getRepository(Session).count()).toBe(0);
    });

    it('is asked, without a request, for what server code tracks', async () => {
      const requests: unknown[] = [];
      await start({ transform: (activity, request) => (requests.push(request), activity) });
      await host.activities.track({ path: '/' });
      expect(requests).toEqual([undefined]);
      expect(await host.stored()).toHaveLength(1);
    });

    it('may make texts too long, which are cut at a whole character', async () => {
      const long = '🦋'.repeat(3000);
      const texts = { name: long, path: long, referer: long, userName: long };
      await start({ transform: (activity) => ({ ...activity, ...texts }) });
      expect(await storedBy(await host.post(BODY))).toMatchObject({
        name: '🦋'.repeat(64),
        path: '🦋'.repeat(2048),
        referer: '🦋'.repeat(2048),
        userName: '🦋'.repeat(255),
      });
    });

    it('leaves out of the properties what JSON does not hold', async () => {
      const properties = { country: undefined, at: new Date(0), plan: 'pro' };
      await start({ transform: (activity) => ({ ...activity, properties }) });
      expect((await storedBy(await host.post(BODY))).properties).toEqual({
        at: '1970-01-01T00:00:00.000Z',
        plan: 'pro',
      });
    });

    it.each<[string, Record<string, unknown>, RegExp]>([
      ['properties of more than 4 KiB', { a: 'x'.repeat(5000) }, /at most 4096 bytes/],
      ['properties of 4 levels', { a: { b: { c: { d: 1 } } } }, /at most 3 levels/],
      ['an integer beyond 2^53', { a: 2 ** 53 }, /as text/],
      ['a bigint', { a: 1n }, /JSON object/],
    ])('may not make %s: answered 422, as an import refuses it', async (_, properties, reason) => {
      await start({ transform: (activity) => ({ ...activity, properties }) });
      const response = await host.post(BODY);
      expect(response.status).toBe(422);
      expect(await response.text()).toMatch(reason);
      await expect(host.activities.track({ path: '/' })).rejects.toThrow(reason);
      expect(await host.stored()).toEqual([]);
    });

    it('may give nothing else than an activity: answered 422', async () => {
      const transform: unknown = () => true;
      await start({ transform: transform as DjaffarOptions['transform'] });
      expect((await host.post(BODY)).status).toBe(422);
    });

    it('may not make an id that is too long: answered 422', async () => {
      await start({ transform: (activity) => ({ ...activity, visitId: 'v'.repeat(17) }) });
      expect((await host.post(BODY)).status).toBe(422);
    });

    it('may choose a visit, which ends after 24 hours', async () => {
      await start({ transform: (activity) => ({ ...activity, visitId: 'nightly' }) });
      for (const hour of ['01T00:00', '01T23:59', '02T00:00'])
        await host.post({ ...BODY, date: `2025-11-${hour}Z`, path: hour });
      const visits = (await host.stored()).map(({ path, visitId }) => [path, visitId]);
      expect(visits).toEqual([
        ['01T00:00', 'nightly'],
        ['01T23:59', 'nightly'],
        ['02T00:00', null],
      ]);
    });

    it('may make no IP address of more than 45 characters', async () => {
      await start({ transform: (activity) => ({ ...activity, ipAddress: 'x'.repeat(46) }) });
      const { ipAddress } = await storedBy(await host.post(BODY));
      expect(ipAddress?.length ?? 0).toBeLessThanOrEqual(45);
    });
  });
});
