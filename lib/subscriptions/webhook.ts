import { createHash, createHmac } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Activity } from '../activity/activity.js';
import type { Delivery, SubscriptionOptions, WebhookOptions } from '../options/subscription.options.js';
import { describeThrown } from '../diagnostics/thrown.js';
import { onAbort } from '../store/cancellation.js';
import { DeliveryError } from './delivery.error.js';
import { resolveAddresses } from './public-address.js';

/** Bytes of the body of one request. */
const MAX_BODY = 256 * 1024;
/** Bytes of the headers of an answer; its body is not read. */
const MAX_ANSWER = 16 * 1024;
/** How many 1xx answers may come before the final one. */
const MAX_INFORMATIONAL = 10;

/** Milliseconds in which a late request can be cancelled. */
const MARGIN = 1000;
/** The status of a receiver that wants no more requests. */
const GONE = 410;

/** The activities of one request. */
interface Message {
  id: string;
  body: string;
}

interface WebhookSubscription extends SubscriptionOptions {
  countThatFits: (activities: Activity[]) => number;
}

/** A webhook as a subscription. */
export function subscriptionOfWebhook(webhook: WebhookOptions): WebhookSubscription {
  const { url, name, filter, from, maxBatch = 100, maxFailures, lease, timeout = 15_000 } = webhook;
  return {
    name: name ?? deriveName(url),
    filter,
    from,
    maxBatch,
    maxFailures,
    lease,
    // The request itself ends after `timeout`, which is earlier.
    timeout: timeout + MARGIN,
    // One call sends one request. It is settled before the next one is built, from the activities that are stored then.
    countThatFits: countOfMessage,
    handler: (activities, delivery) => send({ ...webhook, timeout }, buildMessage(activities), delivery),
  };
}

/** The host, so that people recognize it, and a hash, because one host may have several webhooks. */
function deriveName(url: string): string {
  const host = new URL(url).hostname.replaceAll(/[^\w.-]/g, '').slice(0, 47);
  return `${host}-${createHash('sha256').update(url).digest('hex').slice(0, 16)}`;
}

/** Returns how many of the first activities fit into one request, at least one. */
function countOfMessage(activities: Activity[]): number {
  let bytes = Buffer.byteLength(buildMessage([]).body);
  const count = activities.findIndex((activity) => {
    bytes += Buffer.byteLength(JSON.stringify(activity)) + 1;
    return bytes > MAX_BODY;
  });
  return count === -1 ? activities.length : Math.max(count, 1);
}

/** If the same activities are sent again, the id is the same. */
function buildMessage(activities: Activity[]): Message {
  const ids = activities.map(({ id }) => id).join();
  return {
    id: `msg_${createHash('sha256').update(ids).digest('base64url').slice(0, 27)}`,
    body: JSON.stringify({ type: 'djaffar.activities', timestamp: new Date(), data: { activities } }),
  };
}

/** Signs a message as https://www.standardwebhooks.com defines it. */
function sign(secret: string, { id, body }: Message, timestamp: number): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** @throws DeliveryError unless the receiver has answered 2xx */
async function send(
  { url, secret, headers, timeout, privateAddresses = false }: WebhookOptions & { timeout: number },
  message: Message,
  { signal }: Delivery,
): Promise<void> {
  signal.throwIfAborted();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const status = await untilAborted(post(new URL(url), message, limit), limit).catch((error: unknown) => {
    if (error instanceof DeliveryError) throw error;
    if (limit.aborted && !signal.aborted)
      throw new DeliveryError(`it did not answer within ${timeout} ms`, 'TIMEOUT');
    throw new DeliveryError(describeThrown(error).reason, readCode(error));
  });
  if (status >= 200 && status < 300) return;
  throw new DeliveryError(`it answered ${status}`, String(status), status === GONE);

  async function post(target: URL, { id, body }: Message, cancel: AbortSignal): Promise<number> {
    const addresses = await resolveAddresses(target.hostname, privateAddresses);
    cancel.throwIfAborted();
    const timestamp = Math.floor(Date.now() / 1000);
    return new Promise((resolve, reject) => {
      const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
        method: 'POST',
        // A kept connection could lead to an address that was not checked.
        agent: false,
        lookup: (_hostname, { all }, callback) =>
          all ? callback(null, addresses) : callback(null, addresses[0].address, addresses[0].family),
        maxHeaderSize: MAX_ANSWER,
        signal: cancel,
        headers: {
          ...headers,
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
          'User-Agent': 'nestjs-djaffar',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': sign(secret, { id, body }, timestamp),
        },
      });
      request.on('response', (response) => {
        // A redirect is not followed, and the body is not needed.
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      // Without a listener, the connection would be closed and the answer be lost.
      request.on('upgrade', (response, socket) => {
        resolve(response.statusCode ?? 0);
        socket.destroy();
      });
      let informational = 0;
      request.on('information', () => {
        informational += 1;
        // A flood of them would use the event loop until the time-out.
        if (informational > MAX_INFORMATIONAL)
          request.destroy(
            new DeliveryError(`it sent more than ${MAX_INFORMATIONAL} answers 1xx`, 'INFORMATIONAL'),
          );
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}

/** Rejects when the signal aborts. A DNS lookup cannot be cancelled, so its result is ignored. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason));
    void work.then(resolve, reject).finally(stop);
  });
}

function readCode(error: unknown): string {
  const { code }: { code?: unknown } = typeof error === 'object' && error !== null ? error : {};
  return typeof code === 'string' ? code.slice(0, 64) : 'ERROR';
}
