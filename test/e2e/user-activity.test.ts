import { type Activity, ActivityStats, InvalidFilterError } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const START = Date.UTC(2026, 1, 3);
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

const at = (minute: number): Date => new Date(START + minute * 60_000);

describe.each(FOUND)('what users did, on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database });
    const jeff = {
      user: { id: 17 },
      ip: '203.0.113.7',
      userAgent: FIREFOX,
      country: 'DE',
      language: 'de-CH',
    };
    const order = { name: 'order.opened', subject: ['order', 1] } as const;
    for (const activity of [
      { ...jeff, path: '/', session: 'a', date: at(0) },
      { ...jeff, path: '/orders/1', ...order, session: 'a', date: at(1), properties: { from: 'mail' } },
      { ...jeff, path: '/orders/1', ...order, session: 'a', date: at(2), properties: { from: 'app' } },
      { ...jeff, path: '/orders/1', name: 'engagement', session: 'a', date: at(3) },
      { ...jeff, path: '/orders/1', ...order, session: 'b', date: at(4) },
      { ...jeff, path: '/orders/1', ...order, subject: ['order', 2] as const, date: at(5) },
      { path: '/', user: { id: 'ada' }, session: 'a', date: at(6) },
      { path: '/', session: 'b', date: at(7) },
    ])
      await host.activities.track(activity);
  });
  afterAll(() => host.close());

  it('is a feed: the latest first, the same in a row once, without engagement', async () => {
    const item = { path: '/orders/1', route: null, name: 'order.opened' };
    const feed = await host.activities.feed({ user: 17 });
    expect(feed).toEqual([
      { ...item, subject: 'order:2', properties: null, date: at(5), since: at(5), count: 1 },
      { ...item, subject: 'order:1', properties: null, date: at(4), since: at(1), count: 3 },
      {
        ...item,
        path: '/',
        name: 'view',
        subject: null,
        properties: null,
        date: at(0),
        since: at(0),
        count: 1,
      },
    ]);
    await expect(host.activities.feed({ user: '17', limit: 2 })).resolves.toEqual(feed.slice(0, 2));
    await expect(host.activities.feed({ user: 'nobody' })).resolves.toEqual([]);
    await expect(host.activities.feed({ user: 17, limit: 0 })).rejects.toThrow(InvalidFilterError);
    await expect(host.activities.feed({ user: '' })).rejects.toThrow(InvalidFilterError);
  });

  it('says when users were there last', async () => {
    const seen = await host.activities.lastSeen([17, 'ada', 'nobody', 'ada']);
    expect(seen).toEqual(
      new Map([
        ['17', at(5)],
        ['ada', at(6)],
      ]),
    );
    await expect(host.activities.lastSeen([])).resolves.toEqual(new Map());
  });

  it('has the browsers of a user, and says which one asks', async () => {
    const browser = {
      userAgent: FIREFOX,
      browser: 'Firefox',
      system: 'Linux',
      device: 'desktop',
      country: 'DE',
      language: 'de-CH',
    };
    const a = { id: 'a', ...browser, firstSeen: at(0), lastSeen: at(3), current: false };
    const b = { id: 'b', ...browser, firstSeen: at(4), lastSeen: at(4), current: false };
    await expect(host.activities.sessions(17)).resolves.toEqual([b, a]);
    await expect(host.activities.sessions('17', 'a')).resolves.toEqual([b, { ...a, current: true }]);
    const here = host.activities.runAs({ session: 'b' }, () => host.activities.sessions(17));
    await expect(here).resolves.toEqual([{ ...b, current: true }, a]);
    await expect(host.activities.sessions('nobody')).resolves.toEqual([]);
  });

  it('does not undo a bounce by what is not interactive', async () => {
    const stats = host.app.get(ActivityStats, { strict: false });
    const visit = { path: '/', session: 'c', visit: 'c', date: at(100) };
    const bounceRate = async (): Promise<number | null> =>
      (await stats.overview({ from: at(90), to: at(110) })).bounceRate.value;
    await host.activities.track(visit);
    await host.activities.track({ ...visit, name: 'basket.loaded', interactive: false });
    await expect(bounceRate()).resolves.toBe(1);
    await host.activities.track({ ...visit, name: 'order.paid', interactive: true });
    await expect(bounceRate()).resolves.toBe(0);
  });

  it('is the timeline of a subject', async () => {
    const { items } = await host.activities.find({ subject: ['order', 1] }, { order: 'asc' });
    expect(items.map(({ date }: Activity) => date)).toEqual([at(1), at(2), at(4)]);
  });
});
