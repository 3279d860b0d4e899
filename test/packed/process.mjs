import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inspect, promisify } from 'node:util';

// Generous: it ends a command that hangs, on a machine that is slow or busy.
const LIMIT = 20 * 60_000;

/** @returns what it wrote to standard output */
export async function run(cwd, command, args, env = {}) {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout: LIMIT,
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

/** Installs packages into a folder, from npm's cache if they are there. */
export function install(cwd, packages) {
  const options = ['--loglevel=error', '--no-audit', '--no-fund', '--prefer-offline'];
  return run(cwd, 'npm', ['install', ...options, ...packages]);
}

/** Starts a host, and waits until it says that it is ready. */
export async function start(cwd, node, args, env = {}) {
  const child = spawn(node, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT,
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  for await (const line of createInterface(child.stdout)) {
    said += `${line}\n`;
    if (!line.startsWith('ready ')) continue;
    child.stdout.resume();
    return {
      url: line.slice('ready '.length),
      said: () => said,
      stop: async () => {
        child.kill();
        const [code, signal] = await exited;
        assert(code === 0 || signal === 'SIGTERM', `ended with ${code ?? signal}: ${said}`);
      },
    };
  }
  throw new Error(`did not start: ${said}`);
}

/**
 * Prints `ok` or `FAILED` and how long it took, then the output of what failed, indented.
 * @returns whether it passed
 */
export async function check(name, test) {
  const startedAt = performance.now();
  const taken = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  try {
    await test();
    console.log(`ok      ${name} (${taken()})`);
    return true;
  } catch (error) {
    // The stack of a command that failed holds what it said on its standard error.
    const said = `${inspect(error)}\n${error.stdout ?? ''}`.trim();
    console.log(`FAILED  ${name} (${taken()})\n${said.replace(/^/gm, '        ')}`);
    process.exitCode = 1;
    return false;
  }
}
