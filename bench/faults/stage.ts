import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';
import { createDatabase, type DatabaseName, type TestDatabase } from '../../test/support/databases.js';
import { TcpProxy } from '../../test/support/tcp-proxy.js';
import { Load } from './load.js';
import { HostProcess } from './process.js';

/** A fault of a host under load. The stage measures the consequences. */
export interface Fault {
  name: string;
  on: DatabaseName[];
  /** Creates the stage, if the fault needs a separate database. */
  stage?(database: DatabaseName): Promise<Stage>;
  run(stage: Stage): Promise<void>;
}

export const ALL: DatabaseName[] = ['postgres', 'mariadb', 'sqlite'];
export const SERVERS: DatabaseName[] = ['postgres', 'mariadb'];

/** The consequences of a fault. Times in milliseconds. */
export interface Outcome {
  acknowledged: number;
  /** How many of the acknowledged activities are stored. */
  stored: number;
  doubled: number;
  /** The request to track that took a host longest, and the client. */
  worst: number;
  worstSeen: number;
  /** From the end of the fault to the last failed request; `undefined` if the fault has no end. */
  recovered: number | undefined;
  logLines: number;
  /** From SIGTERM to the end of the slowest process. */
  ended: number | undefined;
  notes: string[];
}

/** A database, hosts that use it, and the load on them. */
export class Stage {
  readonly hosts: HostProcess[] = [];
  readonly notes: string[] = [];
  readonly load = new Load(() => this.targets.map(({ url }) => url));
  /** The hosts that get the load. */
  targets: HostProcess[] = [];
  private readonly cleanUp: (() => Promise<unknown>)[] = [];
  private curedAt: number | undefined;
  private ended: number | undefined;

  private constructor(
    readonly name: DatabaseName,
    readonly database: Pick<TestDatabase, 'url'>,
    /** A connection for the fault itself. */
    readonly operator: DataSource,
  ) {}

  /** @param given a separate database */
  static async create(name: DatabaseName, given?: Pick<TestDatabase, 'url' | 'drop'>): Promise<Stage> {
    const database = given ?? (await createDatabase(name));
    const operator = await new DataSource({
      ...databaseOptions(database.url),
      entities: djaffarEntities,
      migrations: [...djaffarMigrations],
    }).initialize();
    await operator.runMigrations();
    const stage = new Stage(name, database, operator);
    stage.later(() => database.drop());
    stage.later(() => operator.destroy());
    return stage;
  }

  /** Adds work for the end, in reverse order. */
  later(work: () => Promise<unknown>): void {
    this.cleanUp.push(work);
  }

  async start(environment: Record<string, string> = {}): Promise<HostProcess> {
    const host = await HostProcess.start({ DATABASE_URL: this.database.url, ...environment });
    this.hosts.push(host);
    this.targets.push(host);
    return host;
  }

  /** Returns a proxy between hosts and the database, which can go silent. */
  async network(): Promise<{ proxy: TcpProxy; url: string }> {
    const proxy = await TcpProxy.start(this.database.url);
    this.later(() => proxy.close());
    const url = new URL(this.database.url);
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    return { proxy, url: url.href };
  }

  /** Marks the end of the fault: the time to recover counts from here. */
  cured(): void {
    this.curedAt = performance.now();
  }

  async end(host: HostProcess): Promise<void> {
    this.ended = Math.max(this.ended ?? 0, await host.end());
    if (host.exitCode !== 0) this.notes.push(`the host ended with ${host.exitCode ?? 'SIGKILL'}`);
    this.targets = this.targets.filter((each) => each !== host);
  }

  /** Tracks one activity that is not counted. */
  async track(path: string): Promise<void> {
    await fetch(`${this.targets[0]?.url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ date: new Date().toISOString(), path }),
    });
  }

  /** Sends a request, and notes its answer. @returns its milliseconds */
  async ask(what: string, url: string, init?: RequestInit): Promise<number> {
    const begun = performance.now();
    const answer = await fetch(url, { signal: AbortSignal.timeout(120_000), ...init })
      .then(async (response) => {
        await response.arrayBuffer();
        return String(response.status);
      })
      .catch((error: unknown) => String(error));
    const took = performance.now() - begun;
    this.notes.push(`${what} ${answer} after ${(took / 1000).toFixed(1)} s`);
    return took;
  }

  async finish(): Promise<Outcome> {
    try {
      await this.load.stop();
      for (const host of this.targets) await this.end(host);
      return await this.outcome();
    } finally {
      this.load.abandon();
      for (const host of this.hosts) await host.end('SIGKILL');
      for (const each of this.cleanUp.toReversed()) await each();
    }
  }

  private async outcome(): Promise<Outcome> {
    const rows = await this.operator.query<{ id: string }[]>('SELECT id FROM djaffar_activity');
    const stored = new Set(rows.map(({ id }) => id));
    const { acknowledged, worst, failedAt } = this.load;
    for (const { log } of this.hosts) for (const line of log) process.stderr.write(`> ${line}\n`);
    return {
      acknowledged: acknowledged.length,
      stored: acknowledged.filter((id) => stored.has(id)).length,
      doubled: rows.length - stored.size,
      worst: Math.max(...this.hosts.map(({ longest }) => longest)),
      worstSeen: worst,
      recovered: this.curedAt && Math.max(0, (failedAt ?? 0) - this.curedAt),
      logLines: this.hosts.reduce((sum, { log }) => sum + log.length, 0),
      ended: this.ended,
      notes: this.notes,
    };
  }
}
