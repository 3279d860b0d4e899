import { type CanActivate, type ExecutionContext, ForbiddenException } from '@nestjs/common';
import {
  type ActivityScope,
  ActivityService,
  ActivityStats,
  type PersonalRecord,
  type ServerActivity,
  type StatisticsFilter,
} from '../../lib/index.js';
import { parseScope, scopeKey } from '../../lib/activity/activity-scope.js';
import { FOUND, STORES } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

const MINUTE = 60_000;
const start = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 3 * 86_400_000;

type Tenant = 'aaaa' | 'bbbb';

interface TenantRequest {
  headers: Record<string, string | undefined>;
}

class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (!context.switchToHttp().getRequest<TenantRequest>().headers['x-tenant'])
      throw new ForbiddenException();
    return true;
  }
}

/** Its own user, and one that both have, but whom each calls by another name. */
const scope = ({ headers }: TenantRequest): { properties: { tenant: string } } => ({
  properties: { tenant: headers['x-tenant'] ?? '' },
});

/** Numbers that look random and are the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** Whatever it says has the tenant's mark in it, but for what both have in common. */
function activityOf(
  tenant: Tenant,
  n: number,
  random: (below: number) => number,
  visit: string,
): ServerActivity {
  const who = random(3);
  const id = who === 0 ? 'both' : `${tenant}-user-${who}`;
  return {
    id: `00000000-0000-4000-8000-${tenant}${String(n).padStart(8, '0')}`,
    date: new Date(start + n * MINUTE),
    path: random(3) === 0 ? '/shared' : `/${tenant}-path-${random(4)}?utm_source=${tenant}-utm`,
    name: ['view', 'view', `${tenant}-name`, 'bought'][random(4)] ?? 'view',
    referer: `https://${tenant}-referrer.example/`,
    route: `/${tenant}-route/:id`,
    subject: [`${tenant}-subject`, random(3)],
    properties: { tenant, detail: `${tenant}-detail-${random(3)}`, plan: 'pro' },
    group: { type: 'shop', id: tenant, name: `${tenant}-shop` },
    user: { id, name: `${tenant} calls ${id} so` },
    session: random(4) === 0 ? 'shared-session' : `${tenant}-session-${random(3)}`,
    visit,
    ip: tenant === 'aaaa' ? '192.0.2.1' : '198.51.100.99',
  };
}

const SCOPES: [string, (request: TenantRequest) => ActivityScope][] = [
  ['a property', scope],
  ['a group', ({ headers }) => ({ group: ['shop', headers['x-tenant'] ?? ''] })],
];

const CASES = FOUND.flatMap((database) => SCOPES.map(([by, ofTenant]) => ({ database, by, ofTenant })));

describe.each(CASES)('with a scope by $by, a tenant on $database', ({ database, ofTenant }) => {
  let host: Host;
  let random: (below: number) => number;
  let tracked = 0;

  beforeAll(async () => {
    host = await startHost({
      adapter: database === 'postgres' ? 'fastify' : 'express',
      database,
      djaffar: {
        api: { guards: [TenantGuard], scope: ofTenant },
        dashboard: { guards: [TenantGuard], scope: ofTenant },
      },
    });
  });

  beforeEach(() => {
    random = numbers(42);
    tracked = 0;
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));

  afterAll(() => host.close());

  async function fill(tenant: Tenant, visits: number): Promise<void> {
    const stored: Promise<void>[] = [];
    for (let i = 0; i < visits; i++)
      for (let j = 0; j <= random(4); j++)
        stored.push(host.activities.track(activityOf(tenant, tracked++, random, `${tenant}-v${i}`)));
    await Promise.all(stored);
  }

  /** Visits in which somebody went from one tenant to the other. */
  async function mix(visits: number): Promise<void> {
    const stored: Promise<void>[] = [];
    for (let i = 0; i < visits; i++)
      for (const tenant of ['aaaa', 'bbbb', 'aaaa'] as const)
        stored.push(host.activities.track(activityOf(tenant, tracked++, random, `mixed${i}`)));
    await Promise.all(stored);
  }

  async function ask(tenant: Tenant, path: string, init: RequestInit = {}): Promise<string> {
    const response = await host.fetch(path, { ...init, headers: { 'X-Tenant': tenant, ...init.headers } });
    return `${response.status} ${await response.text()}`;
  }

  const range = `from=${new Date(start - 1).toISOString()}&to=2100-01-01`;

  /** Every route that reads, with a filter. */
  function routes(filter: string): string[] {
    const question = `${range}&${filter}`;
    const dimensions = 'path entry exit referrer name utmSource browser user group'.split(' ');
    const reads = [
      `activities?limit=1000&${filter}`,
      ...['csv', 'ndjson', 'json'].map((format) => `activities/export?format=${format}&${filter}`),
      `stats/overview?${question}&compareTo=previous`,
      ...['users', 'sessions', 'visits', 'activities', 'views', 'bounceRate', 'visitDuration'].map(
        (measure) => `stats/series?measure=${measure}&interval=day&${question}`,
      ),
      ...dimensions.flatMap((dimension) => [
        `stats/top?dimension=${dimension}&limit=50&${question}`,
        `stats/top?dimension=${dimension}&search=b&limit=50&${question}`,
        `stats/top?dimension=${dimension}&measure=users&limit=50&${question}`,
      ]),
      `stats/top?dimension=property&property=detail&${question}`,
      `stats/live?minutes=1440&${filter}`,
      `stats/funnel?steps=${encodeURIComponent('[{"path":"/shared"},{"name":"bought"}]')}&${question}`,
      `stats/retention?period=day&by=user&${question}`,
      `stats/retention?period=day&by=session&${question}`,
      `stats/journeys?${question}`,
      `stats/journeys?start=/shared&${question}`,
      `stats/visits?limit=100&${question}`,
    ];
    return reads.flatMap((path) => [`/djaffar/${path}`, `/djaffar/dashboard/data/${path}`]);
  }

  /** What somebody tries who knows of the other tenant. */
  const FILTERS = [
    '',
    'user=both',
    'user=bbbb-user-1',
    'path=/bbbb*',
    'path=/shared',
    'name=bought',
    'session=shared-session',
    'session=bbbb-session-1',
    'visit=bbbb-v1',
    'visit=mixed0',
    'ip=198.51.100.99',
    'group=shop:bbbb',
    `properties=${encodeURIComponent('{"tenant":"bbbb"}')}`,
    'bots=true',
  ];

  /** Those that a route does not know are refused. */
  const refused = /^400 /;

  it('never sees anything of another one, whatever is asked', async () => {
    await fill('aaaa', 12);
    await fill('bbbb', 12);
    await mix(4);
    let answered = 0;
    for (const filter of FILTERS) {
      // All without a filter, and with each filter some that look random.
      for (const path of routes(filter).filter(() => filter === '' || random(8) === 0)) {
        const answer = await ask('aaaa', path);
        if (refused.test(answer)) continue;
        expect(`${path} ${answer.slice(0, 4)}`).toBe(`${path} 200 `);
        expect(answer.replaceAll(/"(path|start)":"\/bbbb\*"/g, '')).not.toMatch(/bbbb|198\.51\.100\.99/);
        answered += 1;
      }
    }
    expect(answered).toBeGreaterThan(FILTERS.length * 8);
    const ofB = '00000000-0000-4000-8000-bbbb00000099';
    const known = (await host.stored()).find(({ id }) => id.includes('bbbb'))?.id ?? ofB;
    expect(await ask('aaaa', `/djaffar/activities/export?format=csv&after=${known}`)).toMatch(refused);
    expect(await ask('bbbb', `/djaffar/activities/export?format=csv&after=${known}`)).toMatch(/^200 /);
  });

  it('gets the same answers whatever others do', async () => {
    await fill('aaaa', 12);
    const answers = async (): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      for (const filter of ['', 'user=both'])
        for (const path of routes(filter).filter((route) => !route.includes('/dashboard/')))
          found.set(path, (await ask('aaaa', path)).replace(/"(asOf|since)":"[^"]*"/g, ''));
      return found;
    };
    const to = encodeURIComponent(new Date().toISOString());
    const fixed = (path: string): string => path.replace('to=2100-01-01', `to=${to}`);
    const before = new Map([...(await answers())].map(([path, answer]) => [fixed(path), answer]));
    await fill('bbbb', 20);
    const after = new Map([...(await answers())].map(([path, answer]) => [fixed(path), answer]));
    for (const [path, answer] of before) expect(`${path} ${after.get(path)}`).toBe(`${path} ${answer}`);
    expect(await ask('bbbb', `/djaffar/stats/overview?${range}`)).toMatch(/"visits":{"value":20}/);
  });

  it('erases nothing of another one, and follows only its own activities live', async () => {
    await fill('aaaa', 5);
    await fill('bbbb', 5);
    await mix(3);
    const own = await ask('bbbb', '/djaffar/activities?limit=1000');
    const same = { 'Sec-Fetch-Site': 'same-origin' };
    const erase = (filter: string): Promise<string> =>
      ask('aaaa', `/djaffar/dashboard/data/activities?${filter}`, { method: 'DELETE', headers: same });
    expect(await erase('user=bbbb-user-1')).toBe('200 {"erased":0}');
    expect(await erase('')).toMatch(refused);
    expect(await watch('aaaa')).not.toContain('bbbb');
    expect(await watch('aaaa')).toContain('aaaa');
    expect(await erase('from=2020-01-01')).toMatch(/^200 {"erased":[1-9]/);
    expect(await ask('bbbb', '/djaffar/activities?limit=1000')).toBe(own);
    expect(await ask('aaaa', '/djaffar/activities')).toBe('200 {"items":[],"next":null}');
    expect(await ask('aaaa', '/djaffar/dashboard/data/about')).toMatch(/"since":null/);
  });

  /** What the stream begins with. */
  async function watch(tenant: Tenant): Promise<string> {
    const stop = new AbortController();
    const response = await fetch(`${host.url}/djaffar/dashboard/data/stream`, {
      headers: { 'X-Tenant': tenant },
      signal: stop.signal,
    });
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('event: activities')) break;
      }
    } finally {
      stop.abort();
    }
    return text;
  }

  it('may be two scopes in code, and anonymises only in its own', async () => {
    await fill('aaaa', 5);
    await fill('bbbb', 5);
    const activities = host.app
      .get(ActivityService, { strict: false })
      .scoped({ properties: { tenant: 'bbbb' } });
    const stats = host.app.get(ActivityStats, { strict: false }).scoped({ properties: { tenant: 'bbbb' } });
    expect(await activities.count()).toBe(await host.activities.count({ ip: '198.51.100.99' }));
    expect(await activities.scoped({ path: '/aaaa*' }).count()).toBe(0);
    expect(await activities.scoped({ path: '/shared' }).count()).toBe(
      await activities.count({ path: '/shared' }),
    );
    expect(
      (await stats.scoped({ path: '/aaaa*' }).overview({ from: new Date(start - 1) })).visits.value,
    ).toBe(0);
    const anonymous = await activities.anonymise({ from: '2020-01-01' });
    expect(anonymous).toBe(await activities.count());
    expect(
      (await host.stored()).every(
        ({ userId, properties }) => (userId === null) === (properties?.tenant === 'bbbb'),
      ),
    ).toBe(true);
    expect(() => activities.scoped({ path: undefined })).toThrow('scope.path must not be undefined');
    const tenants = new Set<unknown>();
    for await (const { kind, data } of activities.export({ path: '/*' }))
      if (kind === 'activity') tenants.add(data.properties?.tenant);
    expect([...tenants]).toEqual(['bbbb']);
  });
});

/** What one shop may learn of a visit that went on in another one, where the visitor logged in. */
describe.each(STORES)('in a scope on %s, a visit that went on elsewhere', (name) => {
  const ofA = { properties: { shop: 'a' } };
  const from = new Date(start - 1);
  let database: StoreDatabase;
  let host: StoreHost;
  let stats: ActivityStats;

  beforeAll(async () => {
    database = await createStore(name);
    host = await database.start();
    stats = host.stats.scoped(ofA);
  });

  beforeEach(async () => {
    await visit('mixed', ['a', 'b'], { referer: 'https://secret.example/' });
    await visit('own', ['a', 'a'], { referer: 'https://own.example/' });
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));

  afterAll(async () => {
    await host?.close();
    await database?.drop();
  });

  /** Whoever visits shop b logs in there. */
  async function visit(id: string, shops: ('a' | 'b')[], { referer }: { referer: string }): Promise<void> {
    for (const [n, shop] of shops.entries())
      await host.activities.track({
        date: new Date(start + n * MINUTE),
        path: `/${shop}/${id}${n}${n === 0 ? `?utm_source=${id}-utm` : ''}`,
        ...(n === 0 && { referer }),
        properties: { shop },
        session: `${id}-session`,
        visit: id,
        ...(shop === 'b' && { user: { id: 'bob' } }),
      });
  }

  it.each([
    [{ exit: '/b/mixed1' }, { exit: '/b/x*' }],
    [{ exit: '/b/*' }, { exit: '/b/x*' }],
    [{ entry: '/a/mixed0' }, { entry: '/a/x*' }],
    [{ referrer: 'secret.example' }, { referrer: 'x.example' }],
    [{ utmSource: 'mixed-utm' }, { utmSource: 'x' }],
  ])('is not found by %j', async (right, wrong) => {
    expect(await readStatistics(right)).toEqual(await readStatistics(wrong));
  });

  it.each([
    [{ exit: '/a/own1' }],
    [{ entry: '/a/own*' }],
    [{ referrer: 'own.example' }],
    [{ utmSource: 'own-utm' }],
  ])('is left out, and one that did not is found by %j', async (filter) => {
    const { measures, paths } = await readStatistics(filter);
    expect(measures).toEqual({ views: 2, activities: 2, visits: 1 });
    expect(paths).toEqual(['/a/own0', '/a/own1']);
  });

  it('is one without a user, as it is one here', async () => {
    expect((await readStatistics({ user: null })).measures).toEqual({ views: 3, activities: 3, visits: 1 });
    // Whoever logs in during a visit was the visitor all along.
    await host.activities.track({
      date: new Date(start + 5 * MINUTE),
      path: '/a/login',
      properties: { shop: 'a' },
      session: 'own-session',
      visit: 'own',
      user: { id: 'eve' },
    });
    expect((await readStatistics({ user: null })).measures).toEqual({ views: 1, activities: 1, visits: 0 });
  });

  async function readStatistics(
    filter: StatisticsFilter,
  ): Promise<{ measures: Record<string, number | null>; paths: string[] }> {
    const { views, activities, visits } = await stats.overview({ ...filter, from });
    const { items } = await stats.top('path', { ...filter, from });
    return {
      measures: { views: views.value, activities: activities.value, visits: visits.value },
      paths: items.map(({ value }) => String(value)).toSorted(),
    };
  }

  it('leaves its session beginning with what was done here', async () => {
    await host.activities.track({
      date: new Date(start + 90 * MINUTE),
      path: '/a/later',
      properties: { shop: 'a' },
      session: 'elsewhere-first',
      visit: 'here',
    });
    await host.activities.track({
      date: new Date(start - 90 * MINUTE),
      path: '/b/first',
      properties: { shop: 'b' },
      session: 'elsewhere-first',
      visit: 'there',
    });
    const here = start + 90 * MINUTE;
    const activities = host.activities.scoped(ofA);
    const startOf = (found: { session: { startedAt: Date } | null } | undefined): number | undefined =>
      found?.session?.startedAt.getTime();
    expect(startOf((await activities.find({ path: '/a/later' })).items[0])).toBe(here);
    for await (const activity of activities.stream({ path: '/a/later' }))
      expect(startOf(activity)).toBe(here);
    expect(startOf((await stats.visits({ from, visit: 'here' })).items[0])).toBe(here);
    const { activities: received } = await activities.findReceived(60_000, 100);
    expect(startOf(received.find(({ path }) => path === '/a/later'))).toBe(here);
  });

  it('is not erased as one of its user', async () => {
    const activities = host.activities.scoped(ofA);
    expect(await activities.countToErase({ user: 'bob' })).toBe(0);
    expect(await activities.erase({ user: 'bob' })).toBe(0);
    expect(await host.stored()).toHaveLength(4);
  });

  it('is not exported as one of its user', async () => {
    const exported: PersonalRecord[] = [];
    for await (const record of host.activities.scoped(ofA).export({ user: 'bob' })) exported.push(record);
    expect(exported).toEqual([]);
  });

  it('is not in an export, only its activities here', async () => {
    await stats.overview({ from });
    const visits: string[] = [];
    const paths: string[] = [];
    const starts = new Map<string, number>();
    for await (const { kind, data } of host.activities.scoped(ofA).export({ path: '/*' })) {
      if (kind === 'session') starts.set(data.id, data.startedAt.getTime());
      if (kind === 'visit') visits.push(data.id);
      if (kind === 'activity') paths.push(data.path.replace(/\?.*/, ''));
    }
    expect(visits).toEqual(['own']);
    expect(starts).toEqual(
      new Map([
        ['mixed-session', start],
        ['own-session', start],
      ]),
    );
    expect(paths.toSorted()).toEqual(['/a/mixed0', '/a/own0', '/a/own1']);
  });

  it('is not anonymised as one of its user', async () => {
    expect(await host.activities.scoped(ofA).anonymise({ user: 'bob' })).toBe(0);
  });
});

describe('a scope', () => {
  it.each([
    ['is undefined', () => undefined],
    ['has an undefined property', () => ({ path: undefined })],
    ['has an undefined value', () => ({ properties: { tenant: undefined } })],
    ['has no properties', () => ({ properties: {} })],
    ['has an unknown property', () => ({ tenant: 17 })],
  ])('is refused with 403 if it %s', async (_, wrong) => {
    const host = await startHost({
      adapter: 'express',
      djaffar: {
        api: { guards: [TenantGuard], scope: wrong as unknown as () => object },
        dashboard: { guards: [TenantGuard], scope: () => ({}) },
      },
    });
    try {
      await host.activities.track({ path: '/' });
      const headers = { 'X-Tenant': 'aaaa' };
      expect((await host.fetch('/djaffar/activities', { headers })).status).toBe(403);
      expect((await host.fetch('/djaffar/stats/overview', { headers })).status).toBe(403);
      const all = await host.fetch('/djaffar/dashboard/data/activities', { headers });
      expect(await all.json()).toMatchObject({ items: [{ path: '/' }] });
    } finally {
      await host.close();
    }
  });

  class OfClass {
    get properties(): { shop: string } {
      return { shop: 'a' };
    }
  }
  const hidden = Object.defineProperty({}, 'properties', { value: { shop: 'a' } });

  it.each<[string, unknown]>([
    ['a Map', new Map([['properties', { shop: 'a' }]])],
    ['an instance of a class', new OfClass()],
    ['an object that inherits', Object.create({ properties: { shop: 'a' } })],
    ['an array', []],
    ['an object with a hidden property', hidden],
    ['an object with a symbol', { [Symbol('properties')]: { shop: 'a' } }],
  ])('is refused if it is %s, which would open everything', async (_, wrong) => {
    const host = await startHost({ adapter: 'express' });
    try {
      const scoped = wrong as ActivityScope;
      const fault = 'scope must be a plain object, such as { properties: { shop: 17 } }';
      expect(() => host.activities.scoped(scoped)).toThrow(fault);
      expect(() => host.app.get(ActivityStats, { strict: false }).scoped(scoped)).toThrow(fault);
      const properties = wrong as NonNullable<ActivityScope['properties']>;
      expect(() => host.activities.scoped({ properties })).toThrow('scope.properties must be a plain object');
    } finally {
      await host.close();
    }
  });

  it('shares live streams with those that open the same, and no others', () => {
    const keyOf = (given: ActivityScope): string | undefined => {
      const parsed = parseScope(given);
      return parsed && scopeKey(parsed);
    };
    const key = keyOf({ path: '/a', properties: { shop: 17, plan: 'pro' } });
    expect(keyOf({ properties: { plan: 'pro', shop: '17' }, path: '/a' })).toBe(key);
    expect(keyOf({ path: '/a', properties: { shop: 18, plan: 'pro' } })).not.toBe(key);
    expect(keyOf({ page: '/a', properties: { shop: 17, plan: 'pro' } })).not.toBe(key);
    // An array's own toJSON once made these equal.
    const disguised = (...subject: [string, number]): ActivityScope => ({
      subject: Object.assign(subject, { toJSON: () => 'same' }),
    });
    expect(keyOf(disguised('shop', 17))).not.toBe(keyOf(disguised('shop', 18)));
    expect(keyOf({})).toBeUndefined();
  });
});
