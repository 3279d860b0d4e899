import { randomUUID } from 'node:crypto';
import { IsNull, Not } from 'typeorm';
import {
  ActivityStats,
  type Dimension,
  InvalidFilterError,
  type ServerActivity,
  type StatisticsFilter,
} from '../../lib/index.js';
import { PageResolver } from '../../lib/activity/page.js';
import {
  DailyCount,
  NameRollup,
  Path,
} from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { RollupService } from '../../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const BERLIN = 'Europe/Berlin';
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';
/** What JavaScript, or a query string, may ask. */
type Untyped = Record<keyof ActivityStats, (...args: unknown[]) => Promise<unknown>>;

const november = { from: '2025-11-01T00:00Z', to: '2025-12-01T00:00Z' };

describe.each(FOUND)('ActivityStats on %s', (database) => {
  let host: Host;
  let stats: ActivityStats;

  beforeAll(async () => {
    host = await startHost({ adapter: 'fastify', database });
    stats = host.app.get(ActivityStats, { strict: false });
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));

  afterAll(() => host.close());

  async function track(...activities: ServerActivity[]): Promise<void> {
    await Promise.all(activities.map((activity) => host.activities.track(activity)));
  }

  /** A visit of November 2025, with an activity at each of these times. */
  function visit(
    id: string,
    paths: Record<string, string>,
    who: Partial<ServerActivity> = {},
  ): Promise<void> {
    const activities = Object.entries(paths).map(([time, path]) => ({
      date: `2025-11-${time}Z`,
      path,
      visit: id,
      session: `session-${id}`,
      ...who,
    }));
    return track(...activities);
  }

  it('counts a visit completely, in the interval of its start', async () => {
    await visit('a', { '10T22:50': '/', '10T23:10': '/pricing', '10T23:20': '/order' });
    const tenth = { from: '2025-11-10T00:00+01:00', to: '2025-11-11T00:00+01:00', timeZone: BERLIN };
    const eleventh = { from: tenth.to, to: '2025-11-12T00:00+01:00', timeZone: BERLIN };
    expect(await stats.overview(tenth)).toEqual({
      asOf: expect.any(String),
      from: '2025-11-10T00:00:00.000+01:00',
      to: '2025-11-11T00:00:00.000+01:00',
      users: { value: 0 },
      sessions: { value: 1 },
      visits: { value: 1 },
      activities: { value: 1 },
      views: { value: 1 },
      bounceRate: { value: 0 },
      visitDuration: { value: 30 * 60 },
    });
    expect(await stats.overview(eleventh, { compareTo: 'previous' })).toMatchObject({
      compared: { from: '2025-11-10T00:00:00.000+01:00', to: '2025-11-11T00:00:00.000+01:00' },
      visits: { value: 0, compared: 1 },
      views: { value: 2, compared: 1 },
      bounceRate: { value: null, compared: 0 },
      visitDuration: { value: null, compared: 1800 },
    });
  });

  it('counts 23 hours of the day when the clocks go forward, and 25 when they go back', async () => {
    const visitsOf = (from: string, to: string) =>
      stats.series('visits', 'hour', { from, to, timeZone: BERLIN });
    const spring = await visitsOf('2025-03-30T00:00+01:00', '2025-03-31T00:00+02:00');
    expect(spring.points).toHaveLength(23);
    expect(spring.points[2]).toEqual({ date: '2025-03-30T03:00:00.000+02:00', value: 0 });

    await track({ date: '2025-10-26T00:30Z', path: '/', visit: 'summer' });
    await track({ date: '2025-10-26T01:30Z', path: '/', visit: 'winter' });
    const autumn = await visitsOf('2025-10-26T00:00+02:00', '2025-10-27T00:00+01:00');
    expect(autumn.points).toHaveLength(25);
    expect(autumn.points.filter(({ value }) => value === 1)).toEqual([
      { date: '2025-10-26T02:00:00.000+02:00', value: 1 },
      { date: '2025-10-26T02:00:00.000+01:00', value: 1 },
    ]);
  });

  it('counts who comes back once in each of the ranges that are compared, and in each interval', async () => {
    const ada = { user: { id: 'ada' }, session: 'ada' };
    for (const day of ['02', '03', '08', '09', '10', '11'])
      await visit(`ada-${day}`, { [`${day}T09:00`]: '/' }, ada);
    await visit('jeff', { '09T10:00': '/' }, { user: { id: 'jeff' } });
    const range = { from: '2025-11-10T00:00Z', to: '2025-11-12T00:00Z' };
    expect(await stats.overview(range, { compareTo: 'previous' })).toMatchObject({
      visits: { value: 2, compared: 3 },
      users: { value: 1, compared: 2 },
      sessions: { value: 1, compared: 2 },
    });
    const compareTo = { from: '2025-11-01T00:00Z', to: '2025-11-04T00:00Z' };
    expect(await stats.overview(range, { compareTo })).toMatchObject({
      visits: { value: 2, compared: 2 },
      users: { value: 1, compared: 1 },
      sessions: { value: 1, compared: 1 },
    });
    // The first week begins before the range, and so does ada's first visit in it.
    const weeks = { from: '2025-11-04T00:00Z', to: '2025-11-17T00:00Z' };
    const usersOf = async (of: { from: string; to: string }) =>
      (await stats.series('users', 'week', of)).points.map(({ value }) => value);
    expect(await usersOf(weeks)).toEqual([2, 1]);
    expect(await usersOf({ ...weeks, from: '2025-11-03T00:30Z' })).toEqual([2, 1]);
  });

  it('counts the first and the last interval within the range alone', async () => {
    await visit('a', { '03T09:00': '/' });
    await visit('b', { '05T09:00': '/' });
    await visit('c', { '12T09:00': '/' });
    const question = { from: '2025-11-04T00:00Z', to: '2025-11-11T00:00Z' };
    expect((await stats.series('visits', 'week', question)).points).toEqual([
      { date: '2025-11-03T00:00:00.000Z', value: 1 },
      { date: '2025-11-10T00:00:00.000Z', value: 0 },
    ]);
  });

  it('counts a visit with one activity as bounced', async () => {
    await visit('bounced', { '01T10:00': '/' });
    await visit('read', { '02T10:00': '/' });
    await visit('read', { '02T12:00': '/' }, { name: 'engagement', properties: { visible: 240_000 } });
    await visit('read', { '02T13:00': '/' }, { name: 'engagement', properties: { visible: 60_000 } });
    await visit('bought', { '03T10:00': '/' });
    await visit('bought', { '03T10:01': '/' }, { name: 'bought' });
    await visit('looked', { '04T10:00': '/', '04T10:02': '/pricing' });
    const { bounceRate, visitDuration } = await stats.overview(november);
    expect(bounceRate).toEqual({ value: 2 / 4 });
    // Of 0, 60, 120 and, in view, 300 seconds.
    expect(visitDuration).toEqual({ value: 90 });
  });

  it('counts the time until the last activity as duration, also if none is interactive', async () => {
    await visit('a', { '01T10:00': '/', '01T10:15': '/' }, { interactive: false });
    expect(await stats.overview(november)).toMatchObject({
      visitDuration: { value: 900 },
      bounceRate: { value: 0 },
    });
  });

  it('counts time in view as duration only after the last activity', async () => {
    await visit('a', { '01T10:00': '/' });
    await visit('a', { '01T10:05': '/' }, { name: 'bought' });
    // Of the 7 minutes, 2 are after the purchase.
    await visit('a', { '01T10:07': '/' }, { name: 'engagement', properties: { visible: 420_000 } });
    // The page was hidden for 13 minutes.
    await visit('a', { '01T10:21': '/' }, { name: 'engagement', properties: { visible: 60_000 } });
    expect((await stats.overview(november)).visitDuration).toEqual({ value: 8 * 60 });
  });

  it('takes who logs in during a visit for the user all along, once', async () => {
    await visit('a', { '01T10:00': '/', '01T10:01': '/login' });
    await visit('a', { '01T10:02': '/account' }, { user: { id: 17, name: 'Jeff' } });
    await visit('b', { '02T10:00': '/' }, { user: { id: 17 } });
    expect(await stats.overview(november)).toMatchObject({ users: { value: 1 }, sessions: { value: 2 } });
    expect((await stats.top('user', november)).items).toEqual([{ value: '17', count: 2, name: null }]);
    expect((await stats.top('entry', { ...november, user: '17', measure: 'views' })).items).toEqual([
      { value: '/', count: 4 },
    ]);
  });

  it('counts what server code tracked without a visit', async () => {
    const job = { path: '/job', name: 'renewed', date: '2025-11-05T00:00Z' };
    await track({ ...job, user: { id: 17 } }, { ...job, user: { id: 17 } }, { ...job, session: 's' }, job);
    expect(await stats.overview(november)).toMatchObject({
      users: { value: 1 },
      sessions: { value: 1 },
      visits: { value: 0 },
      activities: { value: 4 },
      views: { value: 0 },
    });
  });

  it('leaves bots out unless they are asked for', async () => {
    await visit('a', { '01T10:00': '/' });
    await visit('b', { '01T10:00': '/' }, { userAgent: GOOGLEBOT });
    expect((await stats.top('path', november)).items).toEqual([{ value: '/', count: 1 }]);
    expect((await stats.top('path', { ...november, bots: true })).items).toEqual([{ value: '/', count: 2 }]);
    expect((await stats.visits({ ...november, bots: true, device: 'bot' })).items).toMatchObject([
      { id: 'b', session: { bot: true, userAgent: GOOGLEBOT } },
    ]);
  });

  it('counts a user who was there before as a bot once, and a bot as no user', async () => {
    const ada = { user: { id: 'ada' }, session: 'browser' };
    await visit('a-bot', { '01T10:00': '/' }, { ...ada, session: 'script', userAgent: GOOGLEBOT });
    await visit('a', { '02T10:00': '/' }, ada);
    await visit('b-bot', { '03T10:00': '/' }, { user: { id: 'only-bot' }, userAgent: GOOGLEBOT });
    const people = { users: { value: 1 }, sessions: { value: 1 }, visits: { value: 1 } };
    expect(await stats.overview(november)).toMatchObject(people);
    expect(await stats.overview({ ...november, bots: true })).toMatchObject({
      users: { value: 2 },
      sessions: { value: 3 },
      visits: { value: 3 },
    });
  });

  it('takes the session of the first activity for that of a visit of which only a part has one', async () => {
    await visit('late', { '01T10:00': '/' }, { session: undefined });
    await visit('late', { '01T10:05': '/pricing' }, { session: 's', userAgent: FIREFOX });
    await visit('early', { '02T10:00': '/' }, { session: 't', userAgent: FIREFOX });
    await visit('early', { '02T10:05': '/pricing' }, { session: undefined });
    expect(await stats.overview(november)).toMatchObject({ sessions: { value: 1 }, visits: { value: 2 } });
    expect((await stats.visits({ ...november, order: 'asc' })).items).toMatchObject([
      { id: 'late', session: null },
      { id: 'early', session: { id: 't' } },
    ]);
    const ofFirefox = { ...november, browser: 'Firefox' };
    expect(await stats.overview(ofFirefox)).toMatchObject({ visits: { value: 1 }, activities: { value: 2 } });
  });

  it('moves the beginning of a visit for an activity that comes late', async () => {
    const days = async () =>
      (await stats.series('visits', 'day', { ...november, to: '2025-11-03T00:00Z' })).points;
    await visit('a', { '02T00:05': '/pricing', '02T00:10': '/order' });
    expect(await days()).toMatchObject([{ value: 0 }, { value: 1 }]);
    await visit('a', { '01T23:55': '/?utm_source=letter' }, { referer: 'https://www.duckduckgo.com/?q=x' });
    expect(await days()).toMatchObject([{ value: 1 }, { value: 0 }]);
    expect((await stats.visits(november)).items).toMatchObject([
      { entry: '/', utmSource: 'letter', referrer: 'duckduckgo.com', duration: 900 },
    ]);
  });

  it('forgets who is erased', async () => {
    const kept = async () =>
      Number((await host.dataSource.query('SELECT COUNT(*) AS n FROM djaffar_visit'))[0].n);
    await visit('a', { '01T10:00': '/' }, { user: { id: 17 } });
    await visit('b', { '02T10:00': '/', '02T10:01': '/' }, { user: { id: 18 } });
    expect(await stats.overview(november)).toMatchObject({ users: { value: 2 }, views: { value: 3 } });
    expect(await kept()).toBe(2);
    await host.activities.erase({ user: '18' });
    expect(await stats.overview(november)).toMatchObject({
      users: { value: 1 },
      sessions: { value: 1 },
      visits: { value: 1 },
      activities: { value: 1 },
    });
    expect(await kept()).toBe(1);
  });

  it('keeps no path that is left without an activity', async () => {
    const kept = async () =>
      (await host.dataSource.query('SELECT path FROM djaffar_path ORDER BY path')).map(
        ({ path }: { path: string }) => path,
      );
    await visit('a', { '01T10:00': '/', '01T10:01': '/jeff', '01T10:02': '/' }, { user: { id: 17 } });
    await track({ date: '2025-11-01T12:00Z', path: '/koons', user: { id: 17 } });
    await visit('b', { '02T10:00': '/', '02T10:01': '/bot' }, { userAgent: GOOGLEBOT });
    expect((await stats.top('path', november)).items).toMatchObject([
      { count: 2 },
      { count: 1 },
      { count: 1 },
    ]);
    expect(await kept()).toEqual(['/', '/bot', '/jeff', '/koons']);
    await host.activities.erase({ user: '17' });
    expect((await stats.top('path', november)).items).toEqual([]);
    expect(await kept()).toEqual(['/', '/bot']);
    await host.activities.erase({ visit: 'b' });
    expect((await stats.top('path', november)).items).toEqual([]);
    expect(await kept()).toEqual([]);
  });

  it('takes a filter for one activity that has all of it, at whatever time of the visit', async () => {
    await visit('a', { '01T10:00': '/' });
    await visit('a', { '01T10:01': '/pricing' }, { properties: { plan: 'pro', seats: 3 } });
    await visit('b', { '02T10:00': '/pricing' });
    await visit('b', { '02T10:01': '/' }, { properties: { plan: 'pro', seats: '3' } });
    expect(
      (await stats.top('entry', { ...november, path: '/pricing', properties: { plan: 'pro' } })).items,
    ).toEqual([{ value: '/', count: 1 }]);
    const question = { ...november, property: 'plan', properties: { seats: 3 } };
    expect((await stats.top('property', question)).items).toEqual([{ value: 'pro', count: 2 }]);
    expect((await stats.top('property', { ...question, path: '/pricing' })).items).toEqual([
      { value: 'pro', count: 1 },
    ]);
  });

  it('filters by referrer, entry and exit of visits', async () => {
    await visit('a', { '01T10:00': '/shop/?utm_source=letter&utm_medium=mail', '01T10:01': '/order/1' });
    await visit('b', { '02T10:00': '/shop/?utm_source=letter&utm_campaign=fall', '02T10:01': '/order/2' });
    await visit('c', { '03T10:00': '/order/1', '03T10:01': '/shop/' });
    const visitsOf = async (filter: StatisticsFilter) =>
      (await stats.visits({ ...november, ...filter, order: 'asc' })).items.map(({ id }) => id);
    expect(await visitsOf({ utmSource: 'letter' })).toEqual(['a', 'b']);
    expect(await visitsOf({ utmSource: 'letter', utmCampaign: 'fall' })).toEqual(['b']);
    expect(await visitsOf({ utmMedium: 'mail' })).toEqual(['a']);
    expect(await visitsOf({ entry: '/shop*' })).toEqual(['a', 'b']);
    expect(await visitsOf({ entry: '/shop' })).toEqual(['a', 'b']);
    expect(await visitsOf({ entry: '/shop/' })).toEqual([]);
    expect(await visitsOf({ exit: '/order/1' })).toEqual(['a']);
    expect(await visitsOf({ exit: '/order/*', path: '/order/2' })).toEqual(['b']);
    expect((await stats.top('path', { ...november, entry: '/order/1', search: 'shop' })).items).toEqual([
      { value: '/shop', count: 1 },
    ]);
  });

  it('counts pages without the query strings of their paths', async () => {
    await visit('a', { '01T10:00': '/shop?utm_source=a', '01T10:01': '/shop/', '01T10:02': '/#/cart?x' });
    await visit('b', { '01T11:00': '/shop?fbclid=1', '01T11:01': '/docs/#install' });
    const day = { from: '2025-11-01T00:00Z', to: '2025-11-01T11:00:30Z' };
    expect((await stats.top('path', november)).items).toEqual([
      { value: '/shop', count: 3 },
      { value: '/#/cart', count: 1 },
      { value: '/docs', count: 1 },
    ]);
    expect((await stats.top('path', { ...day, measure: 'sessions', search: 'shop' })).items).toEqual([
      { value: '/shop', count: 2 },
    ]);
    expect((await stats.top('entry', november)).items).toEqual([{ value: '/shop', count: 2 }]);
    expect(await stats.overview({ ...day, path: '/shop' })).toMatchObject({
      visits: { value: 2 },
      views: { value: 3 },
    });
    const { steps } = await stats.funnel([{ path: '/shop' }, { path: '/docs' }], november);
    expect(steps).toMatchObject([{ visitors: 2 }, { visitors: 1 }]);
    const { nodes } = await stats.journeys({ ...november, start: '/shop', depth: 2 });
    expect(nodes.map(({ path, visits }) => [path, visits])).toEqual([
      ['/shop', 2],
      ['/#/cart', 1],
      ['/docs', 1],
    ]);
    const { items } = await host.activities.find({ path: '/shop?fbclid=1' });
    expect(items).toMatchObject([{ path: '/shop?fbclid=1' }]);
    expect(items[0]).not.toHaveProperty('page');
  });

  it('counts the pages of another option after a rebuild', async () => {
    await visit('a', { '01T10:00': '/orders/1?x', '01T10:01': '/orders/2', '02T10:02': '/plain' });
    await stats.top('path', november);
    const pages = new PageResolver((path) => path.replace(/\d+/, ':id').replace(/\?.*/, ''));
    const rollup = new RollupService(host.dataSource, () => 0, undefined, pages);
    expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 2 });
    await rollup.rebuild();
    expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    expect((await stats.top('path', november)).items).toEqual([
      { value: '/orders/:id', count: 2 },
      { value: '/plain', count: 1 },
    ]);
    expect(await stats.overview({ ...november, path: '/orders/:id' })).toMatchObject({ views: { value: 2 } });
    expect(await host.activities.count({ path: '/orders/1?x' })).toBe(1);
    // Pages that are left without an activity are forgotten.
    await host.activities.erase({ path: '/orders/*' });
    await stats.top('path', november);
    const known = await host.dataSource.getRepository(Path).find();
    expect(known.map(({ path }) => path)).toEqual(['/plain']);
  });

  it('filters by null for a missing value, as top returns it', async () => {
    const referer = 'https://duckduckgo.com/';
    await visit('a', { '01T10:00': '/', '01T10:01': '/login' }, { referer, userAgent: FIREFOX });
    await visit('a', { '01T10:02': '/account' }, { user: { id: 17 } });
    await visit('b', { '02T10:00': '/?utm_source=letter' });
    await track({ date: '2025-11-03T10:00Z', path: '/', visit: 'c' });
    await track({ date: '2025-11-04T10:00Z', path: '/job' });
    const counts = async (filter: StatisticsFilter) => {
      const { visits, activities } = await stats.overview({ ...november, ...filter });
      return [visits.value, activities.value];
    };
    expect((await stats.top('referrer', november)).items).toContainEqual({ value: null, count: 2 });
    expect(await counts({ referrer: null })).toEqual([2, 2]);
    expect(await counts({ utmSource: null })).toEqual([2, 4]);
    // The job has neither a session nor a user, and no visit that could have a referrer.
    expect((await stats.top('browser', november)).items).toContainEqual({ value: null, count: 2 });
    expect(await counts({ browser: null })).toEqual([2, 3]);
    expect(await counts({ user: null })).toEqual([2, 3]);
    expect(await counts({ user: null, path: '/' })).toEqual([2, 2]);
    expect(await counts({ user: null, device: 'desktop' })).toEqual([0, 0]);
  });

  it('names users as their latest visit does', async () => {
    await visit('a', { '01T10:00': '/', '01T10:01': '/' }, { user: { id: 17, name: 'Jeff' } });
    await visit('b', { '02T10:00': '/' }, { user: { id: 18 } });
    await visit('b', { '02T10:01': '/' }, { user: { id: 17, name: 'Jeff Koons' } });
    await visit('b', { '02T10:02': '/' }, { user: { id: 17 } });
    await visit('c', { '03T10:00': '/' }, { user: { id: 18 } });
    await visit('d', { '04T10:00': '/' });
    expect((await stats.top('user', november)).items).toEqual([
      { value: '17', count: 2, name: 'Jeff Koons' },
      { value: '18', count: 1, name: null },
    ]);
    expect((await stats.top('user', { ...november, to: '2025-11-02T00:00Z', search: '17' })).items).toEqual([
      { value: '17', count: 1, name: 'Jeff Koons' },
    ]);
    expect((await stats.top('user', { ...november, search: 'jeff' })).items).toEqual([
      { value: '17', count: 2, name: 'Jeff Koons' },
    ]);
    expect((await stats.top('user', { ...november, search: 'KOONS' })).items).toHaveLength(1);
    expect(
      (await stats.top('user', { ...november, from: '2025-11-03T00:00Z', search: 'jeff' })).items,
    ).toEqual([]);
    expect((await stats.top('user', { ...november, search: 'nobody' })).items).toEqual([]);
  });

  it('counts activities at pages if the filter is by another name than view', async () => {
    await visit('a', { '01T10:00': '/shop', '01T10:01': '/cart' });
    await visit('a', { '01T10:02': '/cart', '01T10:03': '/cart' }, { name: 'bought' });
    expect((await stats.top('path', { ...november, name: 'bought' })).items).toEqual([
      { value: '/cart', count: 2 },
    ]);
    expect((await stats.top('path', { ...november, name: 'view' })).items).toEqual([
      { value: '/cart', count: 1 },
      { value: '/shop', count: 1 },
    ]);
    expect((await stats.top('path', { ...november, name: 'bought', measure: 'views' })).items).toEqual([]);
  });

  it('follows visitors through a funnel, in the order of its steps', async () => {
    const buy = { name: 'bought' };
    await visit('a', { '01T10:00': '/', '01T10:10': '/pricing' });
    await visit('a', { '01T10:20': '/pricing' }, buy);
    await visit('b', { '02T10:00': '/pricing', '02T10:10': '/' });
    await visit('b', { '02T10:20': '/' }, buy);
    await visit('c', { '03T10:00': '/', '03T12:00': '/', '03T12:50': '/pricing' });
    await visit('c', { '03T13:10': '/pricing' }, buy);
    const steps = [{ path: '/' }, { path: '/pricing', name: 'view' }, buy];
    expect((await stats.funnel(steps, november)).steps).toEqual([
      { step: steps[0], visitors: 3, stopped: 1 },
      { step: steps[1], visitors: 2, stopped: 0 },
      { step: steps[2], visitors: 2, stopped: 0 },
    ]);
    const { steps: withinAnHour } = await stats.funnel(steps, { ...november, within: 3_600_000 });
    expect(withinAnHour.map(({ visitors }) => visitors)).toEqual([3, 2, 1]);
  });

  it('follows a visitor up to exactly `within` from the first step to the last', async () => {
    await visit('a', { '01T10:00:00.000': '/', '01T11:00:00.000': '/pricing' });
    const steps = [{ path: '/' }, { path: '/pricing' }];
    const visitors = async (within: number) =>
      (await stats.funnel(steps, { ...november, within })).steps.map((step) => step.visitors);
    expect(await visitors(3_600_000)).toEqual([1, 1]);
    expect(await visitors(3_599_999)).toEqual([1, 0]);
  });

  it('takes a session and a user of the same id for two visitors', async () => {
    await track(
      { date: '2025-11-01T10:00Z', path: '/', session: '17' },
      { date: '2025-11-01T10:01Z', path: '/pricing', user: { id: 17 } },
    );
    const { steps } = await stats.funnel([{ path: '/' }, { path: '/pricing' }], november);
    expect(steps.map(({ visitors }) => visitors)).toEqual([1, 0]);
  });

  it('finds each text that is searched for, and what no pattern means', async () => {
    const texts = ['a!b', 'a%b', 'a_b', 'a\\b', 'a!!b', 'axb', 'ab'];
    for (const [i, text] of texts.entries()) await visit(`v${i}`, { '01T10:00': `/${text}` });
    for (const text of texts) {
      const { items } = await stats.top('path', { ...november, search: text.toUpperCase() });
      expect({ text, items }).toEqual({ text, items: [{ value: `/${text}`, count: 1 }] });
    }
  });

  it('finds the text as it was typed, also of alphabets whose lower case the database does not know', async () => {
    for (const [i, text] of ['Ärger', 'Жук', 'ΣΊΣΥΦΟΣ', 'İstanbul'].entries()) {
      await visit(`v${i}`, { '01T10:00': `/${text}` });
      const { items } = await stats.top('path', { ...november, search: text });
      expect(items).toEqual([{ value: `/${text}`, count: 1 }]);
    }
  });

  it('finds names of users and groups as they were typed, too', async () => {
    for (const [i, name] of ['Ärger', 'Жук', 'ΣΊΣΥΦΟΣ', 'İstanbul'].entries()) {
      const [user, group] = [`u${i}`, String(i)];
      await visit(
        `v${i}`,
        { '01T10:00': '/' },
        { user: { id: user, name }, group: { type: 'team', id: group, name } },
      );
      for (const [dimension, value] of [
        ['user', user],
        ['group', `team:${group}`],
      ] as const) {
        const { items } = await stats.top(dimension, { ...november, search: name });
        expect({ name, values: items.map((item) => item.value) }).toEqual({ name, values: [value] });
      }
    }
  });

  it('follows the longest of visits', async () => {
    const views = Array.from({ length: 1001 }, (_, i) => ({
      date: new Date(Date.parse('2025-11-01T10:00Z') + i * 1000),
      path: `/${i % 3}`,
      visit: 'long',
      session: 'long',
    }));
    await track(...views);
    await visit('short', { '02T10:00': '/1', '02T10:01': '/2' });
    expect(await stats.journeys({ ...november, start: '/1', depth: 2 })).toEqual({
      asOf: expect.any(String),
      nodes: [
        { step: 0, path: '/1', visits: 2 },
        { step: 1, path: '/2', visits: 2 },
      ],
      links: [{ step: 0, from: '/1', to: '/2', visits: 2 }],
    });
    expect((await stats.journeys({ ...november, end: '/0', depth: 2 })).links).toEqual([
      { step: -1, from: '/2', to: '/0', visits: 1 },
    ]);
    expect(await stats.overview({ ...november, path: '/2' })).toMatchObject({ visits: { value: 2 } });
    expect(await stats.overview({ ...november, path: '/0' })).toMatchObject({ visits: { value: 1 } });
    expect((await stats.top('path', { ...november, session: 'long', limit: 2 })).items).toEqual([
      { value: '/0', count: 334 },
      { value: '/1', count: 334 },
    ]);
  });

  it('counts the activities of some visits when they happened, and each by its own session', async () => {
    await visit('night', { '10T23:50': '/', '11T00:00': '/', '12T00:10': '/pricing' });
    await visit('mixed', { '11T10:00': '/' }, { session: 'session-night' });
    await visit('mixed', { '11T10:01': '/pricing', '11T10:02': '/' }, { session: 'other' });
    const session = { session: 'session-night' };
    const { points } = await stats.series('views', 'day', { ...november, ...session });
    expect(points.slice(9, 12).map(({ value }) => value)).toEqual([1, 2, 1]);
    const eleventh = { from: '2025-11-11T00:00Z', to: '2025-11-12T00:00Z', ...session };
    expect(await stats.overview(eleventh)).toMatchObject({ visits: { value: 1 }, views: { value: 2 } });
    expect((await stats.top('path', eleventh)).items).toEqual([{ value: '/', count: 2 }]);
  });

  it('finds visits by what was done in them, however much that is', async () => {
    const names = ['bought', 'Bought', 'b,ought:1', 'ought'];
    // Too long for a visit's row.
    const more = Array.from({ length: 12 }, (_, i) => `${'é'.repeat(60)}${i}`);
    for (const [i, name] of names.entries()) await visit(`only-${i}`, { '02T10:00': '/' }, { name });
    for (const [i, name] of [...names, ...more].entries())
      await visit('much', { [`03T10:${10 + i}`]: '/' }, { name });
    await visit('seen', { '01T10:00': '/' });
    for (const name of [...names, ...more]) {
      const { visits } = await stats.overview({ ...november, name });
      expect([name, visits.value]).toEqual([name, names.includes(name) ? 2 : 1]);
    }
    expect(await stats.overview({ ...november, name: 'view' })).toMatchObject({ visits: { value: 1 } });
    const topOf = async (visitId: string) =>
      (await stats.top('name', { ...november, visit: visitId, limit: 2 })).items;
    expect(await topOf('only-2')).toEqual([{ value: 'b,ought:1', count: 1 }]);
    expect(await topOf('much')).toEqual([
      { value: 'Bought', count: 1 },
      { value: 'b,ought:1', count: 1 },
    ]);
  });

  it('finds visits by a path of which they have no view', async () => {
    await visit('seen', { '01T10:00': '/', '01T10:01': '/pricing' });
    await visit('called', { '02T10:00': '/' });
    await visit('called', { '02T10:01': '/pricing' }, { name: 'called' });
    await visit('other', { '03T10:00': '/' });
    expect(await stats.overview({ ...november, path: '/pricing' })).toMatchObject({
      visits: { value: 2 },
      activities: { value: 2 },
      views: { value: 1 },
    });
  });

  it('does not take one of many paths for another', async () => {
    await visit('first', { '01T10:00': '/first' });
    await stats.overview(november);
    // The next are paths whose numbers are of two digits, all kinds of them, and contain the first one's.
    await host.dataSource.getRepository(Path).insert({ id: 985, path: '/many' });
    const paths = Array.from({ length: 12 }, (_, i) => `/${i}`);
    for (const [i, path] of paths.entries()) await visit(`v${i}`, { '02T10:00': path, '02T10:01': path });
    await visit('all', Object.fromEntries(paths.map((path, i) => [`03T10:${10 + i}`, path])));
    for (const path of ['/first', ...paths]) {
      const { visits } = await stats.overview({ ...november, path });
      expect([path, visits.value]).toEqual([path, path === '/first' ? 1 : 2]);
    }
  });

  it('takes nothing for summed up that came in since', async () => {
    await visit('a', { '10T02:00': '/', '10T03:00': '/pricing' });
    const range = { from: '2025-11-10T01:00Z', to: '2025-11-12T00:00Z' };
    const views = [
      { value: '/', count: 1 },
      { value: '/pricing', count: 1 },
    ];
    expect((await stats.top('path', range)).items).toEqual(views);
    await visit('b', { '10T00:30': '/' });
    // Comes in after the sums were made and before they are read.
    const rollup = host.rollup;
    const run = jest.spyOn(rollup, 'catchUp').mockResolvedValue();
    expect((await stats.top('path', range)).items).toEqual(views);
    run.mockRestore();
    expect((await stats.top('path', range)).items).toEqual(views);
  });

  const keptOf = (metric: string): Promise<DailyCount[]> =>
    host.dataSource.getRepository(DailyCount).find({ where: { metric }, order: { startedAt: 'ASC' } });

  /** Those of the month on which there was anything. */
  const daysKeptOf = async (metric: string): Promise<string[]> =>
    (await keptOf(metric))
      .filter(({ counts }) => counts !== '' && counts !== '[]')
      .map(({ startedAt }) => startedAt.toISOString().slice(8, 10));

  describe('of visited paths', () => {
    const visited = { ...november, measure: 'visits', limit: 3 } as const;
    const kept = (): Promise<string[]> => daysKeptOf('visited paths');

    it('keeps them of days that are over from when it is asked, until a visit that began there changes', async () => {
      await visit('a', { '10T10:00': '/', '10T10:01': '/a', '10T10:02': '/' });
      await visit('b', { '11T23:50': '/', '12T00:10': '/b' });
      await visit('bot', { '12T12:00': '/' }, { userAgent: GOOGLEBOT });
      await visit('c', { '13T10:00': '/' });
      const first = (await stats.top('path', visited)).items;
      expect(first).toEqual([
        { value: '/', count: 3 },
        { value: '/a', count: 1 },
        { value: '/b', count: 1 },
      ]);
      expect(await kept()).toEqual(['10', '11', '13']);
      expect((await stats.top('path', visited)).items).toEqual(first);
      // Late, and on the day after the one that the visit began on.
      await visit('b', { '12T00:20': '/a' });
      await stats.overview(november);
      expect(await kept()).toEqual(['10', '13']);
      expect((await stats.top('path', visited)).items).toEqual([
        { value: '/', count: 3 },
        { value: '/a', count: 2 },
        { value: '/b', count: 1 },
      ]);
      await host.activities.erase({ session: 'session-b' });
      expect((await stats.top('path', visited)).items).toEqual([
        { value: '/', count: 2 },
        { value: '/a', count: 1 },
      ]);
      const rollup = host.rollup;
      expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('returns the activities in the range of a visit that continues after it', async () => {
      await visit('a', { '10T23:40': '/', '11T00:05': '/a', '11T00:30': '/b' });
      await stats.top('path', visited);
      const midnight = { from: '2025-11-10T00:00Z', to: '2025-11-11T00:00Z', measure: 'visits' } as const;
      expect((await stats.top('path', midnight)).items).toEqual([{ value: '/', count: 1 }]);
      expect((await stats.top('path', { ...midnight, to: '2025-11-11T00:10Z' })).items).toEqual([
        { value: '/', count: 1 },
        { value: '/a', count: 1 },
      ]);
    });

    it('counts visits of more activities than a row keeps once, too', async () => {
      const many = Array.from({ length: 1001 }, (_, i) => ({
        date: '2025-11-10T10:00Z',
        path: `/${i % 2}`,
        session: 'long',
        visit: 'long',
      }));
      await track(...many);
      await visit('a', { '10T10:00': '/1' });
      expect((await stats.top('path', visited)).items).toEqual([
        { value: '/1', count: 2 },
        { value: '/0', count: 1 },
      ]);
      expect(await kept()).toEqual(['10']);
    });

    it('counts the many visits of a bot if bots are included', async () => {
      const crawled = Array.from({ length: 1001 }, (_, i) => ({
        date: '2025-11-10T10:00Z',
        path: `/crawled/${i % 3}`,
        session: 'crawler',
        visit: 'crawler',
        userAgent: GOOGLEBOT,
      }));
      await track(...crawled);
      const asked = { ...november, bots: true, limit: 5 };
      const paths = ['/crawled/0', '/crawled/1', '/crawled/2'];
      expect(
        (await stats.top('path', { ...asked, measure: 'visits' })).items.map(({ value }) => value),
      ).toEqual(paths);
      expect((await stats.top('path', asked)).items.map(({ count }) => count)).toEqual([334, 334, 333]);
    });

    it('looks at the visits of days of too many paths', async () => {
      await visit('a', { '10T10:00': '/', '11T10:00': '/' });
      await visit('b', { '11T11:00': '/b' });
      const first = (await stats.top('path', visited)).items;
      await host.dataSource.getRepository(DailyCount).update({ metric: 'visited paths' }, { counts: null });
      expect((await stats.top('path', visited)).items).toEqual(first);
    });
  });

  describe('of visited names', () => {
    const named = { ...november, measure: 'visits' } as const;
    const kept = (): Promise<string[]> => daysKeptOf('visited names');
    const at = (session: string, date: string, name: string): Record<string, string> => ({
      date: `2025-11-${date}Z`,
      path: '/',
      name,
      session,
      visit: session,
    });

    it('keeps them of days that are over, and counts visits across midnight and large ones once', async () => {
      const many = Array.from({ length: 1001 }, (_, i) => at('long', '13T10:00', i % 2 ? 'scroll' : 'view'));
      await track(
        at('a', '10T10:00', 'view'),
        at('a', '10T10:01', 'bought'),
        at('a', '10T10:02', 'bought'),
        at('b', '11T23:50', 'view'),
        at('b', '12T00:10', 'bought'),
        ...many,
      );
      const first = (await stats.top('name', named)).items;
      expect(first).toEqual([
        { value: 'view', count: 3 },
        { value: 'bought', count: 2 },
        { value: 'scroll', count: 1 },
      ]);
      expect(await kept()).toEqual(['10', '11', '13']);
      expect((await stats.top('name', named)).items).toEqual(first);
      expect((await stats.top('name', { ...named, to: '2025-11-11' })).items).toEqual([
        { value: 'view', count: 2 },
        { value: 'bought', count: 1 },
      ]);
      await track(at('b', '12T00:20', 'search'));
      await stats.overview(november);
      expect(await kept()).toEqual(['10', '13']);
      await host.activities.erase({ session: 'long' });
      expect((await stats.top('name', named)).items).toEqual([
        { value: 'bought', count: 2 },
        { value: 'view', count: 2 },
        { value: 'search', count: 1 },
      ]);
      expect(await host.rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });
  });

  describe('of what visits have', () => {
    it('keeps how many of the visits of days that are over had what from when it is asked, until one changes', async () => {
      await visit('a', { '10T10:00': '/', '10T10:01': '/a' }, { referer: 'https://a.example/' });
      await visit('b', { '10T23:50': '/', '11T00:10': '/b' });
      await visit('c', { '12T12:00': '/' }, { referer: 'https://a.example/' });
      await visit('bot', { '13T13:00': '/' }, { userAgent: GOOGLEBOT });
      const first = (await stats.top('referrer', november)).items;
      expect(first).toEqual([
        { value: 'a.example', count: 2 },
        { value: null, count: 1 },
      ]);
      expect(await daysKeptOf('visits by referrer')).toEqual(['10', '12']);
      expect((await stats.top('referrer', november)).items).toEqual(first);
      // Late, and on the day after the one that the visit began on.
      await visit('b', { '11T00:20': '/c' });
      expect((await stats.top('exit', november)).items).toEqual([
        { value: '/', count: 1 },
        { value: '/a', count: 1 },
        { value: '/c', count: 1 },
      ]);
      expect(await daysKeptOf('visits by referrer')).toEqual(['12']);
      await host.activities.erase({ session: 'session-a' });
      expect((await stats.top('entry', november)).items).toEqual([{ value: '/', count: 2 }]);
      expect((await stats.top('referrer', november)).items).toEqual([
        { value: null, count: 1 },
        { value: 'a.example', count: 1 },
      ]);
      const rollup = host.rollup;
      expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      await host.dataSource.getRepository(DailyCount).update({ metric: 'visits by exit' }, { counts: '[]' });
      expect((await rollup.check()).sums).toBeGreaterThan(0);
    });

    it('counts the visits that began in the range, whatever days it has a part of', async () => {
      await visit('a', { '10T10:00': '/', '10T10:01': '/a' });
      await visit('b', { '11T10:00': '/' });
      await visit('c', { '12T10:00': '/', '12T10:01': '/a' });
      await stats.top('exit', november);
      const part = { from: '2025-11-10T10:01Z', to: '2025-11-12T10:01Z' };
      for (const range of [part, { ...part, timeZone: 'Asia/Kathmandu' }])
        expect((await stats.top('exit', range)).items).toEqual([
          { value: '/', count: 1 },
          { value: '/a', count: 1 },
        ]);
    });

    it('reads the visits if a day has too many values to cache', async () => {
      await visit('a', { '10T10:00': '/' });
      await visit('b', { '11T10:00': '/b' });
      const first = (await stats.top('entry', november)).items;
      await host.dataSource.getRepository(DailyCount).update({ metric: 'visits by entry' }, { counts: null });
      expect((await stats.top('entry', november)).items).toEqual(first);
    });
  });

  describe('of visitors', () => {
    const ada = { user: { id: 'ada', name: 'Ada' } };

    it('counts a session or user of several days once, and only what the range has', async () => {
      await visit('early', { '09T23:00': '/early' }, { ...ada, session: 'a' });
      await visit(
        'a1',
        { '10T10:00': '/', '10T10:01': '/a' },
        { ...ada, session: 'a', referer: 'https://a.example/' },
      );
      await visit('a2', { '12T10:00': '/a' }, { ...ada, session: 'a', referer: 'https://a.example/' });
      await visit('b', { '11T23:50': '/', '12T00:10': '/b' });
      await visit('bot', { '12T12:00': '/' }, { userAgent: GOOGLEBOT });
      await visit(
        'c',
        { '13T10:00': '/a', '13T10:01': '/c' },
        { ...ada, session: 'c', referer: 'https://b.example/' },
      );
      await track({
        date: '2025-11-13T10:02Z',
        name: 'bought',
        path: '/c',
        session: 'c',
        visit: 'c',
        ...ada,
      });
      await visit('late', { '14T10:30': '/late' }, { ...ada, session: 'a' });
      const range = { from: '2025-11-10T10:00Z', to: '2025-11-14T10:30Z' };
      const counts = async (dimension: Dimension, measure: 'sessions' | 'users'): Promise<unknown> =>
        (await stats.top(dimension, { ...range, measure })).items.map(({ value, count }) => [value, count]);
      const expected = {
        'sessions by path': [
          ['/', 2],
          ['/a', 2],
          ['/b', 1],
          ['/c', 1],
        ],
        'users by path': [
          ['/', 1],
          ['/a', 1],
          ['/c', 1],
        ],
        'sessions by name': [
          ['view', 3],
          ['bought', 1],
        ],
        'users by name': [
          ['bought', 1],
          ['view', 1],
        ],
        'sessions by referrer': [
          [null, 1],
          ['a.example', 1],
          ['b.example', 1],
        ],
        'sessions by entry': [
          ['/', 2],
          ['/a', 2],
        ],
      } as const;
      const ask = async (): Promise<Record<string, unknown>> => ({
        'sessions by path': await counts('path', 'sessions'),
        'users by path': await counts('path', 'users'),
        'sessions by name': await counts('name', 'sessions'),
        'users by name': await counts('name', 'users'),
        'sessions by referrer': await counts('referrer', 'sessions'),
        'sessions by entry': await counts('entry', 'sessions'),
      });
      expect(await ask()).toEqual(expected);
      for (const metric of Object.keys(expected))
        expect(await daysKeptOf(metric)).toEqual(['11', '12', '13']);
      expect(await ask()).toEqual(expected);
      expect(await counts('browser', 'sessions')).toEqual([[null, 3]]);
      expect(await counts('browser', 'users')).toEqual([[null, 1]]);
      expect(await counts('user', 'users')).toEqual([['ada', 1]]);
      await host.activities.erase({ session: 'c' });
      expect(await counts('path', 'sessions')).toEqual([
        ['/', 2],
        ['/a', 1],
        ['/b', 1],
      ]);
      expect(await counts('path', 'users')).toEqual([
        ['/', 1],
        ['/a', 1],
      ]);
      expect(await counts('name', 'sessions')).toEqual([['view', 2]]);
      expect(await host.rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('reads the activities or visits if a day has too many values to cache', async () => {
      await visit('a1', { '10T10:00': '/' }, { ...ada, session: 'a' });
      await visit('a2', { '11T10:00': '/' }, { ...ada, session: 'a' });
      for (const [dimension, measure] of [
        ['path', 'sessions'],
        ['path', 'users'],
        ['entry', 'sessions'],
      ] as const) {
        const ask = async (): Promise<unknown> =>
          (await stats.top(dimension, { ...november, measure })).items;
        expect(await ask()).toEqual([{ value: '/', count: 1 }]);
        await host.dataSource
          .getRepository(DailyCount)
          .update({ metric: `${measure} by ${dimension}` }, { counts: null });
        expect(await ask()).toEqual([{ value: '/', count: 1 }]);
      }
    });

    it('reads the sets of days', async () => {
      await visit('a', { '10T10:00': '/' }, ada);
      await visit('b', { '11T10:00': '/' }, { user: { id: 'bob', name: 'Bob' } });
      const users = async (): Promise<unknown> =>
        (await stats.top('name', { ...november, measure: 'users' })).items;
      expect(await users()).toEqual([{ value: 'view', count: 2 }]);
      const days = host.dataSource.getRepository(DailyCount);
      const [day] = await keptOf('users by name');
      await days.update(
        { metric: 'users by name', startedAt: day?.startedAt },
        { counts: day?.counts?.replace('ada', 'bob') },
      );
      expect(await users()).toEqual([{ value: 'view', count: 1 }]);
      await host.rollup.rebuild();
      expect(await users()).toEqual([{ value: 'view', count: 2 }]);
    });

    it('keeps no set of a day whose activities retention has erased', async () => {
      await visit('a', { '10T10:00': '/' }, ada);
      await visit('b', { '21T10:00': '/' }, ada);
      await stats.overview(november);
      const state = host.dataSource.getRepository(RollupState);
      await state.update({ id: 1 }, { frozenUntil: new Date('2025-11-20T00:00Z') });
      try {
        for (const measure of ['users', 'sessions'] as const)
          await stats.top('path', { ...november, measure }).catch(() => undefined);
        const kept = [...(await keptOf('users by path')), ...(await keptOf('sessions by path'))];
        expect(kept.filter(({ startedAt }) => startedAt < new Date('2025-11-20T00:00Z'))).toEqual([]);
      } finally {
        await state.update({ id: 1 }, { frozenUntil: new Date(0) });
      }
    });

    it('keeps no set of a day with very many activities, and reads none for very many', async () => {
      await visit('a1', { '10T10:00': '/' }, { session: 'a' });
      await visit('a2', { '11T10:00': '/' }, { session: 'a' });
      await visit('a3', { '12T10:00': '/' }, { session: 'a' });
      const top = async (): Promise<unknown> =>
        (await stats.top('entry', { ...november, measure: 'sessions' })).items;
      const pretend = (day: number, activities: number): Promise<unknown> =>
        host.dataSource
          .getRepository(NameRollup)
          .update({ startedAt: new Date(Date.UTC(2025, 10, day, 10)) }, { activities });
      await stats.overview(november);
      await pretend(10, 300_001);
      expect(await top()).toEqual([{ value: '/', count: 1 }]);
      const kept = await keptOf('sessions by entry');
      expect(kept.map(({ counts }) => counts === null)).toEqual([true, false, false]);
      const days = host.dataSource.getRepository(DailyCount);
      await days.update({ metric: 'sessions by entry', counts: Not(IsNull()) }, { counts: 'not read' });
      for (const activities of [500_001, 10_000_001]) {
        await pretend(10, activities);
        expect(await top()).toEqual([{ value: '/', count: 1 }]);
      }
      await pretend(10, 1);
      await pretend(11, 10_000_001);
      expect(await top()).toEqual([{ value: '/', count: 1 }]);
    });
  });

  describe('of a property', () => {
    const plans = { ...november, property: 'plan' };
    const kept = (): Promise<DailyCount[]> => keptOf('property plan');

    it('keeps the values of days that are over from when it is asked, until the day changes', async () => {
      await visit('a', { '10T10:00': '/', '11T10:00': '/' }, { properties: { plan: 'pro' } });
      await visit('a', { '11T11:00': '/' }, { properties: { plan: 'team' }, name: 'bought' });
      await visit('bot', { '11T12:00': '/' }, { properties: { plan: 'pro' }, userAgent: GOOGLEBOT });
      await visit('b', { '12T10:00': '/' }, { properties: { seats: 3 } });
      expect((await stats.top('property', plans)).items).toEqual([
        { value: 'pro', count: 2 },
        { value: 'team', count: 1 },
      ]);
      expect((await kept()).slice(0, 3).map(({ counts }) => counts)).toEqual([
        '[["view","pro",1]]',
        '[["bought","team",1],["view","pro",1]]',
        '[]',
      ]);
      const days = (await kept()).length;
      await visit('late', { '11T10:30': '/' }, { properties: { plan: 'pro' } });
      await stats.overview(november);
      expect(await kept()).toHaveLength(days - 1);
      expect((await stats.top('property', { ...plans, name: 'view' })).items).toEqual([
        { value: 'pro', count: 3 },
      ]);
      expect((await stats.top('property', { ...plans, measure: 'views', name: 'bought' })).items).toEqual([]);
      expect(await kept()).toHaveLength(days);
      await host.activities.erase({ session: 'session-late' });
      expect((await stats.top('property', plans)).items).toEqual([
        { value: 'pro', count: 2 },
        { value: 'team', count: 1 },
      ]);
    });

    it('counts a part of a day of which a longer question has kept the whole', async () => {
      const properties = { plan: 'pro' };
      await visit(
        'a',
        { '10T10:00': '/', '10T12:00': '/', '11T10:00': '/', '11T12:00': '/' },
        { properties },
      );
      expect((await stats.top('property', plans)).items).toEqual([{ value: 'pro', count: 4 }]);
      expect((await kept()).length).toBeGreaterThanOrEqual(2);
      const countOf = async (from: string, to: string) =>
        (await stats.top('property', { ...plans, from: `2025-11-${from}Z`, to: `2025-11-${to}Z` })).items;
      expect(await countOf('10T00:00', '11T11:00')).toEqual([{ value: 'pro', count: 3 }]);
      expect(await countOf('10T11:00', '12T00:00')).toEqual([{ value: 'pro', count: 3 }]);
      expect(await countOf('10T11:00', '11T11:00')).toEqual([{ value: 'pro', count: 2 }]);
      expect(await countOf('10T11:00', '10T12:00')).toEqual([]);
    });

    it('tells the same to all who ask first', async () => {
      await visit('a', { '10T10:00': '/' }, { properties: { plan: 'pro' } });
      const answers = await Promise.all(Array.from({ length: 8 }, () => stats.top('property', plans)));
      for (const { items } of answers) expect(items).toEqual([{ value: 'pro', count: 1 }]);
    });

    it.each([
      ['too many values', 1001, ''],
      ['values that are too long', 30, 'x'.repeat(2500)],
    ])('looks at the activities of a day that has %s', async (_, length, rest) => {
      const seats = Array.from({ length }, (__, i) => ({
        date: '2025-11-10T10:00Z',
        path: '/',
        properties: { plan: `${i}${rest}` },
      }));
      await track(...seats, ...seats.slice(0, 1));
      for (let again = 0; again < 2; again++)
        expect((await stats.top('property', { ...plans, limit: 1 })).items).toEqual([
          { value: `0${rest}`, count: 2 },
        ]);
      expect((await kept())[0]?.counts).toBeNull();
    });

    it('finds wrong cached counts, and recomputes them', async () => {
      await visit('a', { '10T10:00': '/' }, { properties: { plan: 'pro' } });
      await stats.top('property', plans);
      const rollup = host.rollup;
      expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      await host.dataSource.getRepository(DailyCount).update({ metric: 'property plan' }, { counts: '[]' });
      expect(await rollup.check()).toEqual({ visits: 0, sums: 1, pages: 0 });
      await rollup.rebuild();
      expect(await rollup.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      expect((await stats.top('property', plans)).items).toEqual([{ value: 'pro', count: 1 }]);
    });
  });

  it('returns the retention by the week of the first visit', async () => {
    const [ada, jeff, old] = ['ada', 'jeff', 'old'].map((id) => ({ user: { id } }));
    await track({ date: '2025-10-20T10:00Z', path: '/', visit: 'before', ...old });
    await visit('a1', { '03T10:00': '/' }, ada);
    await visit('j1', { '09T10:00': '/' }, jeff);
    await visit('a2', { '11T10:00': '/' }, ada);
    await visit('o1', { '12T10:00': '/' }, old);
    await visit('j2', { '23T10:00': '/' }, jeff);
    expect(await stats.retention({ from: '2025-11-03T00:00Z', to: '2025-11-24T00:00Z' })).toEqual({
      asOf: expect.any(String),
      period: 'week',
      by: 'user',
      timeZone: 'UTC',
      cohorts: [
        { date: '2025-11-03T00:00:00.000Z', size: 2, returned: [2, 1, 1] },
        { date: '2025-11-10T00:00:00.000Z', size: 0, returned: [0, 0] },
        { date: '2025-11-17T00:00:00.000Z', size: 0, returned: [0] },
      ],
    });
  });

  it('tells who came back of sessions, by the month of the first visit that matches the filter', async () => {
    await track({ date: '2025-09-20T10:00Z', path: '/', visit: 'sep', session: 'ada' });
    await track({ date: '2025-10-31T23:59:59.999Z', path: '/pricing', visit: 'oct', session: 'ada' });
    await visit('nov', { '30T23:59:59.999': '/pricing' }, { session: 'ada' });
    await visit('first', { '01T00:00:00.000': '/pricing' }, { session: 'jeff' });
    await track({ date: '2025-12-01T00:00Z', path: '/pricing', visit: 'dec', session: 'jeff' });
    const range = { from: '2025-10-01T00:00Z', to: '2026-01-01T00:00Z' };
    const asked = { ...range, period: 'month', by: 'session' } as const;
    expect((await stats.retention({ ...asked, path: '/pricing' })).cohorts).toEqual([
      { date: '2025-10-01T00:00:00.000Z', size: 1, returned: [1, 1, 0] },
      { date: '2025-11-01T00:00:00.000Z', size: 1, returned: [1, 1] },
      { date: '2025-12-01T00:00:00.000Z', size: 0, returned: [0] },
    ]);
    // Ada's first visit of all was before the range.
    expect((await stats.retention(asked)).cohorts.map(({ size }) => size)).toEqual([0, 1, 0]);
    await host.activities.erase({ from: '2025-12-01T00:00Z' });
  });

  it('tells the ways of visits, from a path and to a path', async () => {
    await visit('a', { '01T10:00': '/', '01T10:01': '/', '01T10:02': '/pricing', '01T10:03': '/order' });
    await visit('b', { '02T10:00': '/blog', '02T10:01': '/', '02T10:02': '/pricing' });
    await visit('c', { '03T10:00': '/', '03T10:01': '/about' });
    expect(await stats.journeys({ ...november, start: '/', depth: 2, limit: 1 })).toEqual({
      asOf: expect.any(String),
      nodes: [
        { step: 0, path: '/', visits: 3 },
        { step: 1, path: '/pricing', visits: 2 },
        { step: 1, path: null, visits: 1 },
      ],
      links: [
        { step: 0, from: '/', to: '/pricing', visits: 2 },
        { step: 0, from: '/', to: null, visits: 1 },
      ],
    });
    expect(await stats.journeys({ ...november, end: '/pricing' })).toEqual({
      asOf: expect.any(String),
      nodes: [
        { step: -2, path: '/blog', visits: 1 },
        { step: -1, path: '/', visits: 2 },
        { step: 0, path: '/pricing', visits: 2 },
      ],
      links: [
        { step: -2, from: '/blog', to: '/', visits: 1 },
        { step: -1, from: '/', to: '/pricing', visits: 2 },
      ],
    });
  });

  it('returns current visitors, the latest first, at most 100', async () => {
    const now = Date.now();
    const visitors = Array.from({ length: 101 }, (_, i) => ({
      date: new Date(now - 1000 * (i + 1)),
      path: `/${i}`,
      session: `s${i}`,
      user: { id: 17 },
    }));
    await track(...visitors, { date: new Date(now - 600_000), path: '/gone', session: 'gone' });
    const live = await stats.live();
    expect(live).toMatchObject({ sessions: 101, users: 1, activities: 101 });
    expect(live.visitors.map(({ path }) => path)).toEqual(visitors.slice(0, 100).map(({ path }) => path));
    // The clock of a client may be ahead.
    await track({ date: new Date(now + 600_000), path: '/ahead', session: 'ahead' });
    const { sessions, visitors: latest } = await stats.live();
    expect([sessions, latest[0]?.path]).toEqual([102, '/ahead']);
  });

  it('has no next page after visits that fill the last one exactly', async () => {
    for (const day of ['01', '02', '03', '04']) await visit(day, { [`${day}T10:00`]: '/' });
    const page = async (after?: string) => {
      const { items, next } = await stats.visits({ ...november, order: 'asc', limit: 2, after });
      return { ids: items.map(({ id }) => id), next };
    };
    const first = await page();
    expect(first).toEqual({ ids: ['01', '02'], next: expect.any(String) });
    expect(await page(first.next ?? '')).toEqual({ ids: ['03', '04'], next: null });
  });

  it('shows a visit with its first 500 activities', async () => {
    const activities = Array.from({ length: 501 }, (_, i) => ({
      id: randomUUID(),
      date: new Date(Date.UTC(2025, 10, 1) + i),
      path: '/',
      visit: 'long',
    }));
    await track(...activities);
    const { items, next } = await stats.visits(november);
    expect(items).toMatchObject([{ id: 'long', session: null, count: 501, views: 501, duration: 0 }]);
    expect(items[0]?.activities.map(({ id }) => id)).toEqual(activities.slice(0, 500).map(({ id }) => id));
    expect(next).toBeNull();
  });

  it('answers for the last 30 days if no range is given', async () => {
    const before = Date.now();
    const { from, to } = await stats.overview({});
    expect(Date.parse(to)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(to)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(to) - Date.parse(from)).toBe(30 * 86_400_000);
  });

  it('gives up to 5,000 points of a series', async () => {
    const minutes = { from: '2025-11-01T00:00Z', to: new Date(Date.UTC(2025, 10, 1) + 5000 * 60_000) };
    expect((await stats.series('views', 'minute', minutes)).points).toHaveLength(5000);
  });

  it.each<[string, string, (asked: Untyped) => Promise<unknown>]>([
    ['an unknown time zone', 'timeZone', (asked) => asked.overview({ timeZone: 'Europe/Atlantis' })],
    [
      'a range that ends before it begins',
      'from',
      (asked) => asked.overview({ from: november.to, to: november.from }),
    ],
    ['a date that does not exist', 'from', (asked) => asked.overview({ from: '2025-02-30' })],
    ['an unknown property', 'userId', (asked) => asked.overview({ userId: '17' })],
    ['bots that are a text', 'bots', (asked) => asked.overview({ bots: 'yes' })],
    ['properties that are a text', 'properties', (asked) => asked.overview({ properties: 'plan' })],
    ['a path that is null', 'path', (asked) => asked.overview({ path: null })],
    ['an entry that is null', 'entry', (asked) => asked.overview({ entry: null })],
    ['an exit that is null', 'exit', (asked) => asked.overview({ exit: null })],
    ['a session that is null', 'session', (asked) => asked.overview({ session: null })],
    ['an empty user', 'user', (asked) => asked.overview({ user: '' })],
    ['an empty UTM source', 'utmSource', (asked) => asked.overview({ utmSource: '' })],
    ['an empty list of UTM campaigns', 'utmCampaign', (asked) => asked.overview({ utmCampaign: [] })],
    ['an empty browser', 'browser', (asked) => asked.overview({ browser: '' })],
    ['to compare to what is unknown', 'compareTo', (asked) => asked.overview({}, { compareTo: 'century' })],
    ['an unknown measure', 'measure', (asked) => asked.series('clicks', 'day', {})],
    ['an unknown interval', 'interval', (asked) => asked.series('visits', 'decade', {})],
    ['more than 5,000 points', 'interval', (asked) => asked.series('visits', 'minute', november)],
    ['an unknown dimension', 'dimension', (asked) => asked.top('colour', {})],
    ['a measure that top does not have', 'measure', (asked) => asked.top('path', { measure: 'bounceRate' })],
    ['a limit of 0', 'limit', (asked) => asked.top('path', { limit: 0 })],
    ['a limit of 1,001', 'limit', (asked) => asked.top('path', { limit: 1001 })],
    ['a dimension of properties without the property', 'property', (asked) => asked.top('property', {})],
    ['a property with NUL', 'property', (asked) => asked.top('property', { property: 'a\0' })],
    ['no minutes', 'minutes', (asked) => asked.live({ minutes: 0 })],
    ['more than a day of minutes', 'minutes', (asked) => asked.live({ minutes: 1441 })],
    ['a range of what is live', 'from', (asked) => asked.live({ from: november.from })],
    ['a funnel without steps', 'steps', (asked) => asked.funnel([], {})],
    ['a step without anything', 'steps.1', (asked) => asked.funnel([{ path: '/' }, {}], {})],
    ['a step of a user', 'steps.0', (asked) => asked.funnel([{ user: '17' }], {})],
    ['a funnel within no time', 'within', (asked) => asked.funnel([{ path: '/' }], { within: 0 })],
    ['an unknown period', 'period', (asked) => asked.retention({ period: 'year' })],
    ['to retain by what is unknown', 'by', (asked) => asked.retention({ by: 'visit' })],
    ['both a start and an end', 'end', (asked) => asked.journeys({ start: '/', end: '/' })],
    ['a depth of 1', 'depth', (asked) => asked.journeys({ depth: 1 })],
    ['a depth of 9', 'depth', (asked) => asked.journeys({ depth: 9 })],
    ['51 paths of each step', 'limit', (asked) => asked.journeys({ limit: 51 })],
    ['101 visits at once', 'limit', (asked) => asked.visits({ limit: 101 })],
    ['an order of SQL', 'order', (asked) => asked.visits({ order: 'DESC; --' })],
    ['an after that no page had', 'after', (asked) => asked.visits({ after: 'abc' })],
  ])('refuses %s', async (_, property, wrong) => {
    const error: unknown = await wrong(stats as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidFilterError);
    expect((error as InvalidFilterError).property).toBe(property);
    expect((error as InvalidFilterError).message).toMatch(new RegExp(`^${property}\\b`));
  });
});
