import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { CanActivate } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import fc from 'fast-check';
import { type Activity, Session } from '../../lib/index.js';
import {
  aBatch,
  aHeader,
  aType,
  anActivity,
  anyBody,
  deepJson,
  FORM,
  formOf,
  JSON_TYPE,
  TEXT,
} from '../support/arbitraries.js';
import { type Host, PAIRS, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

/** A guard of a host where nobody has an account. */
class NobodyGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

interface Told {
  statusCode: number;
  error?: unknown;
  message?: unknown;
  errors?: unknown;
}

interface Answer {
  status: number;
  stored: Activity[];
}

const aMediaType = fc.constantFrom(JSON_TYPE, TEXT, FORM);
/** The contract's answers to whatever a client may send. */
const ANSWERS = [204, 400, 413, 415];

const VALID = JSON.stringify({ date: '2026-02-03T04:05:06.789Z', path: '/' });

describe.each(PAIRS)('POST /djaffar/track/ on $adapter and $database', ({ adapter, database }) => {
  let host: Host;
  // Each adapter reads bodies in its own way; MariaDB is here for what it stores.
  const count = database === 'mariadb' ? 60 : 200;

  beforeAll(async () => {
    host = await startHost({
      adapter,
      database,
      djaffar: { guards: [NobodyGuard] },
      fastify: { trustProxy: true },
      configure: (app) => {
        if (adapter === 'express') (app as NestExpressApplication).set('trust proxy', true);
      },
    });
  });

  afterAll(() => host.close());

  /** Posts, holds the answer against the contract, and leaves nothing behind. */
  async function post(body: Buffer | string, headers: Record<string, string>): Promise<Answer> {
    const init = { method: 'POST', body: Buffer.from(body), headers };
    const response = await host.fetch('/djaffar/track/', init);
    const { status } = response;
    const text = await response.text();
    const stored = await host.stored();
    const sessions = await host.dataSource.getRepository(Session).count();
    if (stored.length > 0) await host.activities.erase({ from: '1970-01-01T00:00Z' });
    expect(ANSWERS).toContain(status);
    const isTaken = status === 204;
    const cookies = response.headers.getSetCookie().length;
    expect({ cookies, sessions, isStored: stored.length > 0 }).toEqual({
      cookies: isTaken ? 1 : 0,
      sessions: isTaken ? 1 : 0,
      isStored: isTaken,
    });
    const answer: Told = isTaken ? { statusCode: status } : JSON.parse(text);
    expect(answer.statusCode).toBe(status);
    expect(status === 400 ? faultOf(answer) : undefined).toBeUndefined();
    return { status, stored };
  }

  it('takes every activity and every batch that the contract allows, and stores exactly it', async () => {
    const aSending = fc.oneof(
      fc.tuple(fc.oneof(anActivity, aBatch), fc.constantFrom(JSON_TYPE, TEXT), fc.constant(false)),
      fc.tuple(anActivity, fc.constantFrom(FORM, TEXT), fc.constant(true)),
    );
    await fc.assert(
      fc.asyncProperty(aSending, async ([body, type, isForm]) => {
        const text = isForm ? formOf(body) : JSON.stringify(body);
        const { status, stored } = await post(text, { 'Content-Type': type });
        expect(status).toBe(204);
        const sent = distinct('activities' in body ? body.activities : [body]);
        const expected = sent.map(({ date, path, name = 'view', referer = null, properties = null }) =>
          JSON.stringify({ date, path, name, referer, properties }),
        );
        const recorded = stored.map(({ date, path, name, referer, properties }) =>
          JSON.stringify({ date, path, name, referer, properties }),
        );
        expect(recorded.sort()).toEqual(expected.sort());
      }),
      runs(count / 4),
    );
  });

  it('answers 204, 400, 413 or 415, and stores all or nothing, whatever the body', async () => {
    await fc.assert(
      fc.asyncProperty(anyBody, aMediaType, async (body, type) => {
        const { status, stored } = await post(body, { 'Content-Type': type });
        expect(stored).toHaveLength(status === 204 ? countOf(body.toString()) : 0);
      }),
      { ...runs(count), examples: [[Buffer.from('date=2026-02-03T04:05Z&path=/&__proto__=1'), FORM]] },
    );
  });

  it('answers 400 or 413 to what is nested, however deeply', async () => {
    await fc.assert(
      fc.asyncProperty(deepJson, aMediaType, async (json, type) => {
        const { status } = await post(json, { 'Content-Type': type });
        expect(status).toBe(Buffer.byteLength(json) > 65_536 ? 413 : 400);
      }),
      runs(count / 10),
    );
  });

  it('takes the three media types and no other, whatever the header says', async () => {
    const aBody = fc.oneof(fc.constantFrom(VALID, ''), anyBody);
    await fc.assert(
      fc.asyncProperty(aBody, fc.option(aType), async (body, type) => {
        const { status } = await post(body, type === null ? {} : { 'Content-Type': type });
        const isOurs = /^\s*(application\/(json|x-www-form-urlencoded)|text\/plain)\s*(;|$)/i.test(
          type ?? '',
        );
        expect(isOurs || status !== 204).toBe(true);
      }),
      runs(count / 2),
    );
  });

  it('takes an activity whatever the other headers say', async () => {
    const headers = fc.record(
      {
        Cookie: fc.oneof(
          aHeader,
          aHeader.map((value) => `djaffar_session=${value}`),
        ),
        Referer: aHeader,
        'User-Agent': aHeader,
        'X-Forwarded-For': aHeader,
        'X-Forwarded-Proto': aHeader,
        'X-Forwarded-Host': aHeader,
        Authorization: aHeader.filter((value) => !/^\s*bearer(\s|$)/i.test(value)),
        Origin: aHeader,
        'Accept-Language': aHeader,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(headers, async (some) => {
        const { status, stored } = await post(VALID, { ...some, 'Content-Type': JSON_TYPE });
        expect(status).toBe(204);
        expect(stored).toMatchObject([{ path: '/', userId: null }]);
      }),
      runs(count / 2),
    );
  });

  it('answers 204, 400, 413 or 415, whatever encoding the body is said to have', async () => {
    const anEncoding = fc.oneof(
      fc.constantFrom('gzip', 'deflate', 'br', 'identity', 'gzip, br', ''),
      aHeader,
    );
    const aBody = fc.oneof(
      anyBody,
      anyBody.map((body) => gzipSync(body)),
      fc.constantFrom(gzipSync(VALID), gzipSync('x'.repeat(10_000_000)), gzipSync(VALID).subarray(0, 20)),
    );
    await fc.assert(
      fc.asyncProperty(aBody, aMediaType, anEncoding, async (body, type, encoding) => {
        const { status } = await post(body, { 'Content-Type': type, 'Content-Encoding': encoding });
        expect(ANSWERS).toContain(status);
      }),
      runs(count / 4),
    );
  });

  it('takes the path of any Referer header', async () => {
    const body = JSON.stringify({ date: '2026-02-03T04:05:06.789Z' });
    const aReferer = aHeader.filter((value) => value.trim() !== '');
    await fc.assert(
      fc.asyncProperty(aReferer, async (referer) => {
        const { status } = await post(body, { Referer: referer, 'Content-Type': JSON_TYPE });
        expect(status).toBe(204);
      }),
      runs(count / 4),
    );
  });

  it('continues after a header of 10 MB', async () => {
    const { hostname, port } = new URL(host.url);
    const said = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString()));
      // Node's server may close the connection while the request is still being sent.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(answer));
      socket.write(`POST /djaffar/track/ HTTP/1.1\r\nHost: ${hostname}\r\nX-Long: ${'x'.repeat(10_000_000)}`);
    });
    expect(said === '' || said.startsWith('HTTP/1.1 431 ')).toBe(true);
    expect((await post(VALID, { 'Content-Type': JSON_TYPE })).status).toBe(204);
  });
});

/** What is wrong with the answer to something wrong. */
function faultOf(answer: Told): string | undefined {
  const { error, message, errors } = answer;
  if (error !== 'Bad Request') return `error is ${JSON.stringify(error)}`;
  if (typeof errors !== 'object' || errors === null || Array.isArray(errors)) return 'errors is no object';
  const arrays: unknown[] = Object.values(errors);
  const sentences = arrays.flat();
  if (sentences.length === 0 || !arrays.every((each) => Array.isArray(each))) return 'errors has no arrays';
  if (sentences.some((each) => typeof each !== 'string')) return 'errors has what is no text';
  return JSON.stringify(message) === JSON.stringify(sentences)
    ? undefined
    : 'message is not the errors, flat';
}

/** How many activities there are in a body that was taken. */
function countOf(text: string): number {
  try {
    const { activities } = JSON.parse(text) as { activities?: { id?: string }[] };
    return activities ? distinct(activities).length : 1;
  } catch {
    return 1;
  }
}

/** Of those with the same id the first. */
function distinct<T extends { id?: string | undefined }>(activities: T[]): T[] {
  const first = new Map(activities.toReversed().map((activity) => [activity.id?.toLowerCase(), activity]));
  return activities.filter((activity) => !activity.id || first.get(activity.id.toLowerCase()) === activity);
}
