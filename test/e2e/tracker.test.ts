import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import helmet from 'helmet';
import { map } from 'rxjs';
import { script } from '../../lib/generated/tracker.js';
import { ADAPTERS, type Host, startHost } from '../support/host.js';

const SCRIPT = Buffer.from(script);

const POST = { method: 'POST', headers: { 'Content-Type': 'application/json' } };

class Anybody {
  canActivate(): boolean {
    return true;
  }
}

interface Answer {
  status: number | undefined;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

describe.each(ADAPTERS)('GET /djaffar/tracker.js on %s', (adapter) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      adapter,
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.use(helmet());
        // Its header `Vary` stays.
        app.enableCors({ origin: ['https://shop.example', 'https://blog.example'] });
        // As hosts do that wrap what their controllers return.
        app.useGlobalInterceptors({
          intercept: (_, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
        });
      },
    });
  });

  afterAll(() => host.close());

  /** As it comes over the wire: unlike `fetch`, it unpacks nothing. */
  function get(headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      request(`${host.url}/api/djaffar/tracker.js`, { method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () =>
            resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
          );
      })
        .on('error', reject)
        .end();
    });
  }

  it.each([
    ['br', 'gzip, deflate, br, zstd', brotliDecompressSync],
    ['gzip', 'gzip, deflate', gunzipSync],
    ['gzip', 'br;q=0, gzip;q=0.1', gunzipSync],
    ['br', 'br;level=0', brotliDecompressSync],
    ['br', '*', brotliDecompressSync],
    ['gzip', 'GZIP ; Q=1, *;q=0', gunzipSync],
    [undefined, '*;q=0', (body: Buffer) => body],
    [undefined, 'identity', (body: Buffer) => body],
    [undefined, undefined, (body: Buffer) => body],
  ])('is packed with %s for Accept-Encoding: %s', async (encoding, accepted, unpack) => {
    const { status, headers, body } = await get(
      accepted === undefined ? {} : { 'Accept-Encoding': accepted },
    );
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-length': String(body.length),
      'cache-control': 'public, max-age=3600',
      'cross-origin-resource-policy': 'cross-origin',
    });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toBe('Origin, Accept-Encoding');
    expect(unpack(body).equals(SCRIPT)).toBe(true);
  });

  it('is packed as small as gzip can', async () => {
    const { body } = await get({ 'Accept-Encoding': 'gzip' });
    expect(body).toHaveLength(gzipSync(SCRIPT, { level: 9 }).length);
  });

  it('has a strong ETag for each encoding, and answers 304 to a matching request', async () => {
    const etags = new Set<string>();
    for (const encoding of ['br', 'gzip', 'identity']) {
      const { etag } = (await get({ 'Accept-Encoding': encoding })).headers;
      expect(etag).toMatch(/^"[\w-]+"$/);
      etags.add(String(etag));
      for (const known of [String(etag), `W/${String(etag)}`, `"other", ${String(etag)}`, '*']) {
        const again = await get({ 'Accept-Encoding': encoding, 'If-None-Match': known });
        expect(again).toMatchObject({
          status: 304,
          headers: {
            etag,
            'cache-control': 'public, max-age=3600',
            'cross-origin-resource-policy': 'cross-origin',
          },
          body: Buffer.of(),
        });
      }
      expect((await get({ 'Accept-Encoding': encoding, 'If-None-Match': '"other"' })).status).toBe(200);
    }
    expect(etags.size).toBe(3);
  });

  it('answers HEAD without the script', async () => {
    const { status, headers, body } = await get({ 'Accept-Encoding': 'gzip' }, 'HEAD');
    expect({ status, length: body.length }).toEqual({ status: 200, length: 0 });
    expect(headers.etag).toBe((await get({ 'Accept-Encoding': 'gzip' })).headers.etag);
  });
});

it.each(ADAPTERS)('has other names, and so has the tracking route, on %s', async (adapter) => {
  const host = await startHost({
    adapter,
    djaffar: { path: 'x/', route: 'event', tracker: 'app.js', dashboard: { guards: [Anybody] } },
  });
  try {
    const served = await host.fetch('/x/app.js');
    expect(served.headers.get('Vary')).toBe('Accept-Encoding');
    expect(await served.text()).toContain('event');
    const body = { date: new Date().toISOString(), path: '/' };
    for (const end of ['event', 'event/'])
      expect((await host.fetch(`/x/${end}`, { ...POST, body: JSON.stringify(body) })).status).toBe(204);
    expect(await host.stored()).toHaveLength(2);
    expect((await host.fetch('/x/event')).status).toBe(405);
    for (const old of ['tracker.js', 'track']) expect((await host.fetch(`/x/${old}`)).status).toBe(404);
    const about = await host.fetch('/x/dashboard/data/about');
    expect(await about.text()).toContain('/app.js"');
  } finally {
    await host.close();
  }
});

it.each(['README.md', 'docs/browser.md'])('has the size that %s states', (file) => {
  const [, zipped, packed, raw] =
    /([\d.]+) kB with gzip, ([\d.]+) kB with Brotli \(([\d.]+) kB unpacked\)/.exec(
      readFileSync(file, 'utf8').replaceAll(/\s+/g, ' '),
    ) ?? [];
  const kilobytes = (content: Buffer): string => (content.length / 1000).toFixed(1);
  expect([zipped, packed, raw]).toEqual([
    kilobytes(gzipSync(SCRIPT, { level: 9 })),
    kilobytes(brotliCompressSync(SCRIPT)),
    kilobytes(SCRIPT),
  ]);
});
