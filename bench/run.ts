import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { JwtService } from '@nestjs/jwt';
import autocannon from 'autocannon';
import { createDatabase, type DatabaseName } from '../test/support/databases.js';
import { chart } from './chart.js';
import { fill } from './fill.js';
import { type BenchHost, cpuOf, startHost } from './process.js';
import { type Cell, report } from './report.js';

// What a tracked activity costs, compared with a request that does nothing, and with what most would write by hand; see
// README.md in this folder.
const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string', multiple: true, default: ['fastify', 'express'] },
    database: { type: 'string', multiple: true, default: ['postgres', 'mariadb', 'sqlite'] },
    connections: { type: 'string', multiple: true, default: ['1', '16', '64', '256'] },
    scenario: { type: 'string', multiple: true, default: ['known', 'new', 'batch', 'jwt', 'idle', 'rows'] },
    // A checkout of an earlier commit, whose Djaffar is measured beside this one.
    before: { type: 'string' },
    rows: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    out: { type: 'string', default: 'bench' },
  },
});

/** The compared hosts of each scenario. The naive controller has no batches. */
const VARIANTS: Record<string, string[]> = {
  batch: ['floor', 'djaffar'],
  // A request that tracks nothing: without Djaffar, with it, and with `requestContext`.
  idle: ['floor', 'beside', 'context'],
  // Djaffar with empty tables, and with full ones.
  rows: ['djaffar', 'full'],
};
const ALL_VARIANTS = ['floor', 'naive', 'djaffar'];
const PROCESSES: Record<string, string> = { postgres: 'postgres', mariadb: 'mariadbd' };
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const SECRET = 'bench';

const activity = {
  date: new Date(Date.now() - 60_000).toISOString(),
  path: '/products/17?ref=mail',
  referer: 'https://example.org/',
  name: 'view',
};

async function requestOf(scenario: string, host: BenchHost): Promise<autocannon.Options> {
  const body = scenario === 'batch' ? { activities: Array.from({ length: 20 }, () => activity) } : activity;
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': USER_AGENT };
  if (scenario === 'jwt') {
    headers.authorization = `Bearer ${new JwtService({ secret: SECRET }).sign({ sub: '17', name: 'jeff' })}`;
  }
  const request = {
    url: `${host.url}/djaffar/track`,
    method: 'POST' as const,
    headers,
    body: JSON.stringify(body),
  };
  if (scenario !== 'new') {
    const response = await fetch(request.url, request);
    const cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0];
    if (cookie) headers.cookie = cookie;
  }
  return request;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Measures all variants in alternating rounds, so that noise affects all of them. */
async function measure(
  adapter: string,
  database: DatabaseName,
  scenario: string,
  connections: number[],
): Promise<Cell[]> {
  const cells: Cell[] = [];
  const compared = VARIANTS[scenario] ?? ALL_VARIANTS;
  const variants = options.before && compared.includes('djaffar') ? [...compared, 'before'] : compared;
  const databases = await Promise.all(variants.map(() => createDatabase(database)));
  const hosts = await Promise.all(
    variants.map((variant, i) =>
      startHost(
        {
          VARIANT: variant === 'full' || variant === 'before' ? 'djaffar' : variant,
          ADAPTER: adapter,
          DATABASE_URL: databases[i]?.url ?? '',
          JWT_SECRET: SECRET,
          ...(scenario === 'jwt' && { JWT: '1' }),
        },
        variant === 'before' ? options.before : undefined,
      ),
    ),
  );
  if (scenario === 'rows') await fill(databases[variants.indexOf('full')]?.url ?? '', Number(options.rows));
  for (const count of connections) {
    const samples = new Map<
      string,
      { rps: number; p50: number; p99: number; cpu: number; databaseCpu: number }[]
    >();
    // The first round is a warm-up, and is not counted.
    for (let round = 0; round <= Number(options.rounds); round++) {
      for (const [i, variant] of variants.entries()) {
        const host = hosts[i];
        if (!host) throw new Error(`no host for ${variant}`);
        const request = await requestOf(scenario, host);
        const cpu = await host.cpu();
        const databaseCpu = cpuOf(PROCESSES[database] ?? '');
        const result = await autocannon({
          ...request,
          connections: count,
          duration: Number(options.seconds),
        });
        if (result.non2xx > 0 || result.errors > 0)
          throw new Error(`${variant} answered ${result.non2xx} errors`);
        const thousands = result['2xx'] / 1000;
        const sample = {
          rps: result.requests.average,
          p50: result.latency.p50,
          p99: result.latency.p99,
          cpu: ((await host.cpu()) - cpu) / thousands,
          databaseCpu: (cpuOf(PROCESSES[database] ?? '') - databaseCpu) / thousands,
        };
        if (round > 0) samples.set(variant, [...(samples.get(variant) ?? []), sample]);
      }
    }
    for (const [variant, taken] of samples) {
      const medianOf = (key: keyof (typeof taken)[number]): number =>
        median(taken.map((sample) => sample[key]));
      const cell = {
        adapter,
        database,
        scenario,
        connections: count,
        variant,
        rps: medianOf('rps'),
        p50: medianOf('p50'),
        p99: medianOf('p99'),
        cpu: medianOf('cpu'),
        databaseCpu: medianOf('databaseCpu'),
      };
      cells.push(cell);
      process.stderr.write(
        `${Object.values(cell)
          .map((value) => (typeof value === 'number' ? value.toFixed(1) : value))
          .join(' ')}\n`,
      );
    }
  }
  await Promise.all(hosts.map((host) => host.stop()));
  await Promise.all(databases.map((each) => each.drop()));
  return cells;
}

const cells: Cell[] = [];
for (const database of options.database as DatabaseName[]) {
  for (const adapter of options.adapter) {
    for (const scenario of options.scenario) {
      // Filling the tables takes minutes, and the adapter makes no difference.
      if (scenario === 'rows' && (database !== 'postgres' || adapter !== 'fastify')) continue;
      // Several numbers of connections are only measured for the most frequent case.
      const connections = scenario === 'known' ? options.connections.map(Number) : [64];
      cells.push(...(await measure(adapter, database, scenario, connections)));
    }
  }
}
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const markdown = report(cells, { machine, rounds: Number(options.rounds), seconds: Number(options.seconds) });
process.stdout.write(markdown);
writeFileSync(`${options.out}/RESULTS.md`, markdown);
writeFileSync(`${options.out}/results.svg`, chart(cells));
