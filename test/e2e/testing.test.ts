import { readFileSync } from 'node:fs';
import { Body, Controller, Injectable, Module, Post } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ActivityService,
  ActivityStats,
  ActivitySubscriptions,
  DjaffarModule,
  Track,
} from '../../lib/index.js';
import { DjaffarTestingModule, TrackedActivities } from '../../lib/testing/index.js';

@Injectable()
class OrdersService {
  constructor(private readonly activities: ActivityService) {}

  async pay(id: number): Promise<void> {
    await this.activities.track({ name: 'order.paid', path: `/orders/${id}`, properties: { total: 20 } });
  }
}

@Controller('orders')
class OrdersController {
  constructor(private readonly activities: ActivityService) {}

  @Post()
  @Track('order.opened')
  open(): object {
    return { id: 17 };
  }

  @Post('pay')
  async pay(@Body() { total }: { total: number }): Promise<void> {
    await this.activities.track({ name: 'order.paid', properties: { total } });
  }
}

@Module({ controllers: [OrdersController], providers: [OrdersService] })
class OrdersModule {}

const deliver = jest.fn<Promise<void>, []>().mockResolvedValue();

/** A host whose database does not answer. */
@Module({
  imports: [
    DjaffarModule.forRoot({
      isGlobal: true,
      requestContext: true,
      database: { url: 'postgres://127.0.0.1:1/none' },
      subscriptions: [{ name: 'ledger', handler: deliver }],
    }),
    OrdersModule,
  ],
})
class AppModule {}

describe('nestjs-djaffar/testing', () => {
  const apps: INestApplication[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function start(app: INestApplication): Promise<(path: string, body?: object) => Promise<Response>> {
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return (path, body = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Firefox/140.0' },
        body: JSON.stringify(body),
      });
  }

  it('shows what a service tracked', async () => {
    // docs/testing.md
    const testing = await Test.createTestingModule({
      imports: [DjaffarTestingModule.forRoot()],
      providers: [OrdersService],
    }).compile();
    await testing.get(OrdersService).pay(17);
    const tracked = testing.get(TrackedActivities);
    expect(tracked.list()).toMatchObject([
      { name: 'order.paid', path: '/orders/17', properties: { total: 20 } },
    ]);
    // end
    tracked.clear();
    expect(tracked.list()).toEqual([]);
    await testing.close();
  });

  it('has a whole app track into memory, with its own options and the context of requests', async () => {
    // docs/testing.md
    const tracked = new TrackedActivities();
    const testing = await tracked.use(Test.createTestingModule({ imports: [AppModule] })).compile();
    const app = testing.createNestApplication();
    // end
    const post = await start(app);
    expect((await post('/orders')).status).toBe(201);
    const [opened] = await tracked.waitFor({ name: 'order.opened' });
    expect(opened).toMatchObject({ path: '/orders', route: '/orders' });
    await post('/orders/pay', { total: 30 });
    const [paid] = tracked.list({ name: 'order.paid', properties: { total: { gte: 30 } } });
    expect(paid).toMatchObject({ path: '/orders/pay', ipAddress: '127.0.0.1' });
    expect(paid?.session).toMatchObject({ browser: 'Firefox' });
    expect(await app.get(ActivitySubscriptions).status()).toEqual([]);
    expect(deliver).not.toHaveBeenCalled();
  });

  it('stores what the tracking route accepts, with the same checks', async () => {
    const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
    const post = await start(testing.createNestApplication());
    const activity = {
      id: 'b6ae2a3c-4a0a-4a3e-9d6c-0d2b7a1f9c11',
      date: new Date().toISOString(),
      path: '/a',
    };
    expect((await post('/djaffar/track/', activity)).status).toBe(204);
    expect((await post('/djaffar/track/', activity)).status).toBe(204);
    expect((await post('/djaffar/track/', { path: '/b' })).status).toBe(400);
    expect(testing.get(TrackedActivities).list()).toMatchObject(
      [activity].map(({ id, path }) => ({ id, path })),
    );
  });

  it('answers ActivityService from memory', async () => {
    const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
    apps.push(await testing.createNestApplication().init());
    const activities = testing.get(ActivityService);
    const who = { user: { id: 17 }, session: 'a', visit: 'v' };
    for (const [path, name] of [
      ['/a?x=1', 'view'],
      ['/b', 'view'],
      ['/b', 'bought'],
    ] as const)
      await activities.track({ path, name, ...(name === 'bought' && who) });
    await activities.track({ path: '/before-login', session: 'a', visit: 'v' });
    const { items, next } = await activities.find({ path: ['/a*', '/b'] }, { limit: 2, order: 'asc' });
    expect(items.map(({ path }) => path)).toEqual(['/a?x=1', '/b']);
    const rest = await activities.find({ path: ['/a*', '/b'] }, { order: 'asc', after: next ?? undefined });
    expect(rest.items.map(({ name }) => name)).toEqual(['bought']);
    expect(await activities.count({ name: { not: 'view' } })).toBe(1);
    expect(await activities.count({ user: '17', to: new Date(0) })).toBe(0);
    expect((await activities.feed({ user: 17 })).map(({ name }) => name)).toEqual(['bought']);
    const streamed: string[] = [];
    for await (const { path } of activities.stream({ session: 'a' })) streamed.push(path);
    expect(streamed).toEqual(['/b', '/before-login']);
    // What was done in the same visit before the login goes, too.
    expect(await activities.erase({ user: '17' })).toBe(2);
    expect(await activities.count()).toBe(2);
  });

  it('anonymises in memory as the databases do: without the name of the group, and only a bot keeps its session', async () => {
    const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
    apps.push(await testing.createNestApplication().init());
    const activities = testing.get(ActivityService);
    const group = { type: 'company', id: 17, name: 'Acme' };
    for (const [session, userAgent] of [
      ['person', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'],
      ['bot', 'Googlebot/2.1'],
    ])
      await activities.track({ path: '/', user: { id: 17 }, group, session, userAgent });
    expect(await activities.anonymise({ user: '17' })).toBe(2);
    expect((await activities.find({}, { order: 'asc' })).items).toMatchObject([
      { userId: null, groupId: 'company:17', groupName: null, sessionId: null },
      { userId: null, groupId: 'company:17', groupName: null, sessionId: 'bot' },
    ]);
  });

  it('says that it answers no statistics', async () => {
    const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
    await expect(testing.get(ActivityStats).overview()).rejects.toThrow(
      'stores activities in memory and cannot answer ActivityStats',
    );
    await testing.close();
  });

  it('waits until activities are tracked, or says what was tracked instead', async () => {
    const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
    const tracked = testing.get(TrackedActivities);
    const activities = testing.get(ActivityService);
    const waiting = tracked.waitFor({ path: '/job' }, { count: 2 });
    await activities.track({ path: '/job' });
    await activities.track({ path: '/job' });
    expect(await waiting).toHaveLength(2);
    await expect(tracked.waitFor({ name: 'never' }, { timeout: 1 })).rejects.toThrow(
      '0 of 1 activities matched {"name":"never"} within 1 ms; tracked: view at /job, view at /job',
    );
    await testing.close();
  });

  it('works as docs/testing.md shows', () => {
    const dedent = (text: string): string => text.replaceAll(/^ +/gm, '');
    const code = dedent(readFileSync('test/e2e/testing.test.ts', 'utf8'));
    const shown = [...code.matchAll(/\/\/ docs\/testing\.md\n(.*?)\/\/ end\n/gs)].map(
      ([, each]) => each ?? '',
    );
    const docs = dedent(readFileSync('docs/testing.md', 'utf8'));
    expect(shown).toHaveLength(2);
    for (const each of shown) expect(docs).toContain(each);
  });
});
