import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createDatabase } from '../support/databases.js';
import { cookieOf } from '../support/host.js';
import { startSample } from '../support/sample.js';

const FOLDER = 'sample/orders';
const OTHERS = ['sample/app.module.ts', 'test/e2e/server.testing.test.ts', 'test/packed/host/typed.ts'];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Indented as it may be, without comments for the linter. */
const plain = (code: string): string =>
  code
    .replace(/\/\/ oxlint-.*/g, '')
    .replace(/\s+/g, ' ')
    .trim();

it('docs/server.md shows code of the sample and of a test', () => {
  const files = [...readdirSync(FOLDER).map((file) => `${FOLDER}/${file}`), ...OTHERS];
  const sources = files.map((file) => plain(readFileSync(file, 'utf8')));
  const examples = [...readFileSync('docs/server.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)];
  expect(examples.length).toBeGreaterThan(1);
  for (const [, example = ''] of examples) expect(sources.join('\n')).toContain(plain(example));
});

it.each(['express', 'fastify'])('the sample on %s tracks what its docs say', async (adapter) => {
  const database = await createDatabase('sqlite');
  const port = await freePort();
  const sample = await startSample({
    DATABASE_URL: database.url,
    HTTP_ADAPTER: adapter,
    PORT: String(port),
    LEDGER_URL: `http://127.0.0.1:${port}/ledger`,
  });
  try {
    const post = (path: string, body: unknown, cookie: string): Promise<Response> =>
      fetch(sample.url + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Cookie: cookie },
        body: JSON.stringify(body),
      });
    const login = cookieOf(await post('/auth/login', { username: 'jeff', password: 'koons' }, ''));
    const view = { id: randomUUID(), date: new Date().toISOString(), path: '/cart' };
    const cookie = `${login}; ${cookieOf(await post('/djaffar/track/', view, login))}`;
    const opened = await fetch(`${sample.url}/orders/17`, { headers: { Cookie: cookie } });
    expect(opened.status).toBe(204);
    const paid = await post('/orders/17/pay', {}, cookie);
    expect(paid.status).toBe(204);
    const mine = await fetch(`${sample.url}/mine`, { headers: { Cookie: cookie } });
    const activities = (await mine.json()) as Record<string, unknown>[];
    expect(activities).toMatchObject([
      { name: 'receipt.sent', path: '/orders/17/pay', userName: 'jeff', properties: { order: '17' } },
      {
        name: 'order.paid',
        path: '/orders/17/pay',
        userName: 'jeff',
        route: '/orders/:id/pay',
        subject: 'order:17',
        properties: { total: 42 },
      },
      { name: 'order.opened', path: '/orders/17', userName: 'jeff', properties: { order: '17' } },
      { name: 'view', path: '/cart', userName: 'jeff' },
    ]);
    expect(new Set(activities.map(({ visitId }) => visitId)).size).toBe(1);
    expect((await post('/orders/17/cancel', {}, cookie)).status).toBe(204);
    const get = async (path: string): Promise<unknown> =>
      (await fetch(sample.url + path, { headers: { Cookie: cookie } })).json();
    let timeline: unknown;
    do timeline = await get('/orders/17/timeline');
    while (!Array.isArray(timeline) || timeline.length < 2);
    expect(timeline).toMatchObject([
      { name: 'order.cancelled', userName: 'jeff', route: '/orders/:id/cancel', interactive: false },
      { name: 'order.paid' },
    ]);
    let invoice: unknown;
    do invoice = await get('/orders/17/invoice');
    while (JSON.stringify(invoice) !== '{"exists":true}');
    expect(await get('/orders/18/invoice')).toEqual({ exists: false });
    let ledger: unknown;
    do ledger = await get('/ledger');
    while (!Array.isArray(ledger) || ledger.length < 3);
    expect(ledger).toEqual(['order.opened', 'order.paid', 'order.cancelled']);
    const own = (await get('/orders/mine')) as { feed: { name: string }[]; sessions: object[] };
    expect(own.feed[0]).toMatchObject({ name: 'order.cancelled', subject: 'order:17', count: 1 });
    expect(own.sessions).toMatchObject([{ current: true }]);
  } finally {
    await sample.end('SIGTERM');
    await database.drop();
  }
});
