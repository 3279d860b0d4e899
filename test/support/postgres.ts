import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Account, accountOf, freePort } from './server-account.js';

const PACKAGES = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs, for a server that a test may stop; `undefined` if they are missing. */
export const POSTGRES_BIN = process.env.TEST_POSTGRES_BIN ?? ofPackages();

function ofPackages(): string | undefined {
  try {
    const version = readdirSync(PACKAGES).sort().at(-1);
    return version && join(PACKAGES, version, 'bin');
  } catch {
    return undefined;
  }
}

/** A PostgreSQL server that a test controls. */
export class PostgresServer {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly bin: string,
    private readonly folder: string,
    private readonly port: number,
    private readonly account: Account | undefined,
    private readonly settings: string[] = [],
  ) {}

  /** @param parent the folder for its files */
  static async create(bin: string, parent = tmpdir()): Promise<PostgresServer> {
    const { folder, account } = newFolder(parent);
    execFileSync(join(bin, 'initdb'), ['-D', folder, '-U', 'postgres', '--auth=trust'], {
      ...account,
      stdio: 'ignore',
    });
    const server = new PostgresServer(bin, folder, await freePort(), account);
    await server.start();
    return server;
  }

  /** Creates a standby that applies commits so many milliseconds later. */
  async createStandby(delay: number): Promise<PostgresServer> {
    const { folder, account } = newFolder();
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'postgres'];
    execFileSync(
      join(this.bin, 'pg_basebackup'),
      ['-D', folder, '--checkpoint=fast', '--write-recovery-conf', ...from],
      { ...account, stdio: 'ignore' },
    );
    const standby = new PostgresServer(this.bin, folder, await freePort(), account, [
      '-c',
      `recovery_min_apply_delay=${delay}ms`,
    ]);
    await standby.start();
    return standby;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get isRunning(): boolean {
    return this.server?.exitCode === null && this.server.signalCode === null;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const options = [
      '-D',
      this.folder,
      '-k',
      this.folder,
      '-p',
      String(this.port),
      '-c',
      'listen_addresses=127.0.0.1',
      // For a standby that was stopped meanwhile.
      '-c',
      'wal_keep_size=1GB',
      ...this.settings,
    ];
    this.server = spawn(join(this.bin, 'postgres'), options, {
      ...this.account,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    for await (const chunk of this.server.stderr ?? []) {
      log += String(chunk);
      if (/ready to accept (read-only )?connections/.test(log)) break;
      if (/could not bind/.test(log)) throw new Error(`PostgreSQL did not start: ${log}`);
    }
    this.server.stderr?.resume();
  }

  /** Stops at once, as a machine that fails. */
  async stop(): Promise<void> {
    if (!this.server || !this.isRunning) return;
    const ended = once(this.server, 'exit');
    this.server.kill('SIGQUIT');
    await ended;
    this.server = undefined;
  }

  async ids(): Promise<string[]> {
    const client = new pg.Client(this.url);
    await client.connect();
    const { rows } = await client.query<{ id: string }>('SELECT id FROM djaffar_activity');
    await client.end();
    return rows.map(({ id }) => id);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function newFolder(parent = tmpdir()): { folder: string; account: Account | undefined } {
  const folder = mkdtempSync(join(parent, 'djaffar-postgres-'));
  const account = process.getuid?.() === 0 ? accountOf('postgres') : undefined;
  if (account) chownSync(folder, account.uid, account.gid);
  return { folder, account };
}
