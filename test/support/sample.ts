import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { compiled } from './compiled.js';

/** Node's arguments of `npm start`, which is slower, because each start compiles the sources. */
export const FROM_SOURCE = ['--import', '@swc-node/register/esm-register', 'sample/main.ts'];

/** Node's arguments for {@link setClock}. */
export const withSettableClock = (): string[] => [
  '--import',
  './test/support/settable-clock.mjs',
  compiled('sample'),
];

/** @param ahead milliseconds that the clock of the process is ahead of the real one from now on */
export async function setClock({ process: child }: Sample, ahead: number): Promise<void> {
  child.send(ahead);
  await once(child, 'message');
}

/** The sample host in a separate process, without generated activities. */
export interface Sample {
  url: string;
  process: ChildProcess;
  /** Its output until it was ready. */
  output: string;
  /** Ends the process with the signal, and waits until it has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** @throws Error with the output of the process, if it ends before it is ready */
export async function startSample(
  environment: Record<string, string>,
  command = [compiled('sample')],
): Promise<Sample> {
  const child = spawn(process.execPath, command, {
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn', SEED: 'false', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (!child.stdout || !child.stderr) throw new Error('no output to read');
  const { stdout } = child;
  const exited = once(child, 'exit');
  const lines: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  for await (const line of createInterface(stdout)) {
    lines.push(line);
    const url = /^ready on (http:\/\/\S+)\/$/.exec(line)?.[1];
    if (!url) continue;
    stdout.resume();
    return {
      url: url.replace('localhost', '127.0.0.1'),
      process: child,
      output: lines.join('\n'),
      end: async (signal) => {
        child.kill(signal);
        await exited;
        return child.exitCode;
      },
    };
  }
  throw new Error(`the sample host did not start: ${lines.join('\n')}`);
}

/** The user agent of `fetch` is a bot, which statistics leave out. */
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** Sends a request below `/djaffar` as ada, who may see everything. */
export async function fetchAsAda({ url }: Sample, path: string, init?: RequestInit): Promise<Response> {
  const login = new URLSearchParams({ username: 'ada', password: 'lovelace' });
  const token = await fetch(`${url}/auth/token`, { method: 'POST', body: login });
  const { accessToken } = (await token.json()) as { accessToken: string };
  return fetch(`${url}/djaffar/${path}`, { ...init, headers: { Authorization: `Bearer ${accessToken}` } });
}
