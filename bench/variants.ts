import { setTimeout as wait } from 'node:timers/promises';
import autocannon from 'autocannon';
import { createDatabase, type DatabaseName } from '../test/support/databases.js';
import { startHost } from './process.js';

/** Each has a user agent and a cookie of its own. */
const VISITORS = 200;

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export interface VariantSettings {
  database: DatabaseName;
  /** Names of hosts in host.ts. */
  variants: string[];
  rounds: number;
  connections: number;
  /** Seconds of a round. */
  seconds?: number;
  /** Fills the database of a variant before its host starts. */
  prepare?: (url: string) => Promise<void>;
  /** Milliseconds from the start of the hosts to the first round. */
  settle?: number;
  /** Called when all rounds are over, with the URLs of the databases. */
  finish?: (urls: string[]) => Promise<void>;
}

/**
 * Requests a second of `POST /djaffar/track` in each variant of the host, one activity each: the median of alternating rounds, in which
 * the other hosts are frozen.
 */
export async function measureVariants(settings: VariantSettings): Promise<number[]> {
  const { database, variants, rounds, connections, seconds = 2, prepare, settle = 0, finish } = settings;
  const databases = await Promise.all(variants.map(() => createDatabase(database)));
  for (const { url } of databases) await prepare?.(url);
  const hosts = await Promise.all(
    variants.map((VARIANT, i) =>
      startHost({ VARIANT, ADAPTER: 'fastify', DATABASE_URL: databases[i]?.url ?? '' }),
    ),
  );
  await wait(settle);
  for (const host of hosts) host.freeze(true);
  const samples = variants.map((): number[] => []);
  // The first round is a warm-up.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, host] of hosts.entries()) {
      const url = `${host.url}/djaffar/track`;
      host.freeze(false);
      const requests = await Promise.all(
        Array.from({ length: VISITORS }, (_, visitor) => visit(url, visitor)),
      );
      const result = await autocannon({ url, requests, connections, duration: seconds });
      host.freeze(true);
      if (result.non2xx > 0) throw new Error(`${result.non2xx} requests failed`);
      if (round > 0) samples[i]?.push(result.requests.average);
    }
  }
  await finish?.(databases.map(({ url }) => url));
  for (const host of hosts) host.freeze(false);
  await Promise.all(hosts.map((host) => host.stop()));
  for (const each of databases) await each.drop();
  return samples.map(median);
}

/** The request of a visitor who comes again. */
async function visit(url: string, visitor: number): Promise<autocannon.Request> {
  const headers = {
    'content-type': 'application/json',
    'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:${visitor}.0) Gecko/20100101 Firefox/${visitor}.0`,
  };
  const body = JSON.stringify({ date: new Date().toISOString(), path: '/products/17' });
  const response = await fetch(url, { method: 'POST', headers, body });
  const cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
  return { method: 'POST', headers: { ...headers, cookie }, body };
}
