import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from './locks.js';
import { ALL, type Fault, SERVERS, type Stage } from './stage.js';

/** Shuts the first host down under load, as before a load balancer has noticed. */
async function endUnderLoad(stage: Stage): Promise<void> {
  for (const host of stage.targets) await stage.end(host);
  stage.load.abandon();
}

const BATCH = 100;

/** Stores so many MB of activities. */
async function fill(url: string, megabytes: number): Promise<void> {
  const activity = { date: new Date().toISOString(), path: '/', properties: { text: 'x'.repeat(3000) } };
  const body = JSON.stringify({ activities: Array.from({ length: 20 }, () => activity) });
  for (let i = 0; i < (megabytes * 1000) / 60; i++) {
    await fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
  }
}

export const shutdowns: Fault[] = [
  {
    name: 'SIGTERM with 200 requests/s',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(200);
      await pause(2000);
      await endUnderLoad(stage);
    },
  },
  {
    name: 'SIGTERM with the database silent, 20 requests/s',
    on: SERVERS,
    async run(stage) {
      const { proxy, url } = await stage.network();
      await stage.start({ DATABASE_URL: url });
      stage.load.start(20);
      await pause(2000);
      proxy.silence();
      await pause(1000);
      await endUnderLoad(stage);
    },
  },
  {
    name: 'SIGTERM with the table locked, 20 requests/s',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(20);
      await pause(2000);
      const unlock = await lock(stage);
      await pause(1000);
      await endUnderLoad(stage);
      await unlock();
    },
  },
  {
    name: 'SIGTERM with the table locked and a pool of 1, 20 requests/s',
    on: SERVERS,
    async run(stage) {
      await stage.start({ POOL: '1' });
      stage.load.start(20);
      await pause(2000);
      const unlock = await lock(stage);
      await pause(1000);
      await endUnderLoad(stage);
      await unlock();
    },
  },
  {
    name: 'SIGTERM with commits delayed by 5 to 30 ms, 200 requests/s',
    on: SERVERS,
    async run(stage) {
      const { proxy, url } = await stage.network();
      await stage.start({ DATABASE_URL: url });
      proxy.delay(5, 30);
      stage.load.start(200);
      await pause(3000);
      await endUnderLoad(stage);
    },
  },
  {
    name: 'SIGTERM while somebody holds the lock of the statistics',
    on: SERVERS,
    async run(stage) {
      const { url } = await stage.start();
      stage.load.start(20);
      await pause(1000);
      await stage.ask('a question', `${url}/djaffar/stats/overview`);
      const runner = stage.operator.createQueryRunner();
      await runner.startTransaction();
      await runner.query('UPDATE djaffar_rollup_state SET version = version + 0');
      const asked = stage.ask('a question with the lock held', `${url}/djaffar/stats/overview`);
      await pause(500);
      await endUnderLoad(stage);
      await asked;
      await runner.rollbackTransaction();
      await runner.release();
    },
  },
  {
    name: 'SIGTERM during an export to a client that does not read',
    on: ALL,
    async run(stage) {
      const { url } = await stage.start();
      await fill(url, 24);
      const request = get(`${url}/djaffar/dashboard/data/activities/export?format=ndjson`, (response) =>
        response.pause(),
      );
      request.on('error', () => {});
      await pause(2000);
      stage.load.start(20);
      await pause(1000);
      await endUnderLoad(stage);
      request.destroy();
    },
  },
  {
    name: 'SIGTERM with a request body that never ends',
    on: ['sqlite'],
    async run(stage) {
      const { url } = await stage.start();
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        `POST /djaffar/track/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${BATCH}\r\n\r\n{`,
      );
      stage.load.start(20);
      await pause(1000);
      await endUnderLoad(stage);
      socket.destroy();
    },
  },
];
