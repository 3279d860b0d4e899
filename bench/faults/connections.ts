import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseUser } from '../../test/support/database-user.js';
import { lock } from './locks.js';
import { ALL, type Fault, SERVERS, type Stage } from './stage.js';

const RATE = 20;

/** Locks the table, while the host runs a query of its own. */
async function lockFor(stage: Stage, milliseconds: number): Promise<void> {
  const unlock = await lock(stage);
  await pause(milliseconds - 3000);
  await stage.ask('the host’s own query', `${stage.hosts[0]?.url}/health`);
  await pause(3000);
  await unlock();
  stage.cured();
  await pause(3000);
}

const lockedPool = (size: number): Fault => ({
  name: `a table locked for 12 s, a pool of ${size}`,
  on: SERVERS,
  async run(stage) {
    await stage.start({ POOL: String(size) });
    stage.load.start(RATE);
    await pause(2000);
    await lockFor(stage, 12_000);
  },
});

const KILL: Record<string, string> = {
  postgres: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  mariadb: `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()`,
};

async function killAll(stage: Stage): Promise<void> {
  const rows = await stage.operator.query<{ id?: number }[]>(KILL[stage.name] ?? '');
  if (stage.name !== 'mariadb') return;
  for (const { id } of rows) await stage.operator.query(`KILL ${id}`).catch(() => {});
}

async function createUser(stage: Stage, maxConnections?: number): Promise<DatabaseUser> {
  const user = await DatabaseUser.create(stage.operator, stage.database.url, maxConnections);
  stage.later(() => user.drop());
  return user;
}

export const connections: Fault[] = [
  lockedPool(1),
  lockedPool(2),
  {
    name: 'a table locked for 12 s',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(RATE);
      await pause(2000);
      await lockFor(stage, 12_000);
    },
  },
  {
    name: 'a network that is silent for 15 s (black hole)',
    on: SERVERS,
    async run(stage) {
      const { proxy, url } = await stage.network();
      await stage.start({ DATABASE_URL: url });
      stage.load.start(RATE);
      await pause(2000);
      proxy.silence();
      await pause(15_000);
      proxy.heal();
      stage.cured();
      await pause(12_000);
      await stage.ask('the host’s own query', `${stage.hosts[0]?.url}/health`);
    },
  },
  {
    name: 'all connections killed, ten times',
    on: SERVERS,
    async run(stage) {
      await stage.start();
      stage.load.start(100);
      for (let i = 0; i < 10; i++) {
        await pause(500);
        await killAll(stage);
      }
      stage.cured();
      await pause(2000);
    },
  },
  {
    name: 'a limit of one connection for the user',
    on: SERVERS,
    async run(stage) {
      const { url } = await createUser(stage, 1);
      await stage.start({ DATABASE_URL: url });
      stage.load.start(100);
      await pause(8000);
      await stage.ask('a question', `${stage.hosts[0]?.url}/djaffar/stats/overview`);
    },
  },
  {
    name: 'no right to INSERT for 8 s',
    on: SERVERS,
    async run(stage) {
      const user = await createUser(stage);
      await stage.start({ DATABASE_URL: user.url });
      stage.load.start(RATE);
      await pause(1000);
      await user.revokeInsert('djaffar_activity');
      await pause(8000);
      await user.grantInsert('djaffar_activity');
      stage.cured();
      await pause(2000);
    },
  },
];
