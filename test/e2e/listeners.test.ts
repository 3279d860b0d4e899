import { EventEmitter, once } from 'node:events';
import { Injectable, Logger, Scope } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { DataSource } from 'typeorm';
import {
  Activity,
  ActivityService,
  type NewDevice,
  OnActivity,
  OnNewDevice,
  type StoredActivity,
} from '../../lib/index.js';
import { cookieOf, type Host, PAIRS, startHost } from '../support/host.js';

/** What listeners were given, and who waits for it. */
class Heard extends EventEmitter {
  readonly names: string[] = [];

  add(name: string): void {
    this.names.push(name);
    this.emit('heard');
  }

  async until(count: number): Promise<string[]> {
    while (this.names.length < count) await once(this, 'heard');
    return this.names;
  }
}

let orders: Heard;
let all: Heard;
let devices: Heard;
let changes: Heard;
let events: Heard;
let release: (() => void) | undefined;

@Injectable()
class Listener {
  constructor(
    private readonly dataSource: DataSource,
    private readonly activities: ActivityService,
  ) {}

  @OnActivity({ name: ['order.*', 'refund'] })
  async order({ id, name, path }: StoredActivity): Promise<void> {
    const isCommitted = await this.dataSource
      .createQueryBuilder()
      .select('1')
      .from('djaffar_activity', 'activity')
      .where('id = :id', { id })
      .getRawOne();
    orders.add(`${name} ${path} ${isCommitted ? 'committed' : 'uncommitted'}`);
  }

  @OnActivity()
  async any({ name, properties }: StoredActivity): Promise<void> {
    all.add(`${name} ${this.activities.context() ? 'in a request' : 'outside'}`);
    if (name === 'broken') throw new Error(`broken ${String(properties?.n)}`);
    if (name === 'slow') await new Promise<void>((resolve) => (release = resolve));
  }

  @OnActivity({ name: 'order.changed' })
  first({ properties }: StoredActivity): void {
    changes.add(`first ${String(properties?.total)}`);
    Object.assign(properties ?? {}, { total: 2 });
  }

  @OnActivity({ name: 'order.changed' })
  second({ properties }: StoredActivity): void {
    changes.add(`second ${String(properties?.total)}`);
  }

  @OnNewDevice()
  device({ activity, isFirst }: NewDevice): void {
    devices.add(`${activity.userId} ${activity.session?.browser} ${isFirst}`);
  }

  @OnEvent('djaffar.order.paid')
  event({ name }: StoredActivity): void {
    events.add(name);
  }
}

afterEach(() => {
  jest.restoreAllMocks();
});

beforeEach(() => {
  [orders, all, devices, events] = [new Heard(), new Heard(), new Heard(), new Heard()];
  changes = new Heard();
  release = undefined;
});

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

describe.each(PAIRS)('listeners, on $adapter and $database,', ({ adapter, database }) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({
      adapter,
      database,
      imports: [EventEmitterModule.forRoot({ wildcard: true })],
      providers: [Listener],
      djaffar: {
        requestContext: true,
        user: ({ headers }: { headers: Record<string, string> }) =>
          headers['x-user'] ? { id: headers['x-user'] } : null,
      },
    });
  });

  afterEach(async () => {
    release?.();
    await host.close();
  });

  const track = (name: string, path = '/'): Promise<void> => host.activities.track({ name, path });

  it('are called after the commit, in order, for what matches', async () => {
    await Promise.all(['order.paid', 'view', 'refund', 'orders'].map((name) => track(name)));
    await track('order.sent', '/17');
    const heard = await orders.until(3);
    // Of two that are tracked at the same time, either may be committed first.
    expect(heard.slice(0, 2).toSorted()).toEqual(['order.paid / committed', 'refund / committed']);
    expect(heard[2]).toBe('order.sent /17 committed');
    expect(await all.until(5)).toHaveLength(5);
    expect(await events.until(1)).toEqual(['order.paid']);
  });

  it('hear nothing of a transaction that is rolled back, or of what is stored already', async () => {
    const id = '0190163d-8694-739b-aea5-966c26f8ad91';
    await expect(
      host.dataSource.transaction(async (manager) => {
        await host.activities.track({ name: 'order.lost', path: '/' }, { manager });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await host.dataSource.transaction((manager) =>
      host.activities.track({ name: 'order.paid', path: '/', id }, { manager }),
    );
    await host.activities.track({ name: 'order.paid', path: '/', id });
    await track('order.last');
    expect(await orders.until(2)).toEqual(['order.paid / committed', 'order.last / committed']);
  });

  it('run outside of the request, and neither delay nor fail it', async () => {
    const warned = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const post = (name: string, n: number): Promise<Response> =>
      host.post({ date: new Date().toISOString(), path: '/', name, properties: { n } });
    for (const [i, name] of ['broken', 'broken', 'slow', 'view'].entries())
      expect((await post(name, i)).status).toBe(204);
    expect(await all.until(3)).toEqual(['broken outside', 'broken outside', 'slow outside']);
    expect(warned.mock.calls.map(([text]) => String(text))).toEqual(['Listener.any failed: broken 0']);
    release?.();
    expect((await all.until(4)).at(-1)).toBe('view outside');
  });

  it('get a copy of their own, which they may change', async () => {
    await host.activities.track({ name: 'order.changed', path: '/', properties: { total: 1 } });
    expect(await changes.until(2)).toEqual(['first 1', 'second 1']);
  });

  it('hear of a user in a session that is new, once', async () => {
    const visit = async (user: string | undefined, agent: string, cookie = ''): Promise<string> => {
      const response = await host.post(
        { date: new Date().toISOString(), path: '/' },
        { 'User-Agent': agent, ...(user && { 'X-User': user }), ...(cookie && { Cookie: cookie }) },
      );
      expect(response.status).toBe(204);
      return cookieOf(response) || cookie;
    };
    const first = await visit(undefined, FIREFOX);
    await visit('ada', FIREFOX, first);
    await visit('ada', FIREFOX, first);
    expect(await devices.until(1)).toEqual(['ada Firefox true']);
    const second = await visit('ada', CHROME);
    await visit('ada', CHROME, second);
    await visit('ada', FIREFOX, first);
    expect(await devices.until(2)).toEqual(['ada Firefox true', 'ada Chrome false']);
    await visit('bob', CHROME, second);
    expect(await devices.until(3)).toEqual(['ada Firefox true', 'ada Chrome false', 'bob Chrome true']);
  });

  it('know the devices of before a restart, also of other processes', async () => {
    const agent = { 'User-Agent': FIREFOX, 'X-User': 'ada' };
    const body = (): object => ({ date: new Date().toISOString(), path: '/' });
    const cookie = cookieOf(await host.post(body(), agent));
    expect(await devices.until(1)).toEqual(['ada Firefox true']);
    const other = await startAnother();
    try {
      expect((await other.post(body(), { ...agent, Cookie: cookie })).status).toBe(204);
      expect((await other.post(body(), { 'User-Agent': CHROME, 'X-User': 'ada' })).status).toBe(204);
      expect(await devices.until(2)).toEqual(['ada Firefox true', 'ada Chrome false']);
    } finally {
      await other.app.close();
    }
  });

  it('hear of a second device as one, whatever dates it sends and however many activities at once', async () => {
    await host.post(
      { date: new Date().toISOString(), path: '/' },
      { 'User-Agent': FIREFOX, 'X-User': 'ada' },
    );
    expect(await devices.until(1)).toEqual(['ada Firefox true']);
    const agent = { 'User-Agent': CHROME };
    const cookie = cookieOf(await host.post({ date: new Date().toISOString(), path: '/' }, agent));
    const batch = (year: number): object => ({
      activities: Array.from({ length: 100 }, (_, i) => ({
        date: new Date(Date.UTC(year, 0, 1) - i * 1000).toISOString(),
        path: '/',
      })),
    });
    await Promise.all(
      [2003, 2002, 2001].map((year) => host.post(batch(year), { ...agent, Cookie: cookie, 'X-User': 'ada' })),
    );
    expect(await devices.until(2)).toEqual(['ada Firefox true', 'ada Chrome false']);
  });

  /** A second process of the same application. */
  const startAnother = (): Promise<Host> =>
    startHost({
      adapter,
      database: host.database,
      providers: [Listener],
      djaffar: {
        user: ({ headers }: { headers: Record<string, string> }) => ({ id: headers['x-user'] ?? '' }),
      },
    });

  /** As if everything had been stored a minute ago. */
  async function moveReceiptBack(): Promise<void> {
    const receivedAt = new Date(Date.now() - 60_000);
    await host.dataSource.createQueryBuilder().update(Activity).set({ receivedAt }).execute();
  }

  it('hear of a device that sends many activities at once, although the clock of the application is ahead of that of the database', async () => {
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
    const ahead = await startAnother();
    try {
      const activities = Array.from({ length: 100 }, (_, i) => ({
        date: new Date(now() - i * 1000).toISOString(),
        path: '/',
      }));
      for (const user of ['ada', 'bob'])
        await ahead.post({ activities }, { 'User-Agent': CHROME, 'X-User': user });
      expect(await devices.until(2)).toEqual(['ada Chrome true', 'bob Chrome true']);
    } finally {
      await ahead.app.close();
    }
  });

  it('hear of no known device after a restart, although its first activity is sent again', async () => {
    const agent = { 'User-Agent': FIREFOX, 'X-User': 'ada' };
    const first = {
      id: '0190163d-8694-739b-aea5-966c26f8ad91',
      date: new Date(Date.now() - 1000).toISOString(),
      path: '/',
    };
    const cookie = cookieOf(await host.post(first, agent));
    expect(await devices.until(1)).toEqual(['ada Firefox true']);
    await moveReceiptBack();
    const other = await startAnother();
    try {
      await other.post(first, { ...agent, Cookie: cookie });
      await other.post({ ...first, id: undefined }, { 'User-Agent': CHROME, 'X-User': 'ada' });
      expect(await devices.until(2)).toEqual(['ada Firefox true', 'ada Chrome false']);
    } finally {
      await other.app.close();
    }
  });

  it('hear of no known device after a restart, although a late activity is the first one by its date', async () => {
    const agent = { 'User-Agent': FIREFOX, 'X-User': 'ada' };
    const body = (ago: number): object => ({ date: new Date(Date.now() - ago).toISOString(), path: '/' });
    const cookie = cookieOf(await host.post(body(0), agent));
    expect(await devices.until(1)).toEqual(['ada Firefox true']);
    await moveReceiptBack();
    const other = await startAnother();
    try {
      await other.post(body(600_000), { ...agent, Cookie: cookie });
      await other.post(body(0), { 'User-Agent': CHROME, 'X-User': 'ada' });
      expect(await devices.until(2)).toEqual(['ada Firefox true', 'ada Chrome false']);
    } finally {
      await other.app.close();
    }
  });

  it('are waited for at the end, as long as activities are', async () => {
    await track('slow');
    await track('order.late');
    await all.until(1);
    const closed = host.app.close();
    release?.();
    await closed;
    expect(all.names).toEqual(['slow outside', 'order.late outside']);
    host = await startHost({ adapter, database });
  });
});

it('an end does not wait for a listener that does not end', async () => {
  const host = await startHost({
    adapter: 'express',
    providers: [Listener],
    djaffar: { writer: { timeout: 300 } },
  });
  const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  await host.activities.track({ name: 'slow', path: '/' });
  await host.activities.track({ name: 'view', path: '/' });
  await host.close();
  expect(warned.mock.calls.map(([text]) => String(text))).toContain(
    '2 calls of listeners were not finished before the application ended',
  );
});

it('an emitter with wildcards hears of no name that a browser has made a wildcard', async () => {
  const host = await startHost({
    adapter: 'express',
    imports: [EventEmitterModule.forRoot({ wildcard: true })],
    providers: [Listener],
  });
  try {
    for (const name of ['**', 'order.*', 'order.paid']) await host.activities.track({ name, path: '/' });
    await all.until(3);
    expect(await events.until(1)).toEqual(['order.paid']);
  } finally {
    await host.close();
  }
});

it('a listener in a class that is made for each request is refused at the start', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    @OnActivity()
    listen(): void {}
  }
  await expect(startHost({ adapter: 'express', providers: [Scoped] })).rejects.toThrow(
    'Scoped.listen listens to activities, but its class is request-scoped',
  );
});

it('a pattern that is not understood is refused', () => {
  expect(() => OnActivity({ names: 'x' } as object)).toThrow(
    'names is not known; allowed: user, session, visit, route, name, subject, group, path, ip, properties',
  );
  expect(() => OnActivity({ page: '/' } as object)).toThrow('page is not known');
  expect(() => OnActivity({ from: '2026-11-01' } as object)).toThrow('from is not known');
  expect(() => OnActivity({ name: [] })).toThrow('name must have 1 to 100 values');
  expect(() => OnActivity({ properties: { total: { above: 1 } } } as object)).toThrow(
    'properties.total must have one of not, startsWith, gte, lte, and nothing else',
  );
});
