import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Post } from '@nestjs/common';
import {
  Activity,
  type ActivityContext,
  ActivityService,
  type DjaffarOptions,
  Session,
} from '../../lib/index.js';
import { cookieOf, type Host, startHost } from '../support/host.js';

const DAY = 86_400_000;
const date = '2026-02-03T04:05:06.789Z';

interface HostRequest {
  headers: IncomingHttpHeaders;
}

/** A login is a header. */
const user = ({ headers }: HostRequest): { id: string } | null =>
  typeof headers['x-user'] === 'string' ? { id: headers['x-user'] } : null;

@Controller('orders')
class OrdersController {
  constructor(private readonly activities: ActivityService) {}

  @Post()
  async order(): Promise<void> {
    await this.activities.track({ name: 'ordered', path: '/orders?token=1' });
  }

  @Post('later')
  later(): object {
    return { context: this.activities.context() };
  }

  @Post('refund')
  async refund(): Promise<void> {
    await this.activities.track({ name: 'refunded', user: { id: 'customer' } });
    await this.activities.track({ name: 'refunded.by', user: { id: 'jeff' } });
  }
}

let host: Host;

const start = async (options: DjaffarOptions): Promise<void> => {
  host = await startHost({
    adapter: 'express',
    djaffar: { user, requestContext: true, ...options },
    controllers: [OrdersController],
  });
};

afterEach(() => host.close());

const stored = (): Promise<Activity[]> => host.stored();

describe.each(['Sec-GPC', 'DNT'])('a visitor whose browser sends %s: 1', (signal) => {
  const headers = { [signal]: '1', 'X-User': 'jeff', 'User-Agent': 'Firefox' };

  it('leaves no trace of who it was with "anonymise", in posts and in server code', async () => {
    await start({ respect: 'anonymise' });
    const answer = await host.post({ date, path: '/a', referer: 'https://b.example/' }, headers);
    expect(answer.status).toBe(204);
    const own = await host.fetch('/orders', { method: 'POST', headers });
    expect(own.status).toBe(201);
    expect([...answer.headers.getSetCookie(), ...own.headers.getSetCookie()]).toEqual([]);
    const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
    expect(await stored()).toMatchObject([
      { ...nobody, path: '/a', referer: 'https://b.example/' },
      { ...nobody, name: 'ordered' },
    ]);
    expect(await host.dataSource.getRepository(Session).count()).toBe(0);
  });

  it('is not stored with "drop", and answered the same', async () => {
    await start({ respect: 'drop' });
    const answer = await host.post({ date, path: '/a' }, headers);
    expect(answer.status).toBe(204);
    expect((await host.fetch('/orders', { method: 'POST', headers })).status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await stored()).toEqual([]);
    // Others are stored as ever.
    await host.post({ date, path: '/b' }, { ...headers, 'Sec-GPC': '0', DNT: '0' });
    expect(await stored()).toMatchObject([{ path: '/b', userId: 'jeff' }]);
  });

  it.each([
    [
      'anonymise',
      [{ name: 'receipt.sent', path: '/orders/later', userId: null, sessionId: null, visitId: null }],
    ],
    ['drop', []],
  ] as const)('is not in the context of a job with "%s"', async (respect, activities) => {
    await start({ respect });
    const first = await host.post({ date, path: '/a' }, { 'X-User': 'jeff' });
    await host.activities.erase({ path: '/a' });
    const Cookie = cookieOf(first);
    const answer = await host.fetch('/orders/later', { method: 'POST', headers: { ...headers, Cookie } });
    const { context } = (await answer.json()) as { context: ActivityContext };
    expect(context).toMatchObject({ user: null, session: null, visit: null, ip: null, userAgent: null });
    await host.activities.runAs(context, () => host.activities.track({ name: 'receipt.sent' }));
    expect(await stored()).toMatchObject(activities);
  });

  it.each(['anonymise', 'drop'] as const)(
    'changes nothing of what server code tracks of another user with "%s"',
    async (respect) => {
      await start({ respect });
      await host.fetch('/orders/refund', { method: 'POST', headers });
      const refunded = (await stored()).filter(({ name }) => name === 'refunded');
      expect(refunded).toMatchObject([{ userId: 'customer', sessionId: null, ipAddress: null }]);
      expect(await host.activities.count({ user: 'jeff' })).toBe(0);
    },
  );

  it('is stored as everybody by default', async () => {
    await start({});
    await host.post({ date, path: '/a' }, headers);
    expect(await stored()).toMatchObject([{ path: '/a', userId: 'jeff', sessionId: expect.any(String) }]);
  });
});

describe('query parameters that look like secrets', () => {
  it('are not stored, and "transform" does not see them', async () => {
    const seen: string[] = [];
    await start({
      transform: (activity) => {
        seen.push(activity.path);
        return activity;
      },
    });
    await host.post({
      date,
      path: '/reset?token=1&lang=de',
      referer: 'https://id.example/?code=1',
      name: 'outbound',
      properties: { url: 'https://pay.example/?api_key=1&item=2', token: 'kept' },
    });
    await host.post({ date }, { Referer: 'https://host.example/login?password=1' });
    await host.post({ date, path: '?token=1' });
    await host.fetch('/orders', { method: 'POST' });
    expect(seen).toEqual(['/reset?lang=de', '/login', '/', '/orders']);
    expect(await stored()).toMatchObject([
      {
        path: '/reset?lang=de',
        referer: 'https://id.example/',
        properties: { url: 'https://pay.example/?item=2', token: 'kept' },
      },
      { path: '/login' },
      { path: '/' },
      { path: '/orders' },
    ]);
  });

  it('are not stored if the address was so long that it was cut off within an escape', async () => {
    await start({});
    // One of them is cut off at each place of an `é`, which is `%C3%A9`.
    for (let length = 1; length <= 6; length++) {
      const inner = `/reset?token=secret&${'x'.repeat(length)}=${'é'.repeat(400)}`;
      await host.post({ date }, { Referer: `https://host.example/?next=${encodeURIComponent(inner)}` });
    }
    const paths = (await stored()).map(({ path }) => path);
    expect(paths).toHaveLength(6);
    for (const path of paths) expect(path).toMatch(/^\/\?next=\/reset\?x{1,6}=é{10}/);
  });

  it('are those of the option "scrub"', async () => {
    await start({ scrub: ['voucher'] });
    await host.post({ date, path: '/a?voucher=1&token=2' });
    expect(await stored()).toMatchObject([{ path: '/a?token=2' }]);
  });
});

describe('the cookie', () => {
  it('is not renewed beyond "session.absoluteMaxAge"', async () => {
    await start({ session: { maxAge: 14 * DAY, absoluteMaxAge: 20 * DAY } });
    const clock = jest.spyOn(Date, 'now');
    try {
      const first = await host.post({ date, path: '/a' });
      expect(first.headers.getSetCookie().join()).toContain(`Max-Age=${(14 * DAY) / 1000};`);
      const begun = Date.now();
      clock.mockImplementation(() => begun + 13 * DAY);
      const second = await host.post({ date, path: '/b' }, { Cookie: cookieOf(first) });
      const maxAge = Number(/Max-Age=(\d+)/.exec(second.headers.getSetCookie().join())?.[1]);
      expect(Math.abs(maxAge - (7 * DAY) / 1000)).toBeLessThan(60);
      clock.mockImplementation(() => begun + 21 * DAY);
      await host.post({ date, path: '/c' }, { Cookie: cookieOf(second) });
    } finally {
      clock.mockRestore();
    }
    const [a, b, c] = await stored();
    expect(b?.sessionId).toBe(a?.sessionId);
    expect(c?.sessionId).not.toBe(a?.sessionId);
  });

  it('is not set if "transform" removes the session', async () => {
    await start({ transform: (activity) => ({ ...activity, sessionId: null, visitId: null }) });
    const answer = await host.post({ date, path: '/a' });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await host.dataSource.getRepository(Session).count()).toBe(0);
  });
});
