import { setTimeout as pause } from 'node:timers/promises';
import { lock, untilSomebodyWaits } from './locks.js';
import type { HostProcess } from './process.js';
import { ALL, type Fault, SERVERS, type Stage } from './stage.js';

const ERASED = '/to-be-erased';
const ERASE: RequestInit = { method: 'DELETE', headers: { 'Sec-Fetch-Site': 'same-origin' } };

/** Measures the answers of a healthy instance while the other one is frozen or gone. */
async function askHealthy(stage: Stage, { url }: HostProcess): Promise<void> {
  await stage.ask('overview', `${url}/djaffar/stats/overview`);
  await stage.ask('erase', `${url}/djaffar/dashboard/data/activities?path=${ERASED}`, ERASE);
  await stage.ask('overview after it', `${url}/djaffar/stats/overview`);
}

/** Starts two hosts under load, and then moves the load to the second one. */
async function startTwo(
  stage: Stage,
  environment?: Record<string, string>,
): Promise<[HostProcess, HostProcess]> {
  const one = await stage.start(environment);
  const healthy = await stage.start();
  await stage.track(ERASED);
  stage.load.start(20);
  await pause(2000);
  stage.targets = [healthy];
  await stage.ask('overview before', `${healthy.url}/djaffar/stats/overview`);
  await pause(500);
  return [one, healthy];
}

/** Calls `stop` while the host's update of the statistics is in its transaction. */
async function stopInUpdate(stage: Stage, { url }: HostProcess, stop: () => void): Promise<void> {
  const unlock = await lock(stage, 'djaffar_visit');
  void fetch(`${url}/djaffar/stats/overview`).catch(() => {});
  await untilSomebodyWaits(stage);
  stop();
  await unlock();
}

export const processes: Fault[] = [
  {
    name: 'frozen for 10 s between an answer and the update of the statistics',
    on: ALL,
    async run(stage) {
      const [frozen, healthy] = await startTwo(stage);
      frozen.signal('SIGSTOP');
      await askHealthy(stage, healthy);
      await pause(10_000);
      frozen.signal('SIGCONT');
      stage.cured();
      stage.targets = [healthy, frozen];
      await pause(2000);
    },
  },
  {
    name: 'frozen in a transaction of the update, for 20 s',
    on: SERVERS,
    async run(stage) {
      const [frozen, healthy] = await startTwo(stage);
      await stopInUpdate(stage, frozen, () => frozen.signal('SIGSTOP'));
      const thawed = pause(20_000);
      await askHealthy(stage, healthy);
      await thawed;
      frozen.signal('SIGCONT');
      stage.cured();
      stage.targets = [healthy, frozen];
      await pause(2000);
      await stage.ask('overview of the thawed', `${frozen.url}/djaffar/stats/overview`);
    },
  },
  {
    name: 'a machine that vanishes in a transaction of the update',
    on: SERVERS,
    async run(stage) {
      const { proxy, url } = await stage.network();
      const [vanished, healthy] = await startTwo(stage, { DATABASE_URL: url });
      await stopInUpdate(stage, vanished, () => proxy.silence());
      await askHealthy(stage, healthy);
      await vanished.end('SIGKILL');
    },
  },
  {
    name: 'SIGKILL, five times',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(100);
      for (let i = 0; i < 5; i++) {
        await pause(1000);
        await stage.targets.shift()?.end('SIGKILL');
        await stage.start();
      }
      stage.cured();
      await pause(2000);
    },
  },
  {
    name: 'a rolling deploy, five times',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(100);
      for (let i = 0; i < 5; i++) {
        await pause(500);
        const [old] = stage.targets;
        await stage.start();
        if (old) await stage.end(old);
      }
      stage.cured();
      await pause(1000);
      const failures = [...stage.load.statuses].filter(([status]) => status !== 204);
      stage.notes.push(`requests sent again: ${failures.reduce((sum, [, count]) => sum + count, 0)}`);
    },
  },
];
