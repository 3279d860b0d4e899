import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, accountOf, freePort } from './server-account.js';

/** The path of packages; `undefined` if it is not installed there. */
export const MARIADBD = ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd'].find((file) => existsSync(file));

const ACCESS = `CREATE DATABASE IF NOT EXISTS bench;
CREATE USER IF NOT EXISTS 'bench'@'%' IDENTIFIED BY 'bench';
GRANT ALL ON *.* TO 'bench'@'%' WITH GRANT OPTION;
`;

/** The smallest sizes, so that the data fit on a small disk. */
const SIZES = [
  '--innodb-log-file-size=8M',
  '--innodb-buffer-pool-size=32M',
  '--innodb-undo-tablespaces=0',
  '--aria-log-file-size=8M',
  '--performance-schema=OFF',
];

/** A MariaDB of the test's own. */
export class MariadbServer {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly port: number,
    private readonly account: Account | undefined,
  ) {}

  /** @param parent the folder for its files */
  static async create(program: string, parent = tmpdir()): Promise<MariadbServer> {
    const folder = mkdtempSync(join(parent, 'djaffar-mariadb-'));
    const account = process.getuid?.() === 0 ? accountOf('mysql') : undefined;
    if (account) chownSync(folder, account.uid, account.gid);
    const data = ['--no-defaults', `--datadir=${folder}`, '--skip-test-db', ...SIZES];
    execFileSync('mariadb-install-db', [...data, '--auth-root-authentication-method=normal'], {
      ...account,
      stdio: 'ignore',
    });
    const server = new MariadbServer(program, folder, await freePort(), account);
    writeFileSync(join(folder, 'access.sql'), ACCESS);
    await server.start();
    return server;
  }

  get url(): string {
    return `mysql://bench:bench@127.0.0.1:${this.port}/bench`;
  }

  get isRunning(): boolean {
    return this.server?.exitCode === null && this.server.signalCode === null;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const options = [
      '--no-defaults',
      `--datadir=${this.folder}`,
      `--socket=${join(this.folder, 'socket')}`,
      `--port=${this.port}`,
      '--bind-address=127.0.0.1',
      `--init-file=${join(this.folder, 'access.sql')}`,
      ...SIZES,
    ];
    this.server = spawn(this.program, options, { ...this.account, stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const chunk of this.server.stderr ?? []) {
      if (String(chunk).includes('ready for connections')) break;
    }
    this.server.stderr?.resume();
  }

  /** Kills the server like a power failure, without closing connections. */
  async stop(): Promise<void> {
    if (!this.server || !this.isRunning) return;
    const ended = once(this.server, 'exit');
    this.server.kill('SIGKILL');
    await ended;
    this.server = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
