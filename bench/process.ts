import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** `host.ts` in a separate process. */
export interface BenchHost {
  url: string;
  stop(): Promise<void>;
  /** Whether it does anything at all, also in the background. */
  freeze(isFrozen: boolean): void;
  /** Returns the CPU time of the process in milliseconds. */
  cpu(): Promise<number>;
}

/** Starts the host of this checkout, or of the one in `folder`. */
export async function startHost(environment: Record<string, string>, folder?: string): Promise<BenchHost> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', '@swc-node/register/esm-register', 'bench/host.ts'],
    {
      cwd: folder,
      env: { ...process.env, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  if (!child.stdout) throw new Error('no output to read');
  for await (const line of createInterface(child.stdout)) {
    const url = /^ready on (http:\S+)\/$/.exec(line)?.[1];
    if (!url) continue;
    child.stdout.resume();
    return {
      url,
      stop: async () => {
        child.kill();
        await exited;
      },
      freeze: (isFrozen) => void child.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
      cpu: async () => {
        const usage = (await (await fetch(`${url}/usage`)).json()) as { cpu: number };
        return usage.cpu;
      },
    };
  }
  throw new Error('the host did not start');
}

/** Returns the CPU time of all processes of a server in milliseconds (Linux only). */
export function cpuOf(command: string): number {
  const ticks = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      if (readFileSync(`/proc/${name}/comm`, 'utf8').trim() !== command) return [];
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    } catch {
      return []; // The process has ended in the meantime.
    }
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}
