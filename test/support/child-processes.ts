import { execFileSync } from 'node:child_process';

/** The process ids of the Node.js processes that a process has started with a program given as text. */
export function readersOf(pid: number = process.pid): number[] {
  let listed: string;
  try {
    listed = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' });
  } catch {
    return []; // It has none.
  }
  return [...listed.matchAll(/^\s*(\d+) \S*node -e/gm)].map(([, id]) => Number(id));
}

/** Whole seconds of the processor that a process has taken. */
export function secondsOf(pid = 0): number {
  try {
    return Number(execFileSync('ps', ['-o', 'cputimes=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return 0; // It has ended.
  }
}
