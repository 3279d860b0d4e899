import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { DatabaseName } from '../../test/support/databases.js';
import { lock } from '../faults/locks.js';
import type { Stage } from '../faults/stage.js';
import { DAY, repeat, type Sent, Visitor } from './clients.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

export interface Situation {
  name: string;
  /** The databases; by default all. */
  on?: DatabaseName[];
  /** Prepares the situation. */
  before?(url: string): Promise<void>;
  /** Runs until the signal aborts, or ends earlier. */
  during(url: string, signal: AbortSignal, stage: Stage): Promise<void>;
}

/** Sends `count` activities of one visitor, in requests of up to 100. */
async function send(visitor: Visitor, count: number, make: (i: number) => Sent): Promise<void> {
  for (let at = 0; at < count; at += 100)
    await visitor.track(Array.from({ length: Math.min(100, count - at) }, (_, i) => make(at + i)));
}

function eachOf(clients: number, work: (client: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
}

const random = (): string => randomBytes(6).toString('hex');

const noon = (daysAgo: number): Date => new Date(Date.now() - (Date.now() % DAY) - daysAgo * DAY + DAY / 2);

/** Asks a question; the signal disconnects the client. */
async function ask(url: string, question: string, signal?: AbortSignal): Promise<void> {
  await fetch(`${url}/djaffar/${question}`, signal ? { signal } : {})
    .then((response) => response.arrayBuffer())
    .catch(() => {});
}

const ever = 'from=1970-01-01T00:00Z&to=2100-01-01T00:00Z';

/** The visitors of situations, from `before` to `during`. */
const visitors = new Map<string, Visitor>();

function visitorOf(name: string, url: string): Visitor {
  const visitor = visitors.get(name) ?? new Visitor(url);
  visitors.set(name, visitor);
  return visitor;
}

export const SITUATIONS: Situation[] = [
  {
    name: '100 activities a second, each of another visitor',
    during: async (url, signal) => {
      await eachOf(10, () =>
        repeat(signal, 100, () => new Visitor(url).track([{ date: new Date(), path: `/${random()[0]}` }])),
      );
    },
  },
  {
    name: '2,000 activities on 2,000 past days',
    during: async (url) => send(new Visitor(url), 2000, (i) => ({ date: noon(40 + i) })),
  },
  {
    name: 'an activity of 1970, and `top` of all time',
    during: async (url, signal) => {
      await new Visitor(url).track([{ date: new Date(0) }]);
      await repeat(signal, 500, () => ask(url, `stats/top?dimension=device&${ever}`));
    },
  },
  {
    name: 'forged cookies with a visit of 1970',
    during: async (url, signal) =>
      repeat(signal, 20, async () => {
        const visitor = new Visitor(url);
        visitor.cookie = `djaffar_session=${'a'.repeat(15)}.00000000${'b'.repeat(7)}.1.${random()}`;
        await visitor.track([{ date: new Date(0) }, { date: new Date() }]);
      }),
  },
  {
    name: 'a visit of 60,000 activities that continues, in no order',
    before: async (url) =>
      send(visitorOf('long', url), 60_000, (i) => ({
        date: new Date(Date.now() - HOUR / 4),
        path: `/${i % 50}`,
      })),
    during: async (url, signal) =>
      repeat(signal, 100, () =>
        visitorOf('long', url).track([{ date: new Date(Date.now() - Math.random() * MINUTE * 20) }]),
      ),
  },
  {
    name: 'a session of 20,000 visits that continues',
    before: async (url) =>
      send(visitorOf('session', url), 20_000, (i) => ({ date: new Date(Date.now() - i * 31 * MINUTE) })),
    during: async (url, signal) =>
      repeat(signal, 100, () =>
        visitorOf('session', url).track([
          { date: new Date(Date.now() - Math.trunc(Math.random() * 20_000) * 31 * MINUTE) },
        ]),
      ),
  },
  {
    name: 'a path with 40,000 visits in one past quarter of an hour, and more of them',
    before: async (url) => {
      const date = noon(10);
      await eachOf(8, () =>
        send(new Visitor(url), 5000, (i) => ({ date: new Date(+date + i), path: '/busy' })),
      );
    },
    during: async (url, signal) =>
      repeat(signal, 100, () => new Visitor(url).track([{ date: noon(10), path: '/busy' }])),
  },
  {
    name: '1,000 distinct paths a second',
    during: async (url, signal) =>
      repeat(signal, 100, () =>
        send(new Visitor(url), 100, () => ({ date: new Date(), path: `/${random()}` })),
      ),
  },
  {
    name: '1,000 distinct names and property keys a second',
    during: async (url, signal) =>
      repeat(signal, 100, () =>
        send(new Visitor(url), 100, () => ({
          date: new Date(),
          name: random(),
          properties: { [random()]: random(), plan: random() },
        })),
      ),
  },
  {
    name: 'paths of 2,048 characters, and filters with many wildcards',
    during: async (url, signal) => {
      await eachOf(2, (client) =>
        client === 0
          ? repeat(signal, 100, () =>
              send(new Visitor(url), 20, () => ({
                date: new Date(),
                path: `/${'%_*'.repeat(680)}${random()}`,
              })),
            )
          : repeat(signal, 100, () =>
              ask(url, `stats/overview?${ever}&path=${encodeURIComponent(`/${'%_*'.repeat(600)}*`)}`),
            ),
      );
    },
  },
  {
    name: 'one expensive question by 50 clients at once',
    during: async (url, signal) => {
      await eachOf(50, () =>
        repeat(signal, 50, () =>
          ask(url, `stats/top?dimension=property&property=plan&measure=users&${ever}`),
        ),
      );
    },
  },
  {
    name: '20 clients with questions of their own',
    during: async (url, signal) => {
      await eachOf(20, (client) =>
        repeat(signal, 50, () =>
          ask(
            url,
            `stats/retention?period=month&by=session&from=2000-01-01T00:00Z&to=2030-01-01T00:00Z&path=/${client}*`,
          ),
        ),
      );
    },
  },
  {
    name: '20 questions a second whose clients go',
    during: async (url, signal) => {
      const steps = encodeURIComponent(JSON.stringify([{ path: '/' }, { path: '/1' }, { path: '/2' }]));
      await eachOf(5, (client) =>
        repeat(signal, 200, () =>
          ask(url, `stats/funnel?steps=${steps}&${ever}&path=/${client}*`, AbortSignal.timeout(30)),
        ),
      );
    },
  },
  {
    name: 'three instances, each with a dashboard',
    during: async (url, signal, stage) => {
      const others = [await stage.start(), await stage.start()];
      try {
        const hosts = [url, ...others.map((host) => host.url)];
        await Promise.all(
          hosts.map((each) =>
            repeat(signal, 500, () => ask(each, 'stats/overview').then(() => ask(each, 'stats/live'))),
          ),
        );
      } finally {
        for (const host of others) await stage.end(host);
      }
    },
  },
  {
    name: 'the tables of the statistics, or the file, are locked for 3 s',
    during: async (_, signal, stage) => {
      const unlock = await lock(stage, 'djaffar_visit');
      await pause(3000, undefined, { signal }).catch(() => {});
      await unlock();
    },
  },
  {
    name: 'bodies of 64 KiB that are refused',
    during: async (url, signal) => {
      const body = `{"activities":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
      await eachOf(4, () => repeat(signal, 20, () => new Visitor(url).track([], { body })));
    },
  },
  {
    name: 'a user of 20,000 activities is erased',
    before: async (url) =>
      send(visitorOf('erased', url), 20_000, (i) => ({ date: noon(1 + (i % 25)), path: '/erased' })),
    during: async (url) => {
      await fetch(`${url}/djaffar/activities?path=/erased`, { method: 'DELETE' }).catch(() => {});
    },
  },
];
