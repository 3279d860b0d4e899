import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { filter, firstValueFrom, Subject, take, toArray } from 'rxjs';
import { Activity, type ActivityService } from '../../lib/index.js';
import { chunks } from '../../lib/database/chunks.js';
import { ActivityStream } from '../../lib/dashboard/activity.stream.js';
import { Turns } from '../../lib/dashboard/turns.js';
import { type DatabaseName, FOUND } from '../support/databases.js';
import { AdaGuard, open } from '../support/dashboard.js';
import { ADAPTERS, type Host, type HostOptions, startHost } from '../support/host.js';

const PATH = '/djaffar/dashboard/data/stream';
const djaffar = { dashboard: { guards: [AdaGuard] } };

interface Event {
  type: string;
  paths: string[];
}

/** As an EventSource reads it, the comments as events too. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<Event, void, void> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk as string;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield read(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function read(text: string): Event {
  if (text.startsWith(':')) return { type: 'comment', paths: [] };
  const [, type = '', data = ''] = /^event: (\w+)\ndata: (.+)$/.exec(text) ?? [];
  const json: unknown = JSON.parse(data);
  return { type, paths: Array.isArray(json) ? json.map(({ path }: Activity) => path) : [] };
}

describe.each(ADAPTERS)('GET /djaffar/dashboard/data/stream on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(options: Omit<HostOptions, 'adapter'> = {}): Promise<Host> {
    const host = await startHost({ adapter, djaffar, ...options });
    hosts.push(host);
    return host;
  }

  /** The next event of the stream that is no comment. */
  async function next(events: AsyncGenerator<Event, void, void>): Promise<Event | undefined> {
    for (;;) {
      const { value } = await events.next();
      if (value?.type !== 'comment') return value ?? undefined;
    }
  }

  afterEach(async () => {
    // The last one has nobody else's database.
    for (const host of hosts.splice(0).toReversed()) await host.close();
  });

  it('starts with the last minute, and continues with activities of all instances', async () => {
    const one = await start();
    await one.activities.track({ path: '/long-ago', date: new Date(Date.now() - 120_000) });
    await one.activities.track({ path: '/1', date: new Date(Date.now() - 1000) });
    await one.activities.track({ path: '/2', session: 's', userAgent: 'Googlebot/2.1' });
    const other = await start({ database: one.database });
    const response = await open(other, PATH);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    const events = eventsOf(response);
    expect(await next(events)).toEqual({ type: 'activities', paths: ['/long-ago', '/1', '/2'] });
    await one.activities.track({ path: '/3' });
    expect(await next(events)).toEqual({ type: 'activities', paths: ['/3'] });
    const later = eventsOf(await open(other, PATH));
    expect(await next(later)).toEqual({ type: 'activities', paths: ['/long-ago', '/1', '/2', '/3'] });
    await one.activities.track({ path: '/4' });
    expect(await next(later)).toEqual({ type: 'activities', paths: ['/4'] });
    expect(await next(events)).toEqual({ type: 'activities', paths: ['/4'] });
  });

  it('says at once that there is nothing yet', async () => {
    const events = eventsOf(await open(await start(), PATH));
    expect(await next(events)).toEqual({ type: 'activities', paths: [] });
  });

  it('reports a failure of the database, and continues when it is over', async () => {
    const host = await start();
    const events = eventsOf(await open(host, PATH));
    expect(await next(events)).toEqual({ type: 'activities', paths: [] });
    await host.dataSource.query('ALTER TABLE djaffar_activity RENAME TO away');
    expect(await next(events)).toEqual({ type: 'trouble', paths: [] });
    await host.dataSource.query('ALTER TABLE away RENAME TO djaffar_activity');
    expect(await next(events)).toEqual({ type: 'activities', paths: [] });
  });

  it('sends what is larger than what may wait', async () => {
    const host = await start();
    const long = `/${'日'.repeat(2047)}`;
    for (let i = 0; i < 100; i++) await host.activities.track({ path: long, referer: long });
    const paths = Array.from({ length: 100 }, () => long);
    const events = eventsOf(await open(host, PATH));
    expect(await next(events)).toEqual({ type: 'activities', paths });
    // The second one gets it before anything is read of its answer.
    const later = eventsOf(await open(host, PATH));
    expect(await next(later)).toEqual({ type: 'activities', paths });
  });

  it('ends if the host shuts down, which does not wait for it', async () => {
    const host = await start();
    const events = eventsOf(await open(host, PATH));
    expect(await next(events)).toBeDefined();
    hosts.pop();
    await host.close();
    expect(await next(events)).toBeUndefined();
  });
});

describe('the stream of activities', () => {
  let host: Host;
  let asked: number;
  let looked: EventEmitter;
  let atOnce: number;
  let stream: ActivityStream;

  beforeEach(async () => {
    host = await startHost({ adapter: 'express' });
    asked = 0;
    looked = new EventEmitter();
    atOnce = 0;
    let running = 0;
    const observed: Pick<ActivityService, 'findReceived'> = {
      findReceived: async (...question) => {
        asked += 1;
        looked.emit('look');
        atOnce = Math.max(atOnce, (running += 1));
        try {
          return await host.activities.findReceived(...question);
        } finally {
          running -= 1;
        }
      },
    };
    stream = new ActivityStream(observed, undefined, { look: 1, ping: 1 });
  });

  afterEach(() => host.close());

  /** Resolves when the database was asked so many times more. */
  async function looks(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) await once(looked, 'look');
  }

  it('asks the database for all subscribers at once, never twice, and only while there are any', async () => {
    expect(asked).toBe(0);
    const subscriptions = [1, 2, 3].map(() => stream.events().subscribe());
    await looks(5);
    subscriptions[0]?.unsubscribe();
    await looks(5);
    for (const each of subscriptions) each.unsubscribe();
    // One that comes at once does not begin a look beside the one that is under way.
    const last = stream.events().subscribe();
    await looks(5);
    last.unsubscribe();
    expect(atOnce).toBe(1);
    const { length } = await firstValueFrom(stream.events().pipe(take(1), toArray()));
    expect(length).toBe(1);
    const before = asked;
    await host.activities.find();
    expect(asked).toBe(before);
  });

  it('sends each activity once, and each failure once', async () => {
    const heard: string[] = [];
    const subscription = stream
      .events()
      .subscribe((text) => heard.push(...(text.match(/(?<=^event: )\w+|(?<="path":")[^"]+/g) ?? [])));
    await host.activities.track({ path: '/1' });
    await looks(5);
    await host.dataSource.query('ALTER TABLE djaffar_activity RENAME TO away');
    await looks(5);
    await host.dataSource.query('ALTER TABLE away RENAME TO djaffar_activity');
    await looks(5);
    await host.activities.track({ path: '/2' });
    await looks(5);
    subscription.unsubscribe();
    expect(heard.filter((word) => word !== 'activities')).toEqual(['/1', 'trouble', '/2']);
    expect(heard.filter((word) => word === 'activities').length).toBeLessThanOrEqual(4);
  });

  it('goes back to the last successful poll, and repeats nothing after an erasure', async () => {
    const clock = { ahead: 0, now: () => performance.now() + clock.ahead };
    const questions: [within: number, known: number][] = [];
    let isFailing = false;
    let isErased = false;
    const flaky: Pick<ActivityService, 'findReceived'> = {
      findReceived: async (within, limit, known) => {
        questions.push([within, known?.size ?? 0]);
        looked.emit('look');
        if (isFailing) throw new Error('away');
        const found = await host.activities.findReceived(within, limit, known);
        // As if newer ones had taken all room, until they were erased.
        return isErased ? found : { ...found, ids: found.ids.slice(0, 1) };
      },
    };
    const watched = new ActivityStream(flaky, undefined, { look: 1 }, clock);
    const heard: string[] = [];
    await host.activities.track({ path: '/1' });
    const subscription = watched
      .events()
      .subscribe((text) => heard.push(...(text.match(/(?<="path":")[^"]+/g) ?? [])));
    await looks(3);
    await host.activities.track({ path: '/2' });
    await looks(3);
    isErased = true;
    await looks(3);
    expect(heard).toEqual(['/1', '/2']);
    expect(questions.at(-1)?.[1]).toBe(2);
    isFailing = true;
    await looks(2);
    clock.ahead = 600_000;
    isFailing = false;
    questions.length = 0;
    await looks(3);
    subscription.unsubscribe();
    const [within = 0] = questions.find(([back]) => back > 600_000) ?? [];
    expect(within).toBeGreaterThanOrEqual(660_000);
    expect(questions.at(-1)?.[0]).toBeLessThan(120_000);
    expect(heard).toEqual(['/1', '/2']);
  });

  it('has activities of clients and of instances whose clock is a bit ahead', async () => {
    await host.activities.track({ path: '/client', date: new Date(Date.now() + 60_000) });
    await host.activities.track({ path: '/instance' });
    const receivedAt = new Date(Date.now() + 30_000);
    await host.dataSource.getRepository(Activity).update({ path: '/instance' }, { receivedAt });
    const { activities } = await host.activities.findReceived(60_000, 10);
    expect(activities.map(({ path }) => path)).toEqual(['/client', '/instance']);
  });

  it('makes the JSON of an activity once for all subscribers', async () => {
    const stringify = jest.spyOn(JSON, 'stringify');
    // At a look of its own, all three are told of the same.
    const heard = Promise.all(
      Array.from({ length: 3 }, () =>
        firstValueFrom(stream.events().pipe(filter((text) => text.includes('/1')))),
      ),
    );
    await host.activities.track({ path: '/1' });
    expect(new Set(await heard).size).toBe(1);
    const made = stringify.mock.calls.filter(
      ([value]: unknown[]) => typeof value === 'object' && value !== null && 'receivedAt' in value,
    );
    stringify.mockRestore();
    expect(made).toHaveLength(1);
  });

  it('shows signs of life all along', async () => {
    const texts = await firstValueFrom(stream.events().pipe(take(20), toArray()));
    expect(texts.filter((text) => text.startsWith(':')).length).toBeGreaterThan(10);
  });

  it('ends after a stated time if nothing may run in the background', async () => {
    const short = new ActivityStream(host.activities, undefined, { look: 1, ping: 1, end: 50 });
    const texts = await firstValueFrom(short.events().pipe(toArray()));
    expect(texts[0]).toContain('ping');
  });

  it('ends if the host shuts down, and does not start again', async () => {
    const subscription = stream.events().subscribe();
    stream.onModuleDestroy();
    expect(subscription.closed).toBe(true);
    expect(await firstValueFrom(stream.events().pipe(toArray()))).toEqual([]);
    expect(asked).toBeLessThanOrEqual(1);
  });
});

const SERVERS = FOUND.filter((name) => name !== 'sqlite');
const ofServers =
  SERVERS.length > 0 ? describe.each(SERVERS) : describe.skip.each<DatabaseName>(['postgres']);

// SQLite has one connection, whose transactions come one after the other.
ofServers('the stream of activities on %s', (name) => {
  it('has each activity once, also one that is committed after very many that were received later', async () => {
    const host = await startHost({ adapter: 'express', database: name });
    try {
      const stream = new ActivityStream(host.activities, undefined, { look: 1 });
      const heard = new Map<string, number>();
      const news = new EventEmitter();
      const subscription = stream.events().subscribe((text) => {
        for (const [path] of text.matchAll(/(?<="path":")[^"]+/g))
          heard.set(path, (heard.get(path) ?? 0) + 1);
        news.emit('news');
      });
      const until = async (path: string): Promise<void> => {
        while (!heard.has(path)) await once(news, 'news');
      };
      await host.dataSource.transaction(async (manager) => {
        await host.activities.track({ path: '/late' }, { manager });
        const paths = Array.from({ length: 250 }, (_, i) => `/${i}`);
        for (const some of chunks(paths, 50)) {
          await Promise.all(some.map((path) => host.activities.track({ path })));
          for (const path of some) await until(path);
        }
        expect(heard.has('/late')).toBe(false);
      });
      await until('/late');
      await host.activities.track({ path: '/last' });
      await until('/last');
      subscription.unsubscribe();
      expect(heard.size).toBe(252);
      expect(new Set(heard.values())).toEqual(new Set([1]));
    } finally {
      await host.close();
    }
  });
});

describe('Turns', () => {
  it('lets others have a turn of the event loop between many who get the same', async () => {
    const turns = new Turns();
    const source = new Subject<string>();
    const heard: number[] = [];
    const subscribers = Array.from({ length: 500 }, (_, i) =>
      turns.spread(source).subscribe(() => heard.push(i)),
    );
    source.next('news');
    expect(heard).toEqual([]);
    const perTurn: number[] = [];
    for (let before = 0; heard.length < 500; before = heard.length) {
      await new Promise((resolve) => setImmediate(resolve));
      perTurn.push(heard.length - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(50);
    expect(heard).toEqual(Array.from({ length: 500 }, (_, i) => i));
    for (const each of subscribers) each.unsubscribe();
  });
});
