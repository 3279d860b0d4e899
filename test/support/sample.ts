import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { compiled } from './compiled.js';

/** How `npm start` runs it: slower, because each start compiles the sources. */
export const FROM_SOURCE = ['--import', '@swc-node/register/esm-register', 'sample/main.ts'];

/** With {@link setClock}. */
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

/** The sample host in a process of its own, without made-up activity. */
export interface Sample {
  url: string;
  process: ChildProcess;
  /** What it had said when it was ready. */
  said: string;
  /** Ends the process with the signal, and waits until it has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** @throws Error with what the process said, if it ends before it is ready */
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
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  for await (const line of createInterface(stdout)) {
    said.push(line);
    const url = /^ready on (http:\/\/\S+)\/$/.exec(line)?.[1];
    if (!url) continue;
    stdout.resume();
    return {
      url: url.replace('localhost', '127.0.0.1'),
      process: child,
      said: said.join('\n'),
      end: async (signal) => {
        child.kill(signal);
        await exited;
        return child.exitCode;
      },
    };
  }
  throw new Error(`the sample host did not start: ${said.join('\n')}`);
}

/** Statistics leave out what calls itself a bot, as `fetch` does. */
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** Asks for something below `/djaffar` as ada, who may see all. */
export async function fetchAsAda({ url }: Sample, path: string, init?: RequestInit): Promise<Response> {
  const login = new URLSearchParams({ username: 'ada', password: 'lovelace' });
  const token = await fetch(`${url}/auth/token`, { method: 'POST', body: login });
  const { accessToken } = (await token.json()) as { accessToken: string };
  return fetch(`${url}/djaffar/${path}`, { ...init, headers: { Authorization: `Bearer ${accessToken}` } });
}
