import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A shell as root of its own namespaces: what it mounts only it sees, and is gone when it ends. */
const SHELL = ['unshare', '-rm', 'sh'] as const;
const MOUNT = 'mount -t tmpfs -o size=4k tmpfs';

/** Whether this machine lets tests mount a {@link SmallDisk}. */
export const CAN_MOUNT = canMount();

function canMount(): boolean {
  const [program, ...args] = SHELL;
  const { status } = spawnSync(program, [...args, '-c', `${MOUNT} ${tmpdir()}`]);
  return status === 0;
}

/** A disk that can be full: a file system in memory. It has room for a page of memory, until it is resized. */
export class SmallDisk {
  /** How other processes reach it, such as the one of the test. */
  readonly folder: string;

  private constructor(
    private readonly shell: ChildProcessWithoutNullStreams,
    private readonly place: string,
  ) {
    this.folder = join('/proc', String(shell.pid), 'root', place);
  }

  static async mount(): Promise<SmallDisk> {
    const [program, ...args] = SHELL;
    const disk = new SmallDisk(spawn(program, args), mkdtempSync(join(tmpdir(), 'djaffar-disk-')));
    await disk.run(`${MOUNT} ${disk.place}`);
    return disk;
  }

  /** @param size bytes, which are rounded up to pages of memory */
  async resize(size: number): Promise<void> {
    await this.run(`mount -o remount,size=${size} ${this.place}`);
  }

  async unmount(): Promise<void> {
    const ended = once(this.shell, 'close');
    this.shell.stdin.end();
    await ended;
    rmdirSync(this.place);
  }

  /** Resolves after the command; one that fails ends the shell. */
  private async run(command: string): Promise<void> {
    this.shell.stdin.write(`${command} && echo done || exit 1\n`);
    const [answer] = await Promise.race([once(this.shell.stdout, 'data'), once(this.shell, 'exit')]);
    if (String(answer) !== 'done\n')
      throw new Error(`${command} failed: ${String(this.shell.stderr.read())}`);
  }
}
