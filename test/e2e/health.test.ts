import type { CanActivate } from '@nestjs/common';
import type { Health } from '../../lib/health/health.types.js';
import { FOUND } from '../support/databases.js';
import { ADAPTERS, type Host, type HostOptions, startHost } from '../support/host.js';

class Everybody implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

const date = (): string => new Date().toISOString();
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const guards = { guards: [Everybody] };

describe('the health of the app', () => {
  let host: Host;

  afterEach(() => host.close());

  async function start(options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ adapter: 'express', djaffar: { api: guards, dashboard: guards }, ...options });
  }

  const send = (body: object): Promise<Response> => host.post(body, { 'User-Agent': FIREFOX });

  async function health(query = ''): Promise<Health> {
    const response = await host.fetch(`/djaffar/health${query}`);
    expect(response.status).toBe(200);
    return response.json() as Promise<Health>;
  }

  /** The states of the checks by name. */
  async function checks(): Promise<Record<string, string>> {
    const found = (await health()).checks;
    return Object.fromEntries(found.map(({ name, state }) => [name, state]));
  }

  it.each(FOUND)(
    'has what was stored, refused and dropped by hour, with remedies, on %s',
    async (database) => {
      await start({
        database,
        djaffar: {
          api: guards,
          retention: { keep: '90 days' },
          transform: (activity) => (activity.path === '/secret' ? null : activity),
        },
      });
      await send({ date: date(), path: '/' });
      await send({ date: date(), path: '/secret' });
      await send({ path: '/' });
      await send({ date: 'yesterday', path: '/' });
      const found = await health('?hours=48');
      expect(found.hours).toHaveLength(48);
      expect(found.hours.reduce((sum, hour) => sum + hour.stored, 0)).toBe(1);
      expect(found.hours.reduce((sum, hour) => sum + hour.refused, 0)).toBe(2);
      expect(found.hours.reduce((sum, hour) => sum + hour.dropped, 0)).toBe(1);
      expect(found.causes).toMatchObject([
        { cause: '400.date', kind: 'refused', count: 2, meaning: 'a wrong "date"' },
        { cause: 'transform', kind: 'dropped', count: 1 },
      ]);
      expect(found.refusals).toHaveLength(2);
      expect(found).toMatchObject({
        waiting: 0,
        maxWaiting: 10_000,
        retention: { policy: 'erased after 90 days', doneAt: null },
        versions: { node: process.version },
      });
      const { lastCommit, now } = found;
      expect(Math.abs(Date.parse(lastCommit ?? '') - Date.parse(now))).toBeLessThan(240_000);
      expect(await health('?hours=1')).toMatchObject({ hours: [{ stored: expect.any(Number) }] });
    },
  );

  it('says how far statistics are behind', async () => {
    await start({ djaffar: { api: guards, statistics: { background: false } } });
    expect((await health()).rollupLag).toBe(0);
    await send({ date: date(), path: '/' });
    const [row]: { createdAt: number }[] = await host.dataSource.query(
      'SELECT "createdAt" FROM djaffar_dirty_range',
    );
    await host.dataSource.query(
      `UPDATE djaffar_dirty_range SET "createdAt" = ${Number(row?.createdAt) - 60_000}`,
    );
    const { rollupLag } = await health();
    expect(rollupLag).toBeGreaterThanOrEqual(60);
    // As the ranges have that were there before any statistics.
    await host.dataSource.query('UPDATE djaffar_dirty_range SET "createdAt" = 0');
    expect((await health()).rollupLag).toBe(0);
    await host.fetch('/djaffar/stats/overview');
    expect((await health()).rollupLag).toBe(0);
  });

  it('ticks what is right while an app is set up', async () => {
    await start();
    expect(await checks()).toEqual({ tables: 'ok', script: 'waiting', sent: 'waiting', stored: 'waiting' });
    await host.fetch('/djaffar/tracker.js');
    expect(await checks()).toMatchObject({ script: 'ok', sent: 'waiting' });
    await send({ path: '/' });
    expect((await health()).checks).toContainEqual({
      name: 'stored',
      state: 'wrong',
      text: 'Nothing was stored: all was refused, mostly for a wrong "date".',
      cure: expect.stringContaining('docs/tracking.md'),
    });
    await host.post({ date: date(), path: '/' }, { 'User-Agent': 'curl/8' });
    expect(await checks()).toMatchObject({ sent: 'ok', stored: 'ok', people: 'wrong', cookie: 'waiting' });
    await send({ date: date(), path: '/' });
    expect(await checks()).toMatchObject({ people: 'ok', cookie: 'waiting' });
    for (let i = 0; i < 4; i++) await send({ date: date(), path: '/' });
    expect(await checks()).toMatchObject({ cookie: 'wrong' });
  });

  it('finds a proxy that is not trusted', async () => {
    await start();
    await host.post({ date: date(), path: '/' }, { 'X-Forwarded-For': '8.8.8.8' });
    expect(await checks()).toMatchObject({ addresses: 'wrong' });
  });

  it.each(FOUND)('has the subscriptions and webhooks, also those that fail, on %s', async (database) => {
    const deliver = jest.fn().mockRejectedValue(new TypeError('no receiver'));
    await start({
      database,
      djaffar: {
        api: guards,
        subscriptions: [
          { name: 'mail', filter: { name: 'nothing' }, handler: () => {} },
          { name: 'ledger', maxFailures: 1, handler: deliver },
        ],
      },
    });
    await send({ date: date(), path: '/' });
    let { subscriptions } = await health();
    while (!subscriptions[0]?.parkedAt) ({ subscriptions } = await health());
    expect(subscriptions).toEqual([
      {
        name: 'ledger',
        waiting: 1,
        isCatchingUp: false,
        failures: 1,
        error: 'TypeError',
        nextTryAt: null,
        parkedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      {
        name: 'mail',
        waiting: 0,
        isCatchingUp: false,
        failures: 0,
        error: null,
        nextTryAt: null,
        parkedAt: null,
      },
    ]);
  });

  it('says that the tables are missing', async () => {
    await start({ djaffar: { api: guards } });
    await host.dataSource.query('ALTER TABLE djaffar_outcome RENAME TO hidden');
    expect(await checks()).toEqual({ tables: 'wrong' });
  });

  it.each(ADAPTERS)('is refused to who sees only a part, on %s', async (adapter) => {
    const scope = (request: unknown): { properties?: { tenant: string } } => {
      const { headers } = request as { headers: Record<string, string> };
      return headers['x-tenant'] ? { properties: { tenant: headers['x-tenant'] } } : {};
    };
    const option = { guards: [Everybody], scope };
    await start({ adapter, djaffar: { api: option, dashboard: option } });
    for (const path of ['/djaffar/health', '/djaffar/dashboard/data/health']) {
      expect((await host.fetch(path)).status).toBe(200);
      expect((await host.fetch(path, { headers: { 'X-Tenant': 'a' } })).status).toBe(403);
    }
    const about = async (headers = {}): Promise<unknown> =>
      (await host.fetch('/djaffar/dashboard/data/about', { headers })).json();
    expect(await about()).toMatchObject({ health: true });
    expect(await about({ 'X-Tenant': 'a' })).toMatchObject({ health: false });
  });

  it('is not there without the option, nor without the guards', async () => {
    await start({ djaffar: {} });
    expect((await host.fetch('/djaffar/health')).status).toBe(404);
    await host.close();
    class Nobody implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    await start({ djaffar: { api: { guards: [Nobody] } } });
    expect((await host.fetch('/djaffar/health')).status).toBe(403);
  });
});
