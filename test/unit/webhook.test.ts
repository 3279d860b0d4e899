import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { Activity } from '../../lib/activity/activity.js';
import type { WebhookOptions } from '../../lib/options/subscription.options.js';
import { DeliveryError } from '../../lib/subscriptions/delivery.error.js';
import { subscriptionsOf, type Subscription } from '../../lib/subscriptions/subscription.js';

const SECRET = `whsec_${Buffer.from('a secret of 32 bytes for a test.').toString('base64')}`;
const MAX_BODY = 256 * 1024;
/** More than Node reads from a connection at once. */
const LONG = 'x'.repeat(1_000_000);

interface Received {
  method: string | undefined;
  target: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

const activityOf = (id: string, path = '/'): Activity =>
  Object.assign(new Activity(), { id, path, date: new Date(0) });

function subscriptionOf(options: Partial<WebhookOptions> = {}): Subscription {
  const [subscription] = subscriptionsOf({
    webhooks: [{ url: 'https://hooks.example/a', secret: SECRET, ...options }],
  });
  if (!subscription) throw new Error('no subscription');
  return subscription;
}

describe('a webhook as a subscription', () => {
  it('has the defaults of a webhook', () => {
    expect(subscriptionOf()).toMatchObject({
      from: 'now',
      maxBatch: 100,
      maxFailures: 20,
      lease: 10_000,
      // A second longer than the request.
      timeout: 16_000,
    });
  });

  it('has what is given', () => {
    const given = { from: 'beginning', maxBatch: 5, maxFailures: 3, lease: 2000, name: 'hook' } as const;
    const subscription = subscriptionOf({ ...given, timeout: 500, filter: { name: 'order.*' } });
    expect(subscription).toMatchObject({ ...given, timeout: 1500 });
    expect(subscription.matches(Object.assign(activityOf('a'), { name: 'order.paid' }))).toBe(true);
    expect(subscription.matches(Object.assign(activityOf('a'), { name: 'view' }))).toBe(false);
  });

  it.each([
    ['https://hooks.example/a', 'hooks.example-'],
    ['https://[::1]:8080/a', '1-'],
    [`https://${'a'.repeat(60)}.example/`, `${'a'.repeat(47)}-`],
  ])('is named after its URL %s', (url, start) => {
    const hash = createHash('sha256').update(url).digest('hex').slice(0, 16);
    expect(subscriptionOf({ url }).name).toBe(start + hash);
  });
});

describe('a request of a webhook', () => {
  let server: Server;
  let url: string;
  let received: Received[];
  /** The answer; 0 is none. */
  let status: number;
  /** How many answers 103 come before it, which is then a bit later. */
  let hints: number;

  beforeEach(async () => {
    received = [];
    status = 204;
    hints = 0;
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method, url: target, headers } = request;
        received.push({ method, target, headers, body: Buffer.concat(parts).toString() });
        for (let i = 0; i < hints; i++) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        const upgrade = status === 101 && { Connection: 'Upgrade', Upgrade: 'websocket' };
        const answer = (): void => {
          if (status > 0) response.writeHead(status, { Location: '/elsewhere', ...upgrade }).end(LONG);
        };
        // The client must read the hints before the final answer arrives.
        if (hints > 0) setTimeout(answer, 50);
        else answer();
        server.emit('received');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?a=b`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function send(
    activities = [activityOf('a')],
    options: Partial<WebhookOptions> = {},
    signal = new AbortController().signal,
  ): Promise<void> {
    const { handler } = subscriptionOf({ url, privateAddresses: true, ...options });
    await Reflect.apply(handler, undefined, [activities, { signal, attempt: 1 }]);
  }

  async function failureOf(sent: Promise<void>): Promise<DeliveryError> {
    const error = await sent.catch((thrown: unknown) => thrown);
    if (!(error instanceof DeliveryError)) throw new Error('no DeliveryError', { cause: error });
    return error;
  }

  it('is signed as Standard Webhooks are, and has the activities and the headers that were asked for', async () => {
    await send([activityOf('a'), activityOf('b', '/ä')], { headers: { Authorization: 'Bearer x' } });
    const [{ method, target, headers, body } = { method: '', target: '', headers: {}, body: '' }] = received;
    expect([method, target]).toEqual(['POST', '/hooks?a=b']);
    const signed = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)]));
    expect(new Webhook(SECRET).verify(body, signed)).toEqual({
      type: 'djaffar.activities',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: { activities: [expect.objectContaining({ id: 'a' }), expect.objectContaining({ path: '/ä' })] },
    });
    expect(headers).toMatchObject({
      authorization: 'Bearer x',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'nestjs-djaffar',
      connection: 'close',
    });
  });

  it('has an id that only other activities change', async () => {
    for (const ids of ['a,b', 'a,b', 'a', 'b,a']) await send(ids.split(',').map((id) => activityOf(id)));
    const ids = received.map(({ headers }) => headers['webhook-id']);
    expect(ids[0]).toMatch(/^msg_[\w-]{27}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });

  it.each([200, 204, 299])('has worked if the answer is %i', async (given) => {
    status = given;
    await expect(send()).resolves.toBeUndefined();
    expect(received).toHaveLength(1);
  });

  it.each([
    [101, false],
    [300, false],
    [302, false],
    [404, false],
    [410, true],
    [503, false],
  ])('has failed if the answer is %i; for good: %s', async (given, isFinal) => {
    status = given;
    expect(await failureOf(send())).toMatchObject({ code: String(given), isFinal });
    expect(received).toHaveLength(1);
  });

  it('has failed if there is no answer in time', async () => {
    status = 0;
    expect(await failureOf(send(undefined, { timeout: 50 }))).toMatchObject({
      code: 'TIMEOUT',
      isFinal: false,
    });
  });

  it('has failed with the code of the connection if nobody listens', async () => {
    server.close();
    await once(server, 'close');
    expect(await failureOf(send())).toMatchObject({
      name: 'DeliveryError',
      code: 'ECONNREFUSED',
      isFinal: false,
    });
  });

  it('is encrypted if the URL says so', async () => {
    const { code } = await failureOf(send(undefined, { url: url.replace('http:', 'https:') }));
    expect(code).toMatch(/^(EPROTO|ERR_SSL_)/);
    expect(received).toEqual([]);
  });

  it('has worked if up to 10 informational answers come before the final one', async () => {
    hints = 10;
    await expect(send()).resolves.toBeUndefined();
  });

  it('has failed if more informational answers come', async () => {
    // It would be read together with the others if the process is slow.
    status = 0;
    hints = 11;
    expect(await failureOf(send())).toMatchObject({ code: 'INFORMATIONAL', isFinal: false });
  });

  it('is not sent to a private address without the option', async () => {
    expect(await failureOf(send(undefined, { privateAddresses: undefined }))).toMatchObject({
      code: 'PRIVATE_ADDRESS',
    });
    expect(received).toEqual([]);
  });

  it('goes to the addresses that were found for the name', async () => {
    await send(undefined, { url: url.replace('127.0.0.1', 'localhost') });
    expect(received[0]?.headers.host).toMatch(/^localhost:/);
  });

  it('is not sent if the delivery has ended before', async () => {
    const reason = new Error('ended');
    await expect(send(undefined, {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(received).toEqual([]);
  });

  it('is cancelled if the delivery ends', async () => {
    status = 0;
    const delivery = new AbortController();
    const sent = failureOf(send(undefined, {}, delivery.signal));
    await once(server, 'received');
    delivery.abort(new Error('the application ends'));
    expect((await sent).message).toContain('the application ends');
    expect((await sent).code).toBe('ERROR');
  });

  it('has at most 256 KiB with all that belongs to it, or one activity', async () => {
    const { countThatFits } = subscriptionOf();
    const bodyOf = async (activities: Activity[]): Promise<number> => {
      await send(activities);
      return Buffer.byteLength(received.at(-1)?.body ?? '');
    };
    const [first, second] = [activityOf('a', 'ä'.repeat(60_000)), activityOf('b')];
    // The second fills what is left.
    second.path = 'x'.repeat(MAX_BODY - (await bodyOf([first, second])));
    const third = activityOf('c');
    second.path += '/'.repeat(MAX_BODY - (await bodyOf([first, second])));
    expect(await bodyOf([first, second])).toBe(MAX_BODY);
    expect(countThatFits([first, second, third])).toBe(1);
    second.path = second.path.slice(1);
    expect(countThatFits([first, second, third])).toBe(2);
    expect(countThatFits([first])).toBe(1);
    expect(countThatFits([])).toBe(0);
    const large = activityOf('d', 'x'.repeat(MAX_BODY));
    expect(countThatFits([large, third])).toBe(1);
    expect(countThatFits([third, large])).toBe(1);
  });
});
