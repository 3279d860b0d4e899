import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ActivityStats, type AsOf } from '../../lib/index.js';
import { ADAPTERS, type Host, startHost } from '../support/host.js';

@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return (
      context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>().headers['x-admin'] === 'yes'
    );
  }
}

const RANGE = 'from=2026-02-01T00:00Z&to=2026-02-08T00:00Z&timeZone=Europe/Berlin';
const QUESTION = { from: '2026-02-01T00:00Z', to: '2026-02-08T00:00Z', timeZone: 'Europe/Berlin' };

describe.each(ADAPTERS)('GET /djaffar/stats/… on %s', (adapter) => {
  let host: Host;
  let stats: ActivityStats;

  beforeAll(async () => {
    host = await startHost({ adapter, djaffar: { api: { guards: [AdminGuard] } } });
    stats = host.app.get(ActivityStats, { strict: false });
    const visit = { session: 'a', visit: 'v' };
    await host.activities.track({
      ...visit,
      date: '2026-02-03T10:00Z',
      path: '/',
      referer: 'https://example.org/',
    });
    await host.activities.track({ ...visit, date: '2026-02-03T10:05Z', path: '/pricing', user: { id: 17 } });
    await host.activities.track({
      ...visit,
      date: '2026-02-03T10:07Z',
      path: '/pricing',
      name: 'bought',
      properties: { plan: 'pro', price: 9.5 },
    });
  });

  afterAll(() => host.close());

  const get = (path: string, admin = 'yes'): Promise<Response> =>
    host.fetch(`/djaffar/stats/${path}`, { headers: { 'X-Admin': admin } });

  it.each<[path: string, expected: () => Promise<AsOf>]>([
    [`overview?${RANGE}&compareTo=previous`, () => stats.overview(QUESTION, { compareTo: 'previous' })],
    [
      `overview?${RANGE}&compareTo=2026-01-01T00:00Z/2026-01-02T00:00Z`,
      () => stats.overview(QUESTION, { compareTo: { from: '2026-01-01T00:00Z', to: '2026-01-02T00:00Z' } }),
    ],
    [
      `overview?${RANGE}&entry=/*&exit=/pricing&referrer=example.org&utmSource=&utmMedium=&utmCampaign=&browser=`,
      () => stats.overview({ ...QUESTION, browser: null }),
    ],
    [
      'series?from=2026-02-03&to=2026-02-03&timeZone=America/New_York&measure=views&interval=hour',
      () =>
        stats.series('views', 'hour', {
          from: '2026-02-03T05:00Z',
          to: '2026-02-04T05:00Z',
          timeZone: 'America/New_York',
        }),
    ],
    [
      `measure?${RANGE}&measure=sum(price)&name=bought`,
      () => stats.sum('price', { ...QUESTION, name: 'bought' }),
    ],
    [`series?${RANGE}&measure=p50(price)&interval=day`, () => stats.series('p50(price)', 'day', QUESTION)],
    [
      `top?${RANGE}&dimension=referrer&measure=avg(price)&limit=1`,
      () => stats.top('referrer', { ...QUESTION, measure: 'avg(price)' }),
    ],
    [`series?${RANGE}&measure=views&interval=day`, () => stats.series('views', 'day', QUESTION)],
    [
      `top?${RANGE}&dimension=path&limit=1&bots=true`,
      () => stats.top('path', { ...QUESTION, limit: 1, bots: true }),
    ],
    [
      `top?${RANGE}&dimension=property&property=plan&properties=${encodeURIComponent('{"plan":"pro"}')}`,
      () => stats.top('property', { ...QUESTION, property: 'plan' }),
    ],
    [
      `funnel?${RANGE}&within=3600000&steps=${encodeURIComponent('[{"path":"/"},{"name":"bought"}]')}`,
      () => stats.funnel([{ path: '/' }, { name: 'bought' }], QUESTION),
    ],
    [
      `retention?${RANGE}&period=day&by=session`,
      () => stats.retention({ ...QUESTION, period: 'day', by: 'session' }),
    ],
    [`journeys?${RANGE}&start=/&depth=2`, () => stats.journeys({ ...QUESTION, start: '/', depth: 2 })],
    [`visits?${RANGE}&limit=1&order=asc`, () => stats.visits({ ...QUESTION, limit: 1, order: 'asc' })],
  ])('answers %s as ActivityStats does', async (path, expected) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    // The other is asked a moment later.
    const { asOf, ...body } = (await response.json()) as AsOf;
    const { asOf: later, ...same } = await expected();
    expect(body).toEqual(JSON.parse(JSON.stringify(same)));
    expect(Date.parse(later) - Date.parse(asOf)).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(body)).toMatch(/pricing|pro|[1-9]/);
  });

  it('lists current visitors', async () => {
    await host.activities.track({ session: 'b', visit: 'now', path: '/here' });
    const response = await get('live?minutes=5');
    expect(await response.json()).toMatchObject({ sessions: 1, visitors: [{ session: 'b', path: '/here' }] });
  });

  it.each([
    ['overview?timeZone=Mars/Olympus', 'timeZone'],
    ['overview?from=yesterday', 'from'],
    ['overview?compareTo=never', 'compareTo'],
    ['overview?compareTo=never/ever', 'compareTo'],
    ['overview?compareTo=2026-01-02T00:00Z/2026-01-01T00:00Z', 'from'],
    ['overview?color=red', 'color'],
    ['overview?path=', 'path'],
    ['overview?entry=', 'entry'],
    ['overview?referrer=a&referrer=b', 'referrer'],
    ['series?interval=day', 'measure'],
    ['series?measure=views&interval=minute&from=2025-01-01T00:00Z', 'interval'],
    ['retention?period=day&from=1970-01-01T00:00Z', 'period'],
    ['series?measure=sum&interval=day', 'measure'],
    ['measure?measure=visits', 'measure'],
    ['measure?measure=p101(price)', 'measure'],
    ['top?dimension=path&measure=bounceRate', 'measure'],
    ['top?dimension=shoe', 'dimension'],
    ['top?dimension=path&limit=0', 'limit'],
    ['top?dimension=property', 'property'],
    ['top?dimension=path&properties=plan', 'properties'],
    ['funnel?steps=none', 'steps'],
    ['funnel?steps=[{}]', 'steps.0'],
    ['funnel?steps=[null]', 'steps'],
    ['visits?after=there', 'after'],
    ['overview?constructor=x', 'constructor'],
    ['overview?__proto__=x', '__proto__'],
  ])('answers 400 to %s, and names %s', async (path, property) => {
    const response = await get(path);
    expect(response.status).toBe(400);
    const sentences: unknown = expect.arrayContaining([expect.stringContaining(property)]);
    expect(await response.json()).toEqual({
      statusCode: 400,
      error: 'Bad Request',
      message: sentences,
      errors: { [property]: sentences },
    });
  });

  it('takes an empty parameter for none', async () => {
    await host.activities.track({ date: '2026-01-03T10:00Z', path: '/here', visit: 'w' });
    const range = 'from=2026-01-01T00:00Z&to=2026-02-08T00:00Z&order=asc';
    const visitsOf = async (parameter: string): Promise<unknown> =>
      (await get(`visits?${range}&${parameter}=`)).json();
    for (const parameter of ['user', 'referrer'])
      expect(await visitsOf(parameter)).toMatchObject({ items: [{ id: 'w' }] });
    for (const parameter of ['system', 'device', 'country', 'language', 'utmSource'])
      expect(await visitsOf(parameter)).toMatchObject({ items: [{ id: 'w' }, { id: 'v' }] });
    expect((await host.fetch('/djaffar/activities?user=', { headers: { 'X-Admin': 'yes' } })).status).toBe(
      400,
    );
  });

  it('is for those whom the guards let in', async () => {
    for (const path of [
      'overview',
      'series?measure=views&interval=day',
      'top?dimension=path',
      'live',
      'visits',
    ])
      expect((await get(path, 'no')).status).toBe(403);
  });
});

describe('a fault of the code', () => {
  it('is no trouble of the database: it is 500, and asked for again in vain', async () => {
    const host = await startHost({ adapter: 'fastify', djaffar: { api: { guards: [AdminGuard] } } });
    // Not by `host.fetch`, which takes only answers that the OpenAPI document describes.
    const asked = (): Promise<Response> =>
      fetch(`${host.url}/djaffar/activities`, { headers: { 'X-Admin': 'yes' } });
    try {
      jest.spyOn(host.activities.scoped({}), 'find').mockRejectedValueOnce(new Error('a fault'));
      const { status, headers } = await asked();
      expect([status, headers.get('Retry-After')]).toEqual([500, null]);
      expect((await asked()).status).toBe(200);
    } finally {
      await host.close();
    }
  });
});
