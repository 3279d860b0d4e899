import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Logger } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { ActivitySubscriptions, type WebhookOptions } from '../../lib/index.js';
import { type Host, startHost } from '../support/host.js';
import { until } from '../support/until.js';

const SECRET = `whsec_${Buffer.from('a secret of 32 bytes for a test.').toString('base64')}`;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

interface Message {
  type: string;
  timestamp: string;
  data: { activities: { name: string; path: string; session: object | null }[] };
}

let host: Host | undefined;
let server: Server;
let received: Received[];
let warned: jest.SpyInstance;
/** The status of the next answers; the last one stays. 0 is no answer. */
let answers: number[];

beforeEach(async () => {
  received = [];
  answers = [204];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      const status = answers.length > 1 ? answers.shift() : answers[0];
      const upgrade = status === 101 && { Connection: 'Upgrade', Upgrade: 'websocket' };
      if (status)
        response.writeHead(status, { Location: '/elsewhere', ...upgrade }).end('x'.repeat(1_000_000));
      server.emit('received');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  jest.spyOn(Logger.prototype, 'error').mockImplementation();
});

afterEach(async () => {
  await host?.close();
  host = undefined;
  server.closeAllConnections();
  server.close();
  jest.restoreAllMocks();
});

const urlOf = (hostname = '127.0.0.1'): string =>
  `http://${hostname}:${(server.address() as AddressInfo).port}/hooks`;

async function start(options: Partial<WebhookOptions> = {}): Promise<Host> {
  host = await startHost({
    adapter: 'express',
    djaffar: {
      webhooks: [
        { name: 'hook', url: urlOf(), secret: SECRET, lease: 1000, privateAddresses: true, ...options },
      ],
    },
  });
  return host;
}

async function untilReceived(count: number): Promise<Received[]> {
  while (received.length < count) await once(server, 'received');
  return received;
}

const messageOf = ({ headers, body }: Received): Message =>
  new Webhook(SECRET).verify(body, headers as Record<string, string>) as Message;

async function statusOf({
  app,
}: Host): Promise<Awaited<ReturnType<ActivitySubscriptions['status']>>[number]> {
  const [status] = await app.get(ActivitySubscriptions, { strict: false }).status();
  if (!status) throw new Error('there is no subscription');
  return status;
}

/** Also waits for the subscription to be stored, which takes a moment after the start. */
async function untilParked({ app }: Host): Promise<void> {
  const subscriptions = app.get(ActivitySubscriptions, { strict: false });
  await until(async () => Boolean((await subscriptions.status())[0]?.parkedAt));
}

it('a receiver gets what matches, signed as Standard Webhooks are', async () => {
  const { activities } = await start({
    filter: { name: 'order.*' },
    headers: { Authorization: 'Bearer receiver' },
  });
  for (const name of ['view', 'order.paid']) await activities.track({ name, path: '/17' });
  const [first] = await untilReceived(1);
  if (!first) throw new Error('nothing was received');
  expect(messageOf(first)).toMatchObject({
    type: 'djaffar.activities',
    data: { activities: [{ name: 'order.paid', path: '/17' }] },
  });
  expect(first.headers).toMatchObject({
    authorization: 'Bearer receiver',
    'content-type': 'application/json',
    'user-agent': 'nestjs-djaffar',
  });
  const forged = { ...first, body: first.body.replace('order.paid', 'order.gone') };
  expect(() => messageOf(forged)).toThrow('No matching signature');
});

it.each([500, 302, 101])('a batch that was answered %i comes again, with the same id', async (status) => {
  answers = [status, 204];
  const { activities } = await start();
  await activities.track({ name: 'order.paid', path: '/' });
  const [first, second] = await untilReceived(2);
  if (!first || !second) throw new Error('nothing was received');
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
  expect(messageOf(second).data).toEqual(messageOf(first).data);
  expect(received).toHaveLength(2);
});

it('a receiver that does not answer in time has failed, and is parked after several failures', async () => {
  answers = [0];
  const running = await start({ timeout: 500, maxFailures: 2 });
  await running.activities.track({ name: 'order.paid', path: '/' });
  await untilParked(running);
  expect(await statusOf(running)).toMatchObject({ failures: 2, error: 'TIMEOUT', waiting: 1 });
  answers = [204];
  // Again and again: on a busy machine it may take longer.
  while ((await statusOf(running)).waiting > 0)
    await running.app.get(ActivitySubscriptions, { strict: false }).resume('hook');
  expect(received.length).toBeGreaterThan(0);
});

it('a receiver that sends informational answers without an end has failed at once', async () => {
  const flood = createTcpServer((socket) => {
    const flow = Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000));
    socket.on('error', () => {});
    socket.once('data', () => {
      const send = (): void => {
        while (socket.writable && socket.write(flow));
      };
      socket.on('drain', send);
      send();
    });
  });
  flood.listen(0, '127.0.0.1');
  await once(flood, 'listening');
  const { port } = flood.address() as AddressInfo;
  const running = await start({ url: `http://127.0.0.1:${port}/`, maxFailures: 1, timeout: 600_000 });
  try {
    await running.activities.track({ name: 'order.paid', path: '/' });
    await untilParked(running);
    expect(await statusOf(running)).toMatchObject({ error: 'INFORMATIONAL' });
  } finally {
    flood.close();
  }
});

it('a receiver that is gone is parked at once', async () => {
  answers = [410];
  const running = await start();
  await running.activities.track({ name: 'order.paid', path: '/' });
  await untilParked(running);
  expect(await statusOf(running)).toMatchObject({ failures: 1, error: '410' });
});

it('large batches are split into requests of a limited size', async () => {
  answers = [503, 204];
  const running = await start();
  const properties = { note: 'ä'.repeat(1900) };
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      running.activities.track({ name: 'order.paid', path: `/${'x'.repeat(2000)}${i}`, properties }),
    ),
  );
  const paths = (): Set<string> =>
    new Set(received.slice(1).flatMap((each) => messageOf(each).data.activities.map(({ path }) => path)));
  while (paths().size < 100) await once(server, 'received');
  expect(Math.max(...received.map(({ body }) => Buffer.byteLength(body)))).toBeLessThan(257 * 1024);
  expect(Math.max(...received.map(({ body }) => Buffer.byteLength(body)))).toBeGreaterThan(128 * 1024);
});

it('what is erased while a request is under way is in none of the following ones', async () => {
  answers = [0];
  const running = await start({ timeout: 60_000, lease: 60_000 });
  const properties = { note: 'ä'.repeat(1900) };
  const user = { id: 'ada' };
  await running.dataSource.transaction(async (manager) => {
    for (let i = 0; i < 100; i++)
      await running.activities.track(
        { name: 'order.paid', path: `/${'x'.repeat(2000)}${i}`, properties, user },
        { manager },
      );
  });
  await untilReceived(1);
  await running.activities.erase({ user: 'ada' });
  const before = received.length;
  await running.activities.track({ name: 'order.sent', path: '/' });
  answers = [204];
  server.closeAllConnections();
  while ((await statusOf(running)).waiting > 0)
    await running.app.get(ActivitySubscriptions, { strict: false }).resume('hook');
  const later = received.slice(before).flatMap((each) => messageOf(each).data.activities);
  expect(later.map(({ name }) => name)).toEqual(['order.sent']);
});

it.each([
  'https://127.0.0.1/',
  'https://localhost/',
  'https://[::1]/',
  'https://0x7f.1/',
  'https://[::ffff:10.0.0.1]/',
])('no request goes to the private address of %s', async (url) => {
  const { port } = server.address() as AddressInfo;
  const running = await start({
    url: url.replace(/\/$/, `:${port}/`),
    privateAddresses: false,
    maxFailures: 1,
  });
  const connected = jest.fn();
  server.on('connection', connected);
  await running.activities.track({ name: 'order.paid', path: '/' });
  await untilParked(running);
  expect(connected).not.toHaveBeenCalled();
  expect(await statusOf(running)).toMatchObject({ error: 'PRIVATE_ADDRESS' });
  expect(warned.mock.calls.map(String).join()).toContain('leads to the private address');
});
