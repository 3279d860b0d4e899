import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  UnauthorizedException,
  VersioningType,
} from '@nestjs/common';
import type { HttpServer } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';
import { map } from 'rxjs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { index as INDEX } from '../../lib/generated/page.js';
import { AdaGuard, asAda, asEve, ask, DATA, linksIn, open } from '../support/dashboard.js';
import { ADAPTERS, type Host, type HostOptions, startHost } from '../support/host.js';

const PAGE = '/djaffar/dashboard/';
const ASSETS = linksIn(INDEX).map((link) => new URL(link, `http://localhost${PAGE}`).pathname);
const ROUTES: [method: string, path: string][] = [
  ['GET', '/djaffar/dashboard'],
  ...[PAGE, ...ASSETS].map((path): [string, string] => ['GET', path]),
  ...DATA.map(([method, path]): [string, string] => [method, `/djaffar/dashboard${path}`]),
];
const djaffar = { dashboard: { guards: [AdaGuard] } };

/** Answers by itself, as guards of logins do. */
class RedirectingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getResponse<{ redirect(url: string): void }>().redirect('/login');
    return false;
  }
}

const nobody: CanActivate = { canActivate: () => false };

@Catch(UnauthorizedException)
class RedirectingFilter implements ExceptionFilter {
  constructor(private readonly adapter: HttpServer) {}

  catch(_: UnauthorizedException, host: ArgumentsHost): void {
    this.adapter.redirect(host.switchToHttp().getResponse(), 302, '/login');
  }
}

describe.each(ADAPTERS)('the dashboard on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(options: Omit<HostOptions, 'adapter'> = {}): Promise<Host> {
    const host = await startHost({ adapter, djaffar, ...options });
    hosts.push(host);
    return host;
  }

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  /** How the page, what it loads, and all its data are answered. */
  async function answersOf(host: Host, headers: Record<string, string>): Promise<string[]> {
    const answers = ROUTES.map(async ([method, path]) => {
      const answer = await open(host, path, headers, method);
      // The stream would go on.
      answer.destroy();
      const { location } = answer.headers;
      return `${path}: ${answer.statusCode}${location === undefined ? '' : ` to ${location}`}`;
    });
    return Promise.all(answers);
  }

  const everywhere = (answer: string): string[] => ROUTES.map(([, path]) => `${path}: ${answer}`);

  describe('is for those whom its guards let in', () => {
    it('and is not there by default', async () => {
      const host = await start({ djaffar: { api: djaffar.dashboard } });
      expect(await answersOf(host, asAda)).toEqual(everywhere('404'));
      expect((await host.fetch('/djaffar/activities', { headers: asAda })).status).toBe(200);
    });

    it('and not for others', async () => {
      const host = await start();
      expect(await answersOf(host, {})).toEqual(everywhere('401'));
      expect(await answersOf(host, asEve)).toEqual(everywhere('403'));
      const [redirect, ...others] = everywhere('200');
      expect(await answersOf(host, asAda)).toEqual([
        redirect?.replace('200', '302 to dashboard/'),
        ...others,
      ]);
    });

    it('whomever the API lets in', async () => {
      const host = await start({ djaffar: { api: { guards: [AdaGuard] }, dashboard: { guards: [nobody] } } });
      expect(await answersOf(host, asAda)).toEqual(everywhere('403'));
      const other = await start({ djaffar: { api: { guards: [nobody] }, ...djaffar } });
      expect((await other.fetch('/djaffar/activities', { headers: asAda })).status).toBe(403);
      expect((await other.fetch(PAGE, { headers: asAda })).status).toBe(200);
    });

    it('and by all of them', async () => {
      const host = await start({ djaffar: { dashboard: { guards: [AdaGuard, nobody] } } });
      expect(await answersOf(host, asAda)).toEqual(everywhere('403'));
    });

    it('or sent elsewhere by one, also where that takes its time', async () => {
      const host = await start({
        djaffar: { dashboard: { guards: [new RedirectingGuard()] } },
        configure: (app) => {
          if (adapter === 'express') return;
          const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
          fastify.addHook('onSend', async (_request, _reply, payload) => payload);
        },
      });
      expect(await answersOf(host, {})).toEqual(everywhere('302 to /login'));
    });

    it('or sent elsewhere by a filter', async () => {
      const host = await start({
        configure: (app) => void app.useGlobalFilters(new RedirectingFilter(app.getHttpAdapter())),
      });
      expect(await answersOf(host, {})).toEqual(everywhere('302 to /login'));
    });
  });

  it.each<[string, string, Omit<HostOptions, 'adapter'>]>([
    ['as it is', '/djaffar/dashboard', {}],
    ['a global prefix', '/api/djaffar/dashboard', { configure: (app) => void app.setGlobalPrefix('api') }],
    [
      'versions below a prefix',
      '/api/djaffar/dashboard',
      {
        configure: (app) => {
          app.setGlobalPrefix('api');
          app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
        },
      },
    ],
    ['a path for Djaffar', '/internal/seen/dashboard', { djaffar: { ...djaffar, path: '/internal/seen/' } }],
    [
      'an interceptor that wraps all answers',
      '/djaffar/dashboard',
      {
        configure: (app) =>
          void app.useGlobalInterceptors({
            intercept: (_, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
          }),
      },
    ],
    ['slashes ignored', '/djaffar/dashboard', { fastify: { routerOptions: { ignoreTrailingSlash: true } } }],
  ])('with %s is at %s/, whereto the same without the slash leads', async (_, path, options) => {
    const host = await start(options);
    const page = await ask(host, `${path}/?range=week`);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.body.toString()).toBe(INDEX);
    for (const query of ['', '?', '?range=week&path=%2Fa%3Fb', '?a=1?b=2']) {
      const { status, headers } = await ask(host, path + query);
      expect({ status, location: headers.location }).toEqual({ status: 302, location: `dashboard/${query}` });
      expect(new URL(headers.location ?? '', host.url + path).pathname).toBe(`${path}/`);
    }
    const about = await ask(host, `${path}/data/about`);
    const { tracker } = JSON.parse(about.body.toString()) as { tracker: string };
    const script = await host.fetch(new URL(tracker, `${host.url}${path}/`).pathname);
    expect(script.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
    for (const link of linksIn(INDEX)) {
      const { headers } = await ask(host, new URL(link, `${host.url}${path}/`).pathname);
      expect(headers['content-type']).toMatch(/^(text\/(javascript|css)|image\/)/);
    }
  });

  it('has pages that are revalidated, and assets with a hash in their names that are cached forever, each compressed as the client accepts', async () => {
    const host = await start();
    const immutable = 'private, max-age=31536000, immutable';
    const assets = ASSETS.map(
      (asset) => [asset, /-\w{8}\.\w+$/.test(asset) ? immutable : 'no-cache'] as const,
    );
    const cases = [[PAGE, 'no-cache'] as const, ...assets];
    for (const [path, cacheControl] of cases) {
      const plain = await ask(host, path, asAda);
      expect(plain.headers).toMatchObject({ 'cache-control': cacheControl, vary: 'Accept-Encoding' });
      for (const [encoding, unpack] of [
        ['br', brotliDecompressSync],
        ['gzip', gunzipSync],
      ] as const) {
        const headers = { ...asAda, 'Accept-Encoding': encoding };
        const packed = await ask(host, path, headers);
        expect(packed.headers).toMatchObject({ 'content-encoding': encoding, 'cache-control': cacheControl });
        expect(unpack(packed.body).equals(plain.body)).toBe(true);
        const { etag = '' } = packed.headers;
        const again = await ask(host, path, { ...headers, 'If-None-Match': etag });
        expect(again).toMatchObject({ status: 304, headers: { etag, 'cache-control': cacheControl } });
        const head = await ask(host, path, headers, 'HEAD');
        expect(head).toMatchObject({ status: 200, headers: { etag }, body: Buffer.of() });
      }
    }
  });

  it('has the assets that the page was built with, and no other files', async () => {
    const host = await start();
    for (const name of [
      'none.js',
      '..%2Findex.html',
      '..%2F..%2Fclient%2Ftracker.js',
      '%2Fetc%2Fpasswd',
      '..',
      '.',
      '',
      '__proto__',
      'a%00b',
      'a/b',
    ])
      expect([name, (await ask(host, `/djaffar/dashboard/assets/${name}`)).status]).toEqual([name, 404]);
  });

  it('has strict headers of its own, or those of the host', async () => {
    const strict = {
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    };
    expect((await ask(await start(), PAGE)).headers).toMatchObject(strict);

    const host = await start({
      configure: (app) => {
        app.use(helmet());
        app.enableCors({ origin: ['https://a.example', 'https://b.example'] });
      },
    });
    const { headers: other } = await ask(host, '/nowhere');
    const { headers } = await ask(host, PAGE);
    expect(other['content-security-policy']).toContain("default-src 'self'");
    for (const name of Object.keys(strict)) expect(headers[name]).toBe(other[name]);
    expect(headers.vary?.split(', ').sort()).toEqual(['Accept-Encoding', 'Origin']);
  });

  it('is not described to the host that uses @nestjs/swagger, and the API is', async () => {
    const host = await start({ djaffar: { ...djaffar, api: djaffar.dashboard } });
    const paths = Object.keys(SwaggerModule.createDocument(host.app, new DocumentBuilder().build()).paths);
    expect(paths).toEqual(expect.arrayContaining(['/djaffar/activities', '/djaffar/stats/overview']));
    expect(paths.filter((path) => path.includes('dashboard') || path.includes('data'))).toEqual([]);
  });
});
