import { readFileSync } from 'node:fs';
import { matcherOf } from '../../lib/activity/activity-pattern.js';
import { type ActivityFilter, ActivityStats, InvalidFilterError } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

class Anybody {
  canActivate(): boolean {
    return true;
  }
}

/** The examples of a page that ask something, as they are there. */
function examplesIn(page: string): string[] {
  const blocks = [...readFileSync(`docs/${page}`, 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = '']) => code,
  );
  return blocks.filter((code) => /^(const november|await (activities|stats)\.)/.test(code));
}

describe.each(FOUND)('lists and conditions of filters on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database, djaffar: { api: { guards: [Anybody] } } });
  });

  beforeEach(async () => {
    const visit = { date: '2026-11-03T10:00Z', session: 's', visit: 'v' };
    for (const [path, name, properties, user] of [
      ['/', 'view', undefined, undefined],
      ['/cart', 'order.paid', { plan: 'pro', total: 100 }, { id: 17 }],
      ['/cart', 'order.paid', { plan: 'free', total: 99.99 }, { id: 17 }],
      ['/cart', 'order.draft', { plan: 'team', total: '500' }, { id: 18 }],
      ['/admin/a', 'view', { total: true }, undefined],
    ] as const)
      await host.activities.track({ ...visit, path, name, properties, user });
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));
  afterAll(() => host.close());

  it.each<[ActivityFilter, number]>([
    [{ name: ['order.paid', 'order.draft'] }, 3],
    [{ name: { startsWith: 'order.' } }, 3],
    [{ name: { startsWith: 'order.', not: 'order.draft' } }, 2],
    [{ path: { not: '/admin*' } }, 4],
    [{ path: ['/', '/admin*'] }, 2],
    [{ user: { not: '17' } }, 3],
    [{ properties: { plan: ['pro', 'team'] } }, 2],
    [{ properties: { plan: { not: 'free' } } }, 4],
    [{ properties: { plan: { startsWith: 'p' } } }, 1],
    [{ properties: { total: { gte: 99.99 } } }, 2],
    [{ properties: { total: { gte: 99.991 } } }, 1],
    [{ properties: { total: { gte: 0, lte: 99.99 } } }, 1],
    [{ properties: { total: 500 } }, 1],
    [{ properties: { total: 100, plan: 'pro' } }, 1],
    [{ name: 'order.paid', properties: { total: { lte: 1000 }, plan: { not: ['free', 'team'] } } }, 1],
  ])('find(%j) has %i, and so has a subscription', async (filter, count) => {
    const { items } = await host.activities.find(filter);
    expect(items).toHaveLength(count);
    const matches = matcherOf(filter);
    expect((await host.activities.find()).items.filter(matches)).toEqual(items);
    expect(await host.activities.count(filter)).toBe(count);
    const query = new URLSearchParams({ filter: JSON.stringify(filter) });
    const response = await host.fetch(`/djaffar/activities?${query.toString()}`);
    expect(await response.json()).toMatchObject({ items: Array.from({ length: count }, () => ({})) });
  });

  it.each([0.000_01, 1e-7, 1.5e-9, 99_999_999_999_999.98, 123_456_789_012_345.6, 99_999_999.999_999_9, -0.1])(
    'find the number %d as it was tracked, also as a text and by its beginning',
    async (rate) => {
      await host.activities.track({ path: '/', properties: { rate }, session: 'r', visit: 'r' });
      const count = (given: NonNullable<ActivityFilter['properties']>[string]): Promise<number> =>
        host.activities.count({ properties: { rate: given } });
      expect(await count(rate)).toBe(1);
      expect(await count(String(rate))).toBe(1);
      expect(await count([rate, 'another'])).toBe(1);
      expect(await count({ not: rate })).toBe(5);
      expect(await count({ startsWith: String(rate).slice(0, 4) })).toBe(1);
      expect(await count({ gte: rate, lte: rate })).toBe(1);
      const stats = host.app.get(ActivityStats, { strict: false });
      const { items } = await stats.top('property', {
        property: 'rate',
        from: new Date(0),
        to: '2100-01-01T00:00Z',
      });
      expect(items.map(({ value }) => value)).toEqual([String(rate)]);
    },
  );

  it('erases by them, with what the users did before they logged in, and nothing else', async () => {
    expect(await host.activities.erase({ user: ['17', '19'], properties: { plan: { not: 'pro' } } })).toBe(3);
    expect(await host.activities.count({})).toBe(2);
    expect(await host.activities.erase({ properties: { total: { gte: 100 } } })).toBe(1);
    expect(await host.activities.count({})).toBe(1);
  });

  it('refuses what it does not understand', async () => {
    const wrong: [object, string][] = [
      [{ name: [] }, 'name'],
      [{ name: {} }, 'name'],
      [{ name: { gte: 1 } }, 'name'],
      [{ name: { not: [''] } }, 'name'],
      [{ properties: { total: { gte: '1' } } }, 'properties.total.gte'],
      [{ properties: { total: { gte: Number.NaN } } }, 'properties.total.gte'],
      [{ properties: { total: { above: 1 } } }, 'properties.total'],
      [{ properties: { total: [{}] } }, 'properties.total'],
      [{ properties: [] }, 'properties'],
      [{ user: Array.from({ length: 101 }, String) }, 'user'],
    ];
    for (const [filter, property] of wrong) {
      const failed = host.activities.count(filter);
      await expect(failed).rejects.toThrow(InvalidFilterError);
      await expect(failed).rejects.toMatchObject({ property });
    }
    await expect(host.activities.erase({ properties: {} })).rejects.toThrow('must not be empty');
    await expect(host.activities.erase({ properties: { a: { gte: 1, lte: undefined } } })).rejects.toThrow(
      'properties.a.lte must not be undefined',
    );
    for (const query of [
      'filter={"limit":5}',
      'filter={"name":"a"}&name=a',
      'filter=[]',
      'filter={"name":{}}',
    ])
      expect((await host.fetch(`/djaffar/activities?${query}`)).status).toBe(400);
    expect((await host.fetch('/djaffar/stats/top?dimension=path&filter={"limit":5}')).status).toBe(400);
  });

  it.each([...examplesIn('reading.md'), ...examplesIn('statistics.md')])(
    'runs the example %s',
    async (code) => {
      // oxlint-disable-next-line typescript/no-implied-eval, typescript/no-unsafe-type-assertion -- the documentation is ours
      const run = new Function('activities', 'stats', `return (async () => { ${code} })()`) as (
        ...services: unknown[]
      ) => Promise<void>;
      await expect(
        run(host.activities, host.app.get(ActivityStats, { strict: false })),
      ).resolves.toBeUndefined();
    },
  );
});
