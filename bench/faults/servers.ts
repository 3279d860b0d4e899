import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { DatabaseName } from '../../test/support/databases.js';
import { MARIADBD, MariadbServer } from '../../test/support/mariadb.js';
import { POSTGRES_BIN, PostgresServer } from '../../test/support/postgres.js';
import { type Fault, SERVERS, Stage } from './stage.js';

/** A server that the fault may stop. */
interface Server {
  readonly url: string;
  readonly isRunning: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** @param folder the folder for its files */
async function createServer(database: DatabaseName, folder?: string): Promise<Server> {
  if (database === 'mariadb') {
    if (!MARIADBD) throw new Error('mariadbd was not found');
    return MariadbServer.create(MARIADBD, folder);
  }
  if (!POSTGRES_BIN) throw new Error('PostgreSQL has no programs here: set TEST_POSTGRES_BIN');
  return PostgresServer.create(POSTGRES_BIN, folder);
}

/** Returns a fault with a separate database server. */
function ofServer(
  name: string,
  run: (stage: Stage, server: Server) => Promise<void>,
  folder?: () => Disk,
): Fault {
  let server: Server;
  return {
    name,
    on: SERVERS,
    async stage(database) {
      const disk = folder?.();
      server = await createServer(database, disk?.path);
      const drop = async (): Promise<void> => {
        await server.remove();
        disk?.remove();
      };
      return Stage.create(database, { url: server.url, drop });
    },
    run: (stage) => run(stage, server),
  };
}

/** A small disk in memory, which can be filled. */
class Disk {
  readonly path = mkdtempSync(join(tmpdir(), 'djaffar-disk-'));

  constructor(megabytes: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=1777`, 'tmpfs', this.path]);
  }

  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    try {
      writeFileSync(join(this.path, 'filler'), Buffer.alloc(bavail * bsize));
    } catch (error) {
      // Others have written meanwhile.
      if (!String(error).includes('ENOSPC')) throw error;
    }
  }

  free(): void {
    rmSync(join(this.path, 'filler'), { force: true });
  }

  remove(): void {
    execFileSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

let disk: Disk;

/** Inserts two ids in the opposite order of the host, until one of the two transactions is the victim of a deadlock. */
async function deadlock(stage: Stage, turn: number): Promise<void> {
  const url = stage.hosts[0]?.url;
  const [first, second] = [randomUUID(), randomUUID()].sort();
  const runner = stage.operator.createQueryRunner();
  const id =
    stage.name === 'postgres'
      ? ['id', 'date', '"receivedAt"', 'name', 'path']
      : ['id', 'date', 'receivedAt', 'name', 'path'];
  const insert = (each: string | undefined): Promise<unknown> =>
    runner.query(
      `INSERT INTO djaffar_activity (${id.join(', ')}) VALUES ('${each}', ${turn}, ${turn}, 'rival', '/')`,
    );
  const date = new Date().toISOString();
  await runner.startTransaction();
  try {
    await insert(second);
    const answer = fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ activities: [first, second].map((each) => ({ id: each, date, path: '/' })) }),
    });
    await pause(100);
    await insert(first).catch(() => stage.notes.push('the rival was the victim'));
    await runner.rollbackTransaction();
    if ((await answer).status !== 204) stage.notes.push(`the host answered ${(await answer).status}`);
  } finally {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
    await runner.release();
  }
}

export const servers: Fault[] = [
  {
    name: 'deadlocks, ten times',
    on: SERVERS,
    async run(stage) {
      await stage.start();
      stage.load.start(50);
      for (let turn = 1; turn <= 10; turn++) await deadlock(stage, turn);
      const victims = stage.notes.splice(0);
      stage.notes.push(
        `of 10 the rival was the victim ${victims.filter((note) => note.includes('rival')).length} times`,
      );
      stage.notes.push(...victims.filter((note) => !note.includes('rival')));
    },
  },
  ofServer('five restarts at once, under load', async (stage, server) => {
    await stage.start();
    stage.load.start(100);
    for (let i = 0; i < 5; i++) {
      await pause(1000);
      await server.stop();
      await server.start();
    }
    stage.cured();
    await pause(3000);
  }),
  ofServer('down for 15 s', async (stage, server) => {
    await stage.start();
    stage.load.start(20);
    await pause(1000);
    await server.stop();
    await pause(15_000);
    await server.start();
    stage.cured();
    await pause(3000);
  }),
  ofServer('SIGTERM with the database down', async (stage, server) => {
    await stage.start();
    stage.load.start(20);
    await pause(1000);
    await server.stop();
    await pause(1000);
    for (const host of stage.targets) await stage.end(host);
    stage.load.abandon();
    await server.start();
  }),
  ofServer(
    'a full disk for 8 s',
    async (stage, server) => {
      await stage.start();
      // Tables have some room left: without details it would last for longer than the fault does.
      stage.load.start(100, 3000);
      await pause(1000);
      disk.fill();
      await pause(8000);
      await stage.ask('a question', `${stage.hosts[0]?.url}/djaffar/stats/overview`);
      disk.free();
      // PostgreSQL stops if it cannot write its log.
      if (!server.isRunning) await server.start();
      stage.cured();
      await pause(5000);
    },
    () => (disk = new Disk(200)),
  ),
  {
    name: 'a full disk for 8 s',
    on: ['sqlite'],
    async stage(database) {
      disk = new Disk(16);
      return Stage.create(database, {
        url: `sqlite:${join(disk.path, 'bench.sqlite')}`,
        drop: async () => disk.remove(),
      });
    },
    async run(stage) {
      await stage.start();
      stage.load.start(100);
      await pause(1000);
      disk.fill();
      await pause(8000);
      await stage.ask('a question', `${stage.hosts[0]?.url}/djaffar/stats/overview`);
      disk.free();
      stage.cured();
      await pause(3000);
    },
  },
];
