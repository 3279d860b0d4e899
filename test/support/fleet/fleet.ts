import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, type MigrationInterface, type QueryRunner } from 'typeorm';
import { djaffarEntities } from '../../../lib/index.js';
import type { Mismatches } from '../../../lib/store/store.js';
import { TypeOrmStore } from '../../../lib/store/typeorm/typeorm.store.js';
import { type Sample, startSample } from '../sample.js';
import { RoundRobin } from './round-robin.js';
import { Traffic } from './traffic.js';

const INSTANCES = 4;
/** The answer of each so-manieth POST is lost. */
const DROP_EVERY = 97;

/** A migration of a new version: it locks tables that instances of the old version use. */
class AddTenant1790000000000 implements MigrationInterface {
  name = 'AddTenant1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE djaffar_activity ADD COLUMN tenant varchar(32)');
    await runner.query('CREATE INDEX tenants ON djaffar_activity (tenant)');
    await runner.query(`ALTER TABLE orders ADD COLUMN tenant varchar(32) NOT NULL DEFAULT ''`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP COLUMN tenant');
    await runner.query('ALTER TABLE djaffar_activity DROP COLUMN tenant');
  }
}

export interface FleetOptions {
  database: { url: string; options: DataSourceOptions };
  /** Milliseconds. */
  duration: number;
  /** Milliseconds between two instances that are killed. */
  killEvery: number;
  /** Activities a second, besides those that are erased. */
  perSecond: number;
}

export interface FleetResult extends Record<keyof Traffic['counts'], number> {
  tracked: number;
  acknowledged: number;
  /** Acknowledged activities that are not stored. */
  missing: number;
  /** Activities that are stored although they were erased. */
  remaining: number;
  /** Visits that are stored, and activities: each is of another visitor. */
  visits: number;
  stored: number;
  wrong: string[];
  mismatches: Mismatches;
  killed: number;
  deployed: number;
  dropped: number;
}

/** Runs instances of the sample host behind a proxy, kills some and deploys a new version, under traffic. */
export async function runFleet(options: FleetOptions): Promise<FleetResult> {
  const { database, duration, killEvery, perSecond } = options;
  const environment = { DATABASE_URL: database.url, JWT_KEY: randomBytes(16).toString('hex') };
  const start = (): Promise<Sample> => startSample(environment);
  const proxy = await RoundRobin.start(DROP_EVERY);
  const instances: Sample[] = [];
  const update = (): void => void (proxy.targets = instances.map(({ url }) => url));
  let killed = 0;
  let deployed = 0;

  async function kill(): Promise<void> {
    const victim = instances[killed % instances.length];
    if (!victim) return;
    killed += 1;
    // The proxy notices as late as the orchestrator.
    await victim.end('SIGKILL');
    const replacement = await start();
    instances.splice(instances.indexOf(victim), 1, replacement);
    update();
  }

  async function deploy(): Promise<void> {
    await migrate(database.options);
    for (const old of instances) {
      const replacement = await start();
      instances.splice(instances.indexOf(old), 1, replacement);
      update();
      await old.end('SIGTERM');
      deployed += 1;
    }
  }

  try {
    // The first one runs the migrations.
    for (let i = 0; i < INSTANCES; i++) instances.push(await start());
    update();
    const traffic = new Traffic(proxy.url);
    await traffic.start(perSecond);
    const begun = performance.now();
    const until = (milliseconds: number): Promise<void> =>
      pause(Math.max(0, begun + milliseconds - performance.now()));
    for (let at = killEvery; at < duration; at += killEvery) {
      await until(at);
      await kill();
      if (deployed === 0 && at >= duration / 2 - killEvery) await deploy();
    }
    await until(duration);
    await traffic.stop();
    await traffic.ask('/kept');
    await traffic.ask('/gone');
    const { ledger, wrong, counts } = traffic;
    return {
      ...counts,
      ...(await inspect(database.options, ledger.expected())),
      tracked: ledger.entries.length,
      acknowledged: ledger.entries.filter(({ acknowledged }) => acknowledged < Infinity).length,
      wrong,
      killed,
      deployed,
      dropped: proxy.dropped,
    };
  } finally {
    await Promise.all(instances.map((instance) => instance.end('SIGKILL')));
    await proxy.close();
  }
}

async function migrate(options: DataSourceOptions): Promise<void> {
  const dataSource = await new DataSource({
    ...options,
    migrations: [AddTenant1790000000000],
  }).initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
}

async function inspect(
  options: DataSourceOptions,
  expected: { stored: string[]; erased: string[] },
): Promise<Pick<FleetResult, 'missing' | 'remaining' | 'visits' | 'stored' | 'mismatches'>> {
  const dataSource = await new DataSource({ ...options, entities: djaffarEntities }).initialize();
  try {
    const rows: { id: string; visitId: string }[] = await dataSource.query(
      `SELECT id, "visitId" FROM djaffar_activity WHERE path LIKE '/kept%' OR path LIKE '/gone%'`,
    );
    const ids = new Set(rows.map(({ id }) => id));
    return {
      missing: expected.stored.filter((id) => !ids.has(id)).length,
      remaining: expected.erased.filter((id) => ids.has(id)).length,
      visits: new Set(rows.map(({ visitId }) => visitId)).size,
      stored: rows.length,
      mismatches: await new TypeOrmStore(dataSource).check(),
    };
  } finally {
    await dataSource.destroy();
  }
}
