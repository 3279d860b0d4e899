import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { StreamableFile } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { CompressedFile } from '../../lib/http/compressed-file.js';

/** Its size with level 9 differs from that with the default. */
const CONTENT = Array.from({ length: 3000 }, (_, i) => `function f${(i * 7919) % 10_007}() {}\n`).join('');

interface Answer {
  status: number;
  headers: Record<string, string>;
  file: StreamableFile | undefined;
}

const file = new CompressedFile(CONTENT, 'text/javascript', 'no-cache');

async function send(headers: Record<string, string>): Promise<Answer> {
  const answer: Answer = { status: 0, headers: {}, file: undefined };
  const httpAdapter = {
    getHeader: () => undefined,
    setHeader: (_: object, name: string, value: string) => (answer.headers[name] = value),
    reply: (_: object, body: StreamableFile | undefined, status: number) =>
      Object.assign(answer, { file: body, status }),
  };
  await file.send({ httpAdapter } as unknown as HttpAdapterHost, { headers }, {});
  return answer;
}

describe('a compressed file', () => {
  it('is compressed as much as gzip can', async () => {
    const { file: sent } = await send({ 'accept-encoding': 'gzip' });
    const body = await buffer(sent!.getStream());
    expect(gunzipSync(body).toString()).toBe(CONTENT);
    expect(body.length).toBe(gzipSync(CONTENT, { level: 9 }).length);
    expect(body.length).not.toBe(gzipSync(CONTENT).length);
  });

  it.each(['br', 'gzip'])('is compressed once with %s', async (encoding) => {
    const [first, second] = await Promise.all(
      [1, 2].map(
        async () => (await send({ 'accept-encoding': encoding })).file!.getStream().read() as Buffer,
      ),
    );
    expect(second).toBe(first);
  });

  it.each([
    ['identity', /^"[\w-]{22}"$/],
    ['gzip', /^"[\w-]{22}-gzip"$/],
    ['br', /^"[\w-]{22}-br"$/],
  ])('has a short ETag that names the encoding, if there is one: %s', async (encoding, pattern) => {
    expect((await send({ 'accept-encoding': encoding })).headers.ETag).toMatch(pattern);
  });

  it('is sent to a client that knows an ETag with W/ inside its quotes', async () => {
    const { ETag = '' } = (await send({})).headers;
    expect((await send({ 'if-none-match': `W/${ETag}` })).status).toBe(304);
    expect((await send({ 'if-none-match': ETag.replace('"', '"W/') })).status).toBe(200);
  });
});
