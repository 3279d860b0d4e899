import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { POSTGRES_BIN, PostgresServer } from '../support/postgres.js';
import { type Sample, startSample } from '../support/sample.js';

const CONNECTIONS = 256;

/** Clients that post as fast as they are answered, until they are told to stop. */
class Load {
  readonly acknowledged: string[] = [];
  readonly statuses = new Map<number, number>();
  private isStopped = false;
  private clients: Promise<void>[] = [];

  constructor(private readonly url: () => string) {}

  start(connections: number): void {
    this.clients = Array.from({ length: connections }, () => this.client());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.clients);
  }

  /** Resolves when so many more have been acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    while (this.acknowledged.length < goal) await pause(5);
  }

  private async client(): Promise<void> {
    let id = randomUUID();
    while (!this.isStopped) {
      const status = await this.post(id);
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      // What was not acknowledged is sent again, under the same id.
      if (status !== 204) await pause(50);
      else {
        this.acknowledged.push(id);
        id = randomUUID();
      }
    }
  }

  private async post(id: string): Promise<number> {
    try {
      const body = JSON.stringify({ id, date: new Date().toISOString(), path: '/' });
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(`${this.url()}/djaffar/track/`, { method: 'POST', headers, body });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 0;
    }
  }
}

function memoryOf(pid: number | undefined): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

if (!POSTGRES_BIN) {
  const message = 'PostgreSQL has no programs here: set TEST_POSTGRES_BIN to their folder';
  if (process.env.CI) throw new Error(message);
  process.stderr.write(`\n*** LEFT OUT: the tests of an outage: ${message}\n`);
}

(POSTGRES_BIN ? describe : describe.skip)('with a real PostgreSQL of its own', () => {
  let server: PostgresServer;
  let sample: Sample;

  beforeEach(async () => {
    server = await PostgresServer.create(POSTGRES_BIN ?? '');
    sample = await startSample({ DATABASE_URL: server.url, HTTP_ADAPTER: 'fastify' });
  });

  afterEach(async () => {
    await sample.end('SIGKILL');
    await server.remove();
  });

  it('a database stopped for 10 seconds under 256 connections costs no acknowledged activity, doubles none, and bounds memory', async () => {
    const load = new Load(() => sample.url);
    load.start(CONNECTIONS);
    await load.more(2000);
    const before = memoryOf(sample.process.pid);
    await server.stop();
    await pause(10_000);
    const during = memoryOf(sample.process.pid);
    const restart = Date.now();
    await server.start();
    await load.more(1);
    const resumed = Date.now() - restart;
    await load.more(2000);
    await load.stop();
    const stored = await server.ids();
    // For the record: the time since the server was started, before it took connections.
    process.stderr.write(
      `resumed ${resumed} ms after the start; ${before.toFixed(0)} MB, ${during.toFixed(0)} MB\n`,
    );
    expect(new Set(load.statuses.keys())).toEqual(new Set([204, 503]));
    expect(new Set(stored).size).toBe(stored.length);
    const kept = new Set(stored);
    expect(load.acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect(during - before).toBeLessThan(200);
  });

  it('twenty times SIGKILL under load loses no acknowledged activity and doubles none', async () => {
    const load = new Load(() => sample.url);
    load.start(32);
    for (let kill = 0; kill < 20; kill++) {
      await load.more(100);
      await sample.end('SIGKILL');
      sample = await startSample({ DATABASE_URL: server.url, HTTP_ADAPTER: 'fastify' });
    }
    await load.more(100);
    await load.stop();
    const stored = await server.ids();
    expect(new Set(stored).size).toBe(stored.length);
    const kept = new Set(stored);
    expect(load.acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect(load.acknowledged.length).toBeGreaterThanOrEqual(2100);
  });
});
