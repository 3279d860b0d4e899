import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `host.ts` in a separate process. */
export class HostProcess {
  /** The lines of its log. */
  readonly log: string[] = [];
  /** Milliseconds of its slowest tracking request. */
  longest = 0;

  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
  ) {}

  static async start(environment: Record<string, string>): Promise<HostProcess> {
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--import',
        './test/support/settable-clock.mjs',
        '--import',
        '@swc-node/register/esm-register',
        'bench/faults/host.ts',
      ],
      {
        env: { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', ...environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    if (!child.stdout || !child.stderr) throw new Error('no output to read');
    const exited = once(child, 'exit');
    const lines = createInterface(child.stdout);
    const output: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => output.push(...chunk.toString().trimEnd().split('\n')));
    const url = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const ready = /^ready on (http:\S+)\/$/.exec(line)?.[1];
        if (ready) resolve(ready);
        else output.push(line);
      });
      void exited.then(() => reject(new Error(`the host did not start: ${output.join('\n')}`)));
    });
    const host = new HostProcess(url, child, exited);
    child.on('message', (message: { longest?: number }) => (host.longest = message.longest ?? host.longest));
    lines.on('line', (line) => host.log.push(line));
    child.stderr.on('data', (chunk: Buffer) => host.log.push(...chunk.toString().trimEnd().split('\n')));
    return host;
  }

  /** Sets by how many milliseconds the clock of the process is ahead. */
  async setClock(ahead: number): Promise<void> {
    this.child.send(ahead);
    await once(this.child, 'message');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit code; not 0 if it crashed. */
  get exitCode(): number | null {
    return this.child.exitCode;
  }

  /** @returns the milliseconds until the process has ended; it is killed after a minute */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const begun = performance.now();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 60_000);
    if (this.child.exitCode === null && this.child.signalCode === null) await this.exited;
    clearTimeout(timer);
    return performance.now() - begun;
  }
}
