import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { Controller, Get, VersioningType } from '@nestjs/common';
import { json, urlencoded } from 'express';
import { ADAPTERS, type Host, type HostOptions, startHost, trackOnce } from '../support/host.js';

const date = '2026-02-03T04:05:06.789Z';
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const BOTH = ['/djaffar/track', '/djaffar/track/'];

const asJson = JSON.stringify({ date, path: '/' });
const asForm = new URLSearchParams({ date, path: '/' }).toString();
const anonymous = { status: 204, user: null };

@Controller({ path: 'ping', version: '2' })
class SecondVersionController {
  @Get()
  ping(): string {
    return 'pong';
  }
}

describe.each(ADAPTERS)('a host on %s', (adapter) => {
  let host: Host;

  async function start(options: Omit<HostOptions, 'adapter'>): Promise<void> {
    host = await startHost({ adapter, ...options });
  }

  afterEach(() => host.close());

  async function statusOf(body: string, type: string, path = '/djaffar/track/'): Promise<number> {
    const response = await host.fetch(path, { method: 'POST', body, headers: { 'Content-Type': type } });
    return response.status;
  }

  const header = 'X-Api-Version';
  const versionings: [string, NonNullable<HostOptions['configure']>, Record<string, string>][] = [
    [
      'a header',
      (app) => void app.enableVersioning({ type: VersioningType.HEADER, header }),
      { [header]: '2' },
    ],
    [
      'a header, with a default version',
      (app) => void app.enableVersioning({ type: VersioningType.HEADER, header, defaultVersion: '1' }),
      { [header]: '2' },
    ],
    [
      'the media type',
      (app) => void app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=' }),
      { Accept: 'application/json;v=2' },
    ],
    [
      'a header, below a prefix',
      (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.HEADER, header, defaultVersion: '1' });
      },
      { [header]: '2' },
    ],
  ];

  it.each(versionings)(
    'that tells versions by %s has the tracking route in each',
    async (name, configure, second) => {
      const prefix = name.endsWith('prefix') ? '/api' : '';
      await start({ configure, controllers: [SecondVersionController] });
      expect((await host.fetch(`${prefix}/ping`, { headers: second })).status).toBe(200);
      expect((await host.fetch(`${prefix}/ping`)).status).toBe(404);
      for (const path of BOTH) {
        for (const headers of [{}, second, { [header]: '9' }])
          expect(await trackOnce(host, headers, prefix + path)).toEqual(anonymous);
        for (const [body, type] of [
          [asForm, FORM],
          [asJson, 'text/plain'],
        ] as const)
          expect(await statusOf(body, type, prefix + path)).toBe(204);
        const refused = await host.fetch(prefix + path, { headers: second });
        expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'POST']);
      }
      expect(await host.stored()).toHaveLength(10);
    },
  );

  describe('with `bodyParser: false`', () => {
    const application: HostOptions['application'] = { bodyParser: false };

    it('takes text/plain, that holds JSON or a form', async () => {
      await start({ application });
      for (const path of BOTH) {
        expect(await statusOf(asJson, 'text/plain', path)).toBe(204);
        expect(await statusOf(asForm, 'text/plain;charset=UTF-8', path)).toBe(204);
      }
      expect(await host.stored()).toHaveLength(4);
      expect(await statusOf('{"date":', 'text/plain')).toBe(400);
      expect(await statusOf('x'.repeat(70_000), 'text/plain')).toBe(413);
      expect(await host.stored()).toHaveLength(4);
    });

    it('takes what the parsers of the host read', async () => {
      // Fastify has one for JSON of its own.
      const parsers: HostOptions['configure'] = (app) =>
        void app.use(json({ limit: '1mb' }), urlencoded({ extended: true }));
      const [configure, forms] = adapter === 'express' ? [parsers, [asForm]] : [undefined, []];
      await start({ application, configure });
      for (const form of forms) expect(await statusOf(form, FORM)).toBe(204);
      expect(await statusOf(asJson, JSON_TYPE)).toBe(204);
      expect(await statusOf(asJson, 'text/plain')).toBe(204);
      expect(await statusOf('{"date":', JSON_TYPE)).toBe(400);
      expect(await statusOf(JSON.stringify({ x: 'x'.repeat(70_000) }), JSON_TYPE)).toBe(413);
      expect(await host.stored()).toHaveLength(2 + forms.length);
    });
  });

  it.each(['text/plain', JSON_TYPE, FORM])('logs no error if an upload of %s breaks off', async (type) => {
    const errors: unknown[] = [];
    const logger = { log() {}, warn() {}, error: (message: unknown) => void errors.push(message) };
    let closed: Promise<unknown> | undefined;
    await start({
      application: { logger },
      configure: (app) => {
        app.use((request: IncomingMessage, _: unknown, next: () => void) => {
          closed ??= new Promise((resolve) => void request.once('close', resolve));
          next();
        });
      },
    });
    const { hostname, port } = new URL(host.url);
    const socket = connect(Number(port), hostname);
    const begun = ['POST /djaffar/track HTTP/1.1', 'Host: x', `Content-Type: ${type}`, 'Content-Length: 100'];
    const isHeard = once(host.app.getHttpServer() as Server, 'request');
    socket.write(`${begun.join('\r\n')}\r\n\r\n{"date":`);
    await isHeard;
    socket.destroy();
    await closed;
    // What it leads to has been done when another request is answered.
    expect(await statusOf(asJson, JSON_TYPE)).toBe(204);
    expect(errors).toEqual([]);
  });
});
