import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { ALL, type Fault, type Stage } from './stage.js';

const BODY = JSON.stringify({ date: '2026-02-03T04:05:06.789Z', path: '/slow' });
const HEAD = `POST /djaffar/track/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n`;

function open({ hosts }: Stage): Socket {
  const socket = connect(Number(new URL(hosts[0]?.url ?? '').port), '127.0.0.1');
  socket.on('error', () => {});
  return socket;
}

/** Waits for so many answers 204, at most 20 s. @returns how many there were */
function answers(socket: Socket, wanted: number): Promise<number> {
  return new Promise((resolve) => {
    let text = '';
    const count = (): number => text.split('HTTP/1.1 204').length - 1;
    const timer = setTimeout(() => resolve(count()), 20_000);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (count() < wanted) return;
      clearTimeout(timer);
      resolve(count());
    });
  });
}

export const clients: Fault[] = [
  {
    name: '200 bodies at 10 bytes a second',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(50);
      const slow = Array.from({ length: 200 }, async () => {
        const socket = open(stage);
        const answered = answers(socket, 1);
        socket.write(HEAD);
        for (let at = 0; at < BODY.length; at += 10) {
          socket.write(BODY.slice(at, at + 10));
          await pause(1000);
        }
        const count = await answered;
        socket.destroy();
        return count;
      });
      const counts = await Promise.all(slow);
      stage.notes.push(`${counts.reduce((sum, count) => sum + count, 0)} of 200 answered 204`);
    },
  },
  {
    name: '1,000 requests in one go on one connection (pipelining)',
    on: ALL,
    async run(stage) {
      await stage.start();
      stage.load.start(50);
      const socket = open(stage);
      const answered = answers(socket, 1000);
      socket.write((HEAD + BODY).repeat(1000));
      stage.notes.push(`${await answered} of 1,000 answered 204`);
      socket.destroy();
    },
  },
  {
    name: '1,000 dashboards that watch, 50 activities/s',
    on: ALL,
    async run(stage) {
      const host = await stage.start();
      const watchers = Array.from({ length: 1000 }, () => {
        const socket = open(stage);
        socket.write('GET /djaffar/dashboard/data/stream HTTP/1.1\r\nHost: x\r\n\r\n');
        socket.resume();
        return socket;
      });
      stage.load.start(50);
      await pause(2000);
      await fetch(`${host.url}/usage`);
      stage.load.took = [];
      await pause(8000);
      const { longest, p99 } = (await (await fetch(`${host.url}/usage`)).json()) as {
        longest: number;
        p99: number;
      };
      const took = stage.load.took.toSorted((a, b) => a - b);
      const slowest = took[Math.floor(0.99 * took.length)] ?? 0;
      stage.notes.push(
        `event loop: stopped for ${longest.toFixed(0)} ms at most, p99 ${p99.toFixed(0)} ms; p99 of tracking ${slowest.toFixed(0)} ms`,
      );
      for (const each of watchers) each.destroy();
    },
  },
];
