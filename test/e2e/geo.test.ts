import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Inject, Post } from '@nestjs/common';
import {
  type ActivityContext,
  ActivityService,
  ActivityStats,
  type Dimension,
  mmdb,
} from '../../lib/index.js';
import { STORES } from '../support/databases.js';
import { ADAPTERS, behindProxy, cookieOf, type Host, PAIRS, startHost } from '../support/host.js';
import { writeMmdb } from '../support/mmdb.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

@Controller('orders')
class OrdersController {
  constructor(@Inject(ActivityService) private readonly activities: ActivityService) {}

  @Post()
  async create(): Promise<ActivityContext | undefined> {
    await this.activities.track({ name: 'ordered' });
    return this.activities.context();
  }
}

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'djaffar-geo-'));
  file = join(folder, 'countries.mmdb');
  const of = (code: string): { country: { iso_code: string } } => ({ country: { iso_code: code } });
  // The masked address is in another country.
  writeMmdb(file, { '203.0.113.7/32': of('DE'), '203.0.113.0/32': of('FR'), '2001:db8::/48': of('CH') });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(PAIRS)('the country of a session on $adapter and $database', ({ adapter, database }) => {
  let host: Host;

  afterEach(() => host.close());

  const start = async (djaffar: NonNullable<Parameters<typeof startHost>[0]['djaffar']>): Promise<void> => {
    host = await startHost({ adapter, database, djaffar, ...behindProxy(adapter) });
  };

  async function track(headers: Record<string, string>): Promise<string> {
    const date = new Date().toISOString();
    const response = await host.post({ date, path: '/' }, { 'User-Agent': FIREFOX, ...headers });
    expect(response.status).toBe(204);
    return cookieOf(response);
  }

  const places = async (): Promise<unknown[]> =>
    (await host.stored()).map(({ session }) => [session?.country, session?.language]);

  it('is that of the headers of a CDN, and the language the first that the browser accepts', async () => {
    await start({ geo: 'headers' });
    await track({ 'CF-IPCountry': 'de', 'Accept-Language': 'de-ch,de;q=0.8,en;q=0.5' });
    await track({ 'CloudFront-Viewer-Country': 'FR', 'Accept-Language': 'fr' });
    await track({ 'X-Vercel-IP-Country': 'CH', 'Accept-Language': '*' });
    await track({ 'CF-IPCountry': 'XX', 'Accept-Language': 'en-US-x-jeff' });
    await track({ 'CF-IPCountry': 'T1', 'Accept-Language': 'not a language' });
    await track({ 'CF-IPCountry': "';--", 'Accept-Language': ';;,,' });
    await track({ 'CF-IPCountry': 'D'.repeat(4000), 'Accept-Language': 'e'.repeat(4000) });
    expect(await places()).toEqual([
      ['DE', 'de-CH'],
      ['FR', 'fr'],
      ['CH', null],
      [null, 'en-US'],
      [null, null],
      [null, null],
      [null, null],
    ]);
  });

  it('is not known without the option, but the language is', async () => {
    await start({});
    await track({ 'CF-IPCountry': 'DE', 'Accept-Language': 'de' });
    expect(await places()).toEqual([[null, 'de']]);
  });

  it.each(['masked', 'none'] as const)(
    'is found by the whole address, which is %s in the database',
    async (ip) => {
      await start({ geo: mmdb(file), ip });
      for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '2001:db8::7', '198.51.100.1'])
        await track({ 'X-Forwarded-For': address, 'CF-IPCountry': 'US' });
      const stored = await host.stored();
      expect(stored.map(({ session }) => session?.country)).toEqual(['DE', 'DE', 'CH', null]);
      expect(stored.map(({ ipAddress }) => ipAddress)).toEqual(
        ip === 'none'
          ? [null, null, null, null]
          : ['203.0.113.0', '203.0.113.0', '2001:db8::', '198.51.100.0'],
      );
    },
  );

  it('stays that of the first activity', async () => {
    await start({ geo: mmdb(file) });
    const cookie = await track({ 'X-Forwarded-For': '203.0.113.7', 'Accept-Language': 'de' });
    await track({ 'X-Forwarded-For': '2001:db8::7', 'Accept-Language': 'fr', Cookie: cookie });
    expect(await places()).toEqual([
      ['DE', 'de'],
      ['DE', 'de'],
    ]);
  });

  it('is kept of a visitor without a cookie, and with "cnil", but of nobody who asks not to be tracked', async () => {
    await start({
      geo: mmdb(file),
      privacy: ({ headers }: { headers: Record<string, string> }) =>
        headers['x-mode'] === 'cnil' ? 'cnil' : 'cookieless',
      respect: 'anonymise',
    });
    const visitor = { 'X-Forwarded-For': '203.0.113.7', 'Accept-Language': 'de' };
    await track(visitor);
    await track({ ...visitor, 'X-Mode': 'cnil' });
    await track({ ...visitor, DNT: '1' });
    const stored = await host.stored();
    expect(stored.map(({ ipAddress, session }) => [ipAddress, session?.country, session?.language])).toEqual([
      ['203.0.113.0', 'DE', 'de'],
      ['203.0.113.0', 'DE', 'de'],
      [null, undefined, undefined],
    ]);
  });
});

describe.each(ADAPTERS)('the country in server code on %s', (adapter) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      adapter,
      djaffar: { geo: mmdb(file), ip: 'masked', requestContext: true },
      controllers: [OrdersController],
      ...behindProxy(adapter),
    });
  });

  afterAll(() => host.close());
  beforeEach(() => host.activities.erase({ from: new Date(0) }));

  const order = (headers: Record<string, string>): Promise<Response> =>
    host.fetch('/orders', { method: 'POST', headers: { 'User-Agent': FIREFOX, ...headers } });

  const places = async (): Promise<unknown[]> =>
    (await host.stored()).map(({ session }) => [session?.country, session?.language]);

  it('is that of the request, and a job has it too', async () => {
    const answer = await order({ 'X-Forwarded-For': '203.0.113.7', 'Accept-Language': 'de-AT,de' });
    const context: ActivityContext = JSON.parse(await answer.text());
    expect(context).toMatchObject({ country: 'DE', language: 'de-AT', ip: '203.0.113.0' });
    await host.activities.runAs({ ...context, session: 'job' }, () =>
      host.activities.track({ path: '/job' }),
    );
    expect(await places()).toEqual([
      ['DE', 'de-AT'],
      ['DE', 'de-AT'],
    ]);
  });

  it('is not that of the masked address in a job', async () => {
    const answer = await order({ 'X-Forwarded-For': '203.0.113.99' });
    const context: ActivityContext = JSON.parse(await answer.text());
    expect(context).toMatchObject({ country: null, ip: '203.0.113.0' });
    await host.activities.runAs({ ...context, session: 'job' }, () =>
      host.activities.track({ path: '/job' }),
    );
    expect(await places()).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  it('is what the code says, otherwise that of the address that it says', async () => {
    const { activities } = host;
    await activities.track({ path: '/', session: 'a', country: 'ch', language: 'rm-ch' });
    await activities.track({ path: '/', session: 'b', ip: '203.0.113.7' });
    await activities.track({ path: '/', session: 'c', ip: '203.0.113.7', country: 'AT' });
    await activities.track({ path: '/', session: 'd', country: 'Germany', language: 'German language' });
    await activities.runAs({ session: 'e', ip: '203.0.113.7', language: 'de' }, () =>
      activities.track({ path: '/' }),
    );
    await activities.runAs({ session: 'f', country: 'XX' }, () => activities.track({ path: '/' }));
    expect(await places()).toEqual([
      ['CH', 'rm-CH'],
      ['DE', null],
      ['AT', null],
      [null, null],
      ['DE', 'de'],
      [null, null],
    ]);
  });
});

it('the app does not start without the database of the option', async () => {
  const missing = join(folder, 'missing.mmdb');
  await expect(startHost({ adapter: 'express', djaffar: { geo: mmdb(missing) } })).rejects.toThrow(
    `option "geo" cannot use the file ${missing}: ENOENT`,
  );
});

describe.each(STORES)('country and language on %s', (name) => {
  let database: StoreDatabase;
  let host: StoreHost;
  let stats: ActivityStats;

  const date = (hour: number): Date => new Date(Date.UTC(2026, 10, 1, hour));
  const range = { from: '2026-11-01', to: '2026-11-01' };

  beforeAll(async () => {
    database = await createStore(name);
    host = await database.start();
    ({ stats } = host);
    const jeff = { user: { id: 17 }, userAgent: FIREFOX };
    for (const activity of [
      { path: '/', session: 'a', visit: 'a1', date: date(1), country: 'DE', language: 'de-DE', ...jeff },
      { path: '/b', session: 'a', visit: 'a1', date: date(1), ...jeff },
      // The traveller is still counted where the session began.
      { path: '/', session: 'a', visit: 'a2', date: date(5), country: 'FR', language: 'fr', ...jeff },
      { path: '/', session: 'b', visit: 'b1', date: date(2), country: 'FR', language: 'fr-FR' },
      { path: '/', session: 'c', visit: 'c1', date: date(3) },
    ])
      await host.activities.track(activity);
  });

  afterAll(async () => {
    await host.close();
    await database.drop();
  });

  const top = async (dimension: Dimension, options: object = {}): Promise<unknown[]> =>
    (await stats.top(dimension, { ...range, ...options })).items.map(({ value, count }) => [value, count]);

  it('are dimensions', async () => {
    expect(await top('country')).toEqual([
      ['DE', 2],
      [null, 1],
      ['FR', 1],
    ]);
    expect(await top('language', { measure: 'sessions', search: 'fr' })).toEqual([['fr-FR', 1]]);
    expect(await top('country', { measure: 'visits', path: '/b' })).toEqual([['DE', 1]]);
  });

  it('are filters', async () => {
    const visits = async (filter: object): Promise<number | null> =>
      (await stats.overview({ ...range, ...filter })).visits.value;
    expect(await visits({ country: 'DE' })).toBe(2);
    expect(await visits({ country: ['DE', 'FR'] })).toBe(3);
    expect(await visits({ country: null })).toBe(1);
    expect(await visits({ country: { not: 'DE' } })).toBe(2);
    expect(await visits({ language: { startsWith: 'fr' } })).toBe(1);
    expect(await visits({ language: 'de-DE', path: '/b' })).toBe(1);
    const series = await stats.series('visits', 'day', { ...range, country: 'FR' });
    expect(series.points.map(({ value }) => value)).toEqual([1]);
    expect(await top('path', { country: 'DE', measure: 'visits' })).toEqual([
      ['/', 2],
      ['/b', 1],
    ]);
    const { items } = await stats.visits({ ...range, language: 'fr-FR' });
    expect(items).toMatchObject([{ id: 'b1', session: { country: 'FR', language: 'fr-FR' } }]);
  });

  it('are among what is kept of somebody', async () => {
    // It cannot export that yet.
    if (name === 'clickhouse') return;
    const records = [];
    for await (const record of host.activities.export({ user: '17' })) records.push(record);
    const place = { country: 'DE', language: 'de-DE' };
    expect(records).toEqual(
      expect.arrayContaining([
        { kind: 'session', data: expect.objectContaining(place) },
        { kind: 'visit', data: expect.objectContaining({ id: 'a1', ...place }) },
      ]),
    );
  });

  it('are gone with an erasure, so that the session begins again', async () => {
    await host.activities.erase({ user: '17' });
    expect(await top('country')).toEqual([
      [null, 1],
      ['FR', 1],
    ]);
    await host.activities.track({ path: '/', session: 'a', visit: 'a3', date: date(6), country: 'IT' });
    expect(await top('country')).toEqual([
      [null, 1],
      ['FR', 1],
      ['IT', 1],
    ]);
  });
});
