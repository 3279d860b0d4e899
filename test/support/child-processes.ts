import { execFileSync } from 'node:child_process';

/** Returns the ids of child processes that were started by `node -e`. */
export function readersOf(pid: number = process.pid): number[] {
  let listed: string;
  try {
    listed = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' });
  } catch {
    return []; // No child processes.
  }
  return [...listed.matchAll(/^\s*(\d+) \S*node -e/gm)].map(([, id]) => Number(id));
}

/** Returns the CPU time of a process in whole seconds. */
export function secondsOf(pid = 0): number {
  try {
    return Number(execFileSync('ps', ['-o', 'cputimes=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return 0; // The process has ended.
  }
}
