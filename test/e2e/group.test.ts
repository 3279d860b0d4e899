import { type CanActivate, Controller, HttpCode, Injectable, Post, UseGuards } from '@nestjs/common';
import { type ActivityContext, ActivityService, type HostGroup, Track } from '../../lib/index.js';
import { STORES } from '../support/databases.js';
import { ADAPTERS, cookieOf, type Host, PAIRS, startHost } from '../support/host.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

interface GroupRequest {
  headers: Record<string, string | undefined>;
  group?: HostGroup;
}

/** As a guard of the host does, which knows the user's company. */
@Injectable()
class CompanyGuard implements CanActivate {
  canActivate(context: Parameters<CanActivate['canActivate']>[0]): boolean {
    const request = context.switchToHttp().getRequest<GroupRequest & { user?: object }>();
    const { 'x-user': user, 'x-company': company } = request.headers;
    if (!user) return false;
    request.user = { id: user };
    if (company) request.group = { type: 'company', id: company, name: `${company} Ltd` };
    return true;
  }
}

const FUNCTIONS: [
  string,
  (request: GroupRequest) => HostGroup | undefined | Promise<HostGroup | undefined>,
][] = [
  ['at once', ({ group }) => group],
  ['later', async ({ group }) => Promise.resolve(group)],
];

@Controller()
@UseGuards(CompanyGuard)
class OrdersController {
  constructor(private readonly activities: ActivityService) {}

  @Post('pay')
  async pay(): Promise<ActivityContext | undefined> {
    await this.activities.track({ name: 'paid' });
    await this.activities.track({ name: 'refunded', user: { id: 'somebody else' } });
    await this.activities.track({ name: 'moved', group: { type: 'team', id: 7 } });
    return this.activities.context();
  }

  @Post('declared')
  @HttpCode(204)
  @Track('declared', { await: true })
  declared(): void {}
}

const now = (): string => new Date().toISOString();

describe.each(PAIRS)('the group of a request on $adapter, $database', (pair) => {
  describe.each(FUNCTIONS)('that the host tells %s', (_, group) => {
    let host: Host;

    beforeEach(async () => {
      host = await startHost({
        ...pair,
        providers: [CompanyGuard],
        controllers: [OrdersController],
        djaffar: { guards: [new CompanyGuard()], requestContext: true, group },
      });
    });

    afterEach(() => host.close());

    const groups = async (): Promise<unknown[]> =>
      (await host.stored()).map(({ name, groupId, groupName }) => [name, groupId, groupName]);

    it('is stored with what browsers send', async () => {
      await host.post({ date: now(), path: '/' }, { 'X-User': 'jeff', 'X-Company': 'acme' });
      await host.post({ date: now(), path: '/' }, { 'X-User': 'jeff' });
      await host.post({ date: now(), path: '/' });
      const stored = await groups();
      expect(stored).toHaveLength(3);
      expect(stored).toContainEqual(['view', 'company:acme', 'acme Ltd']);
      expect(stored.filter((row) => JSON.stringify(row) === '["view",null,null]')).toHaveLength(2);
    });

    it('is stored with what server code tracks, unless it is about another user, and given to jobs', async () => {
      const headers = { 'X-User': 'jeff', 'X-Company': 'acme' };
      const response = await host.fetch('/pay', { method: 'POST', headers });
      const context: ActivityContext = JSON.parse(await response.text());
      expect(context.group).toEqual({ type: 'company', id: 'acme', name: 'acme Ltd' });
      await host.activities.runAs(context, () => host.activities.track({ name: 'shipped' }));
      await host.activities.runAs(context, () =>
        host.activities.track({ name: 'checked', user: { id: 'another' } }),
      );
      const stored = await groups();
      expect(stored).toHaveLength(5);
      expect(stored).toEqual(
        expect.arrayContaining([
          ['paid', 'company:acme', 'acme Ltd'],
          ['refunded', null, null],
          ['moved', 'team:7', null],
          ['shipped', 'company:acme', 'acme Ltd'],
          ['checked', null, null],
        ]),
      );
    });

    it('is stored with a declared activity', async () => {
      const headers = { 'X-User': 'jeff', 'X-Company': 'acme' };
      const response = await host.fetch('/declared', { method: 'POST', headers });
      expect(response.status).toBe(204);
      expect(cookieOf(response)).toContain('djaffar_session=');
      expect(await groups()).toEqual([['declared', 'company:acme', 'acme Ltd']]);
    });
  });
});

describe('a group that is none', () => {
  const WRONG: unknown[] = [
    'company:17',
    17,
    { type: 'company' },
    { id: 17 },
    { type: 'a company', id: 17 },
    { type: 'company', id: '' },
    { type: 'company', id: Number.NaN },
    { type: 'company', id: 'x'.repeat(256) },
    { type: 'company', id: 17, name: 17 },
    ['company', 17],
  ];

  it.each(WRONG)('%j is an error, and nothing is stored', async (wrong) => {
    let found = wrong;
    const host = await startHost({
      adapter: ADAPTERS[0] ?? 'express',
      // Errors of the host's own functions are not Djaffar's.
      djaffar: { guards: [], user: () => null, group: () => found as HostGroup },
    });
    try {
      expect((await host.post({ date: now(), path: '/' })).status).toBe(500);
      await expect(host.activities.track({ path: '/', group: wrong as HostGroup })).rejects.toThrow(
        'group must be { type, id, name }',
      );
      expect(() => host.activities.runAs({ group: wrong as HostGroup }, () => {})).toThrow('runAs()');
      expect(await host.stored()).toEqual([]);
      found = { type: 'company', id: 17n, name: '🦋'.repeat(300) };
      expect((await host.post({ date: now(), path: '/' })).status).toBe(204);
      expect(await host.stored()).toMatchObject([{ groupId: 'company:17', groupName: '🦋'.repeat(255) }]);
    } finally {
      await host.close();
    }
  });

  it('is refused if `transform` gives it', async () => {
    const host = await startHost({
      adapter: 'express',
      djaffar: { transform: (activity) => ({ ...activity, groupId: 'acme' }) },
    });
    try {
      expect((await host.post({ date: now(), path: '/' })).status).toBe(422);
      expect(await host.stored()).toEqual([]);
    } finally {
      await host.close();
    }
  });
});

describe.each([
  ["privacy: 'cnil'", { privacy: 'cnil' }, {}],
  ["respect: 'anonymise'", { respect: 'anonymise' }, { 'Sec-GPC': '1' }],
] as const)('with %s', (_, options, headers) => {
  it('a group has an id and no name', async () => {
    const host = await startHost({
      adapter: 'express',
      djaffar: { ...options, group: () => ({ type: 'company', id: 17, name: 'Acme' }) },
    });
    try {
      await host.post({ date: now(), path: '/' }, headers);
      expect(await host.stored()).toMatchObject([{ groupId: 'company:17', groupName: null, userId: null }]);
    } finally {
      await host.close();
    }
  });
});

describe.each(STORES)('groups on %s', (name) => {
  let database: StoreDatabase;
  let host: StoreHost;
  const from = '2025-01-01T00:00Z';

  beforeAll(async () => {
    database = await createStore(name);
    host = await database.start();
    const company = (id: number | string, called?: string): HostGroup => ({
      type: 'company',
      id,
      name: called,
    });
    const tracked: [HostGroup | undefined, string][] = [
      [company(1, 'Old name'), '2025-11-01T10:00Z'],
      [company(1, 'Acme'), '2025-11-03T10:00Z'],
      [company(1), '2025-11-04T10:00Z'],
      [company(2, 'Beta'), '2025-11-02T10:00Z'],
      [{ type: 'team', id: 1 }, '2025-11-02T11:00Z'],
      [undefined, '2025-11-02T12:00Z'],
    ];
    for (const [i, [group, date]] of tracked.entries())
      await host.activities.track({
        path: `/${i}`,
        group,
        date,
        session: `s${i % 3}`,
        visit: `v${i}`,
        user: { id: `u${i % 2}` },
      });
  });

  afterAll(async () => {
    await host.close();
    await database.drop();
  });

  it('filter activities, statistics and scopes', async () => {
    const { activities, stats } = host;
    const paths = async (filter: object): Promise<string[]> =>
      (await activities.find(filter)).items.map(({ path }) => path).toSorted();
    expect(await paths({ group: ['company', 1] })).toEqual(['/0', '/1', '/2']);
    expect(await paths({ group: 'company:2' })).toEqual(['/3']);
    expect(await activities.count({ group: ['team', 1] })).toBe(1);
    await expect(activities.count({ group: 'company' })).rejects.toThrow('group must be [type, id]');
    const scoped = activities.scoped({ group: ['company', 1] });
    expect(await scoped.count()).toBe(3);
    expect(await scoped.count({ group: 'company:2' })).toBe(0);
    const question = { from, group: ['company', 1] as const };
    expect(await stats.overview(question)).toMatchObject({ visits: { value: 3 }, users: { value: 2 } });
    expect((await stats.top('path', question)).items).toHaveLength(3);
    expect(await stats.funnel([{ path: '/0' }], question)).toMatchObject({ steps: [{ visitors: 1 }] });
    const days = await stats.series('activities', 'day', {
      ...question,
      from: '2025-11-01',
      to: '2025-11-04',
    });
    expect(days.points.map(({ value }) => value)).toEqual([1, 0, 1, 1]);
    expect((await stats.visits(question)).items).toHaveLength(3);
  });

  it('are a dimension with their latest names', async () => {
    const { stats } = host;
    expect((await stats.top('group', { from })).items).toEqual([
      { value: 'company:1', count: 3, name: 'Acme' },
      { value: 'company:2', count: 1, name: 'Beta' },
      { value: 'team:1', count: 1, name: null },
    ]);
    expect((await stats.top('group', { from, measure: 'users', limit: 1 })).items).toEqual([
      { value: 'company:1', count: 2, name: 'Acme' },
    ]);
    const found = async (search: string, since = from): Promise<unknown[]> =>
      (await stats.top('group', { from: since, search })).items.map(({ value }) => value);
    expect(await found('TEAM')).toEqual(['team:1']);
    expect(await found('old n')).toEqual(['company:1']);
    expect(await found('old n', '2025-11-02T00:00Z')).toEqual([]);
    const ofTeam = stats.scoped({ group: ['team', 1] });
    expect((await ofTeam.top('group', { from })).items).toEqual([{ value: 'team:1', count: 1, name: null }]);
  });
});
