import { promisify } from 'node:util';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  HttpException,
  type HttpServer,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Post,
  Req,
  Scope,
  SetMetadata,
  ValidationPipe,
  VersioningType,
} from '@nestjs/common';
import { APP_GUARD, Reflector, REQUEST } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import session from 'express-session';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { map, type Observable } from 'rxjs';
import { DjaffarModule, type DjaffarOptions } from '../../lib/index.js';
import { ADAPTERS, cookieOf, type Host, type HostOptions, startHost, trackOnce } from '../support/host.js';

const SECRET = 'known to the tests alone';
const date = '2026-02-03T04:05:06.789Z';

interface User {
  id: number;
  username: string;
}

const ada: User = { id: 2, username: 'ada' };
const jeff: User = { id: 1, username: 'jeff' };

type HostRequest = Request & { user?: User; raw?: Request & { user?: User } };

const requestOf = (context: ExecutionContext): HostRequest => context.switchToHttp().getRequest();

function bearer({ id, username }: User, secret = SECRET): Record<string, string> {
  return { Authorization: `Bearer ${new JwtService({ secret }).sign({ sub: id, username })}` };
}

const forged = bearer(ada, 'another secret');

@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET });
  }

  validate({ sub, username }: { sub: number; username: string }): User {
    return { id: sub, username };
  }
}

@Injectable()
class JwtAuthGuard extends AuthGuard('jwt') {}

@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return requestOf(context).user?.id === ada.id;
  }
}

@Module({ imports: [PassportModule], providers: [JwtStrategy, JwtAuthGuard], exports: [JwtAuthGuard] })
class JwtModule {}

@Injectable()
class SessionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.user ??= request.raw?.user;
    return request.user !== undefined;
  }
}

@Injectable()
class Serializer extends PassportSerializer {
  serializeUser(user: User, done: (error: null, key: number) => void): void {
    done(null, user.id);
  }

  deserializeUser(key: number, done: (error: null, user: User | false) => void): void {
    done(null, [ada, jeff].find(({ id }) => id === key) ?? false);
  }
}

@Controller()
class LoginController {
  @Post('login')
  async login(@Req() request: HostRequest): Promise<void> {
    const ofNode = request.raw ?? request;
    await promisify<Express.User, void>(ofNode.logIn.bind(ofNode))(jeff);
  }
}

@Module({
  imports: [PassportModule.register({ session: true })],
  controllers: [LoginController],
  providers: [Serializer, SessionGuard],
  exports: [SessionGuard],
})
class SessionModule {}

const withSession: HostOptions['configure'] = (app) => {
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, rolling: true }));
  app.use(passport.session());
};

const Public = (): ClassDecorator => SetMetadata('isPublic', true);

@Injectable()
class PublicOrJwtGuard extends AuthGuard('jwt') {
  constructor(private readonly reflector: Reflector) {
    super();
  }

  override canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    const targets = [context.getHandler(), context.getClass()];
    return this.reflector.getAllAndOverride<boolean | undefined>('isPublic', targets) === true
      ? true
      : super.canActivate(context);
  }
}

/** Accepts whoever names himself. */
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    const name = request.headers['x-user'];
    if (typeof name === 'string') request.user = { id: 7, username: name };
    return request.user !== undefined;
  }
}

const asEve = { 'X-User': 'eve' };

@Injectable({ scope: Scope.REQUEST })
class RequestScopedGuard implements CanActivate {
  private readonly name: string | string[] | undefined;

  constructor(@Inject(REQUEST) request: HostRequest) {
    this.name = request.headers['x-user'];
  }

  canActivate(context: ExecutionContext): boolean {
    if (typeof this.name === 'string') requestOf(context).user = { id: 7, username: this.name };
    return this.name !== undefined;
  }
}

@Injectable()
class Directory {
  find(name: unknown): User | undefined {
    return name === 'eve' ? { id: 8, username: 'eve of the directory' } : undefined;
  }
}

@Module({ providers: [Directory], exports: [Directory] })
class DirectoryModule {}

@Injectable()
class DirectoryGuard implements CanActivate {
  constructor(private readonly directory: Directory) {}

  canActivate(context: ExecutionContext): boolean {
    const user = this.directory.find(requestOf(context).headers['x-user']);
    if (user) requestOf(context).user = user;
    return user !== undefined;
  }
}

@Controller('ping')
class PingController {
  @Get()
  ping(): string {
    return 'pong';
  }
}

class Wrap implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Catch(HttpException)
class Reshape implements ExceptionFilter<HttpException> {
  constructor(private readonly adapter: HttpServer) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    const status = exception.getStatus();
    this.adapter.reply(host.switchToHttp().getResponse(), { reshaped: exception.getResponse() }, status);
  }
}

const anonymous = { status: 204, user: null };
const unauthorized = { status: 401 };

describe.each(ADAPTERS)('a host on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(options: Omit<HostOptions, 'adapter'> = {}): Promise<Host> {
    const host = await startHost({ adapter, ...options });
    hosts.push(host);
    return host;
  }

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  describe('with routes of its own ways', () => {
    const ways: [string, string, Omit<HostOptions, 'adapter'>][] = [
      ['none', '/djaffar/track', {}],
      ['a global prefix', '/api/djaffar/track', { configure: (app) => void app.setGlobalPrefix('api') }],
      [
        'versions in the path',
        '/djaffar/track',
        { configure: (app) => void app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }) },
      ],
      [
        'versions below a prefix',
        '/api/djaffar/track',
        {
          configure: (app) => {
            app.setGlobalPrefix('api');
            app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
          },
        },
      ],
      ['a path for Djaffar', '/internal/seen/track', { djaffar: { path: 'internal/seen' } }],
      ['a path with slashes', '/seen/track', { djaffar: { path: '/seen/' } }],
      [
        'a path for Djaffar below a prefix',
        '/api/seen/track',
        { djaffar: { path: 'seen' }, configure: (app) => void app.setGlobalPrefix('/api') },
      ],
    ];

    it.each(ways)('(%s) has the tracking route at %s', async (_, path, options) => {
      const host = await start({ ...options, controllers: [PingController] });
      for (const at of [path, `${path}/`]) {
        expect(await trackOnce(host, {}, at)).toEqual(anonymous);
        const send = (body: string, type: string): Promise<Response> =>
          host.fetch(at, { method: 'POST', body, headers: { 'Content-Type': type } });
        expect((await send(`date=${date}&path=/`, 'text/plain')).status).toBe(204);
        expect((await send(`date=${date}&path=/`, 'application/x-www-form-urlencoded')).status).toBe(204);
        const broken = await send('{"date":', 'application/json');
        expect(await broken.json()).toMatchObject({
          statusCode: 400,
          errors: { body: [expect.any(String)] },
        });
        const large = await send(`{"path":"${'x'.repeat(70_000)}"}`, 'application/json');
        expect(large.status).toBe(413);
        expect((await host.fetch(at)).headers.get('Allow')).toBe('POST');
      }
      expect(await host.stored()).toHaveLength(6);
      const elsewhere = ['/djaffar/track', '/v1/djaffar/track', '/api/v1/djaffar/track'];
      for (const at of elsewhere.filter((other) => other !== path))
        expect(await trackOnce(host, {}, at)).toEqual({ status: 404 });
    });

    it('keeps its own limit and its own answers on its own routes', async () => {
      @Controller('echo')
      class EchoController {
        @Post()
        echo(@Req() { body }: HostRequest): unknown {
          return body;
        }
      }
      const host = await start({ controllers: [EchoController] });
      const send = (body: string): Promise<Response> =>
        host.fetch('/echo', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
      expect((await send(JSON.stringify({ x: 'x'.repeat(70_000) }))).status).toBe(201);
      const broken = await send('{"a":');
      expect(broken.status).toBe(400);
      expect(await broken.json()).not.toHaveProperty('errors');
    });

    it.each(['other', 'internal/djaffar'])('has it twice, the second time at %s', async (path) => {
      const host = await start({ imports: [DjaffarModule.forRoot({ path, guards: [new HeaderGuard()] })] });
      for (const end of ['track', 'track/']) {
        expect(await trackOnce(host, asEve, `/djaffar/${end}`)).toEqual(anonymous);
        expect(await trackOnce(host, asEve, `/${path}/${end}`)).toEqual({ status: 204, user: 'eve' });
      }
    });

    it('has its CORS settings', async () => {
      const origin = 'https://shop.example';
      const host = await start({ configure: (app) => app.enableCors({ origin, credentials: true }) });
      const asked = { Origin: origin, 'Access-Control-Request-Method': 'POST' };
      const preflight = await host.fetch('/djaffar/track/', { method: 'OPTIONS', headers: asked });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('Access-Control-Allow-Methods')).toContain('POST');
      const response = await host.post({ date, path: '/' }, { Origin: origin });
      expect(response.status).toBe(204);
      for (const { headers } of [preflight, response]) {
        expect(headers.get('Access-Control-Allow-Origin')).toBe(origin);
        expect(headers.get('Access-Control-Allow-Credentials')).toBe('true');
      }
    });
  });

  describe('with a global', () => {
    it('strict ValidationPipe', async () => {
      const pipe = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });
      const host = await start({ configure: (app) => void app.useGlobalPipes(pipe) });
      const body = { date, path: '/', properties: { plan: 'pro' } };
      expect((await host.post(body)).status).toBe(204);
      expect((await host.post({ activities: [body, body] })).status).toBe(204);
      expect((await host.post(JSON.stringify(body), { 'Content-Type': 'text/plain' })).status).toBe(204);
      const form = new URLSearchParams({ date, path: '/', properties: '{"plan":"pro"}' });
      expect((await host.fetch('/djaffar/track/', { method: 'POST', body: form })).status).toBe(204);
      expect((await host.stored()).map(({ properties }) => properties)).toEqual(
        Array.from({ length: 5 }, () => ({ plan: 'pro' })),
      );
      const wrong = (await host.post({ date, path: 5, x: 1 }).then((response) => response.json())) as {
        errors: object;
      };
      expect(Object.keys(wrong.errors).sort()).toEqual(['path', 'x']);
    });

    it('interceptor and a filter', async () => {
      const host = await start({
        controllers: [PingController],
        configure: (app) => {
          app.useGlobalInterceptors(new Wrap());
          app.useGlobalFilters(new Reshape(app.getHttpAdapter()));
        },
      });
      expect(await host.fetch('/ping').then((response) => response.json())).toEqual({ data: 'pong' });
      const response = await host.post({ date, path: '/' });
      expect([response.status, await response.text()]).toEqual([204, '']);
      expect(response.headers.getSetCookie()).toHaveLength(1);
      for (const [body, type, status, message] of [
        ['{"path":"/"}', 'application/json', 400, { errors: { date: [expect.any(String)] } }],
        ['{"date":', 'application/json', 400, { errors: { body: [expect.any(String)] } }],
        ['<a/>', 'text/xml', 415, {}],
        [JSON.stringify({ x: 'x'.repeat(70_000) }), 'application/json', 413, {}],
      ] as const) {
        const refused = await host.post(body, { 'Content-Type': type });
        expect(refused.status).toBe(status);
        expect(await refused.json()).toMatchObject({ reshaped: { statusCode: status, ...message } });
      }
      const refused = await host.fetch('/djaffar/track/');
      expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'POST']);
      expect(await refused.json()).toMatchObject({ reshaped: { statusCode: 405 } });
    });

    const globalGuard = { provide: APP_GUARD, useClass: PublicOrJwtGuard };

    it.each<[string, HostOptions['providers'], typeof JwtAuthGuard]>([
      ['asked again for the user', [globalGuard], PublicOrJwtGuard],
      [
        'of one instance',
        [PublicOrJwtGuard, { provide: APP_GUARD, useExisting: PublicOrJwtGuard }],
        PublicOrJwtGuard,
      ],
      ['beside one that tells the user', [globalGuard], JwtAuthGuard],
    ])('guard that lets public routes pass, %s', async (_, providers, guard) => {
      const djaffar = { imports: [JwtModule], guards: [guard], decorators: [Public()] };
      const host = await start({ providers, controllers: [PingController], djaffar });
      expect((await host.fetch('/ping')).status).toBe(401);
      expect(await trackOnce(host)).toEqual(anonymous);
      expect(await trackOnce(host, bearer(ada))).toEqual({ status: 204, user: 'ada' });
      expect(await trackOnce(host, forged)).toEqual(unauthorized);
    });

    it('guard that refuses anonymous requests, and identifies the user', async () => {
      const host = await start({ imports: [JwtModule], providers: [globalGuard] });
      expect(await trackOnce(host)).toEqual(unauthorized);
      expect(await trackOnce(host, bearer(ada))).toEqual({ status: 204, user: 'ada' });
    });

    it.each<[string, HostOptions['providers'], NonNullable<DjaffarOptions['api']>]>([
      ['guard that keeps the activities from the public', [globalGuard], { guards: [AdminGuard] }],
      ['nothing, and guards of the activities alone', [], { guards: [JwtAuthGuard, AdminGuard] }],
    ])('%s', async (_, providers, api) => {
      const host = await start({ providers, djaffar: { imports: [JwtModule], decorators: [Public()], api } });
      const answers = [{}, forged, bearer(jeff), bearer(ada)].map((headers) =>
        host.fetch('/djaffar/activities', { headers }),
      );
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401, 403, 200]);
    });
  });

  describe('knows its users', () => {
    it('by a JWT', async () => {
      const host = await start({ djaffar: { imports: [JwtModule], guards: [JwtAuthGuard] } });
      expect(await trackOnce(host)).toEqual(anonymous);
      expect(await trackOnce(host, bearer(ada))).toEqual({ status: 204, user: 'ada' });
      expect(await trackOnce(host, forged)).toEqual(unauthorized);
      expect(await trackOnce(host, { Authorization: 'Bearer' })).toEqual(unauthorized);
      expect(await trackOnce(host, { Authorization: 'Basic eDp5' })).toEqual(anonymous);
    });

    it('by a session, without guards', async () => {
      const host = await start({ imports: [SessionModule], configure: withSession });
      expect(await trackOnce(host)).toEqual(anonymous);
      const Cookie = cookieOf(await host.fetch('/login', { method: 'POST' }));
      expect(await trackOnce(host, { Cookie })).toEqual({ status: 204, user: 'jeff' });
      expect(await trackOnce(host, bearer(ada))).toEqual(anonymous);
      const cookies = (await host.post({ date, path: '/' }, { Cookie })).headers.getSetCookie();
      expect(cookies.map((cookie) => cookie.split('=', 1)[0])).toEqual(
        expect.arrayContaining(['connect.sid', 'djaffar_session']),
      );
    });

    it('by a session or a JWT', async () => {
      const host = await start({
        configure: withSession,
        djaffar: { imports: [SessionModule, JwtModule], guards: [SessionGuard, JwtAuthGuard] },
      });
      expect(await trackOnce(host)).toEqual(anonymous);
      const Cookie = cookieOf(await host.fetch('/login', { method: 'POST' }));
      expect(await trackOnce(host, { Cookie })).toEqual({ status: 204, user: 'jeff' });
      expect(await trackOnce(host, bearer(ada))).toEqual({ status: 204, user: 'ada' });
      expect(await trackOnce(host, forged)).toEqual(unauthorized);
      expect(await trackOnce(host, { Cookie, ...forged })).toEqual({ status: 204, user: 'jeff' });
    });

    it("by a session of Passport's middleware, where guards name nobody", async () => {
      const djaffar: HostOptions['djaffar'] = { imports: [SessionModule, JwtModule], guards: [JwtAuthGuard] };
      const host = await start({ configure: withSession, djaffar });
      const Cookie = cookieOf(await host.fetch('/login', { method: 'POST' }));
      expect(await trackOnce(host)).toEqual(anonymous);
      expect(await trackOnce(host, { Cookie })).toEqual({ status: 204, user: 'jeff' });
      expect(await trackOnce(host, { Cookie, ...bearer(ada) })).toEqual({ status: 204, user: 'ada' });
      expect(await trackOnce(host, { Cookie, ...forged })).toEqual(unauthorized);
      const lenient = await start({
        configure: withSession,
        djaffar: { ...djaffar, rejectedCredentials: 'anonymous' },
      });
      const cookie = cookieOf(await lenient.fetch('/login', { method: 'POST' }));
      expect(await trackOnce(lenient, { Cookie: cookie, ...forged })).toEqual(anonymous);
    });

    it('by the default strategy of Passport', async () => {
      const host = await start({
        imports: [PassportModule.register({ defaultStrategy: 'jwt' })],
        providers: [JwtStrategy],
      });
      expect(await trackOnce(host)).toEqual(anonymous);
      expect(await trackOnce(host, bearer(ada))).toEqual({ status: 204, user: 'ada' });
      expect(await trackOnce(host, forged)).toEqual(unauthorized);
    });

    it('not at all without Passport', async () => {
      const host = await start();
      expect(await trackOnce(host, bearer(ada))).toEqual(anonymous);
      expect(await trackOnce(host, forged)).toEqual(anonymous);
    });

    it.each<[string, HostOptions['djaffar'], HostOptions['providers'], string]>([
      ['given as an instance', { guards: [new HeaderGuard()] }, [], 'eve'],
      ['that it provides nowhere', { guards: [HeaderGuard] }, [], 'eve'],
      [
        'that depends on an imported module',
        { guards: [DirectoryGuard], imports: [DirectoryModule] },
        [],
        'eve of the directory',
      ],
      [
        'of its own, with what it depends on',
        { guards: [DirectoryGuard] },
        [Directory, DirectoryGuard],
        'eve of the directory',
      ],
      ['for each request', { guards: [RequestScopedGuard] }, [RequestScopedGuard], 'eve'],
      ['for each request that it provides nowhere', { guards: [RequestScopedGuard] }, [], 'eve'],
    ])('by a guard %s', async (_, djaffar, providers, user) => {
      const host = await start({ djaffar, providers });
      const all = [{}, asEve, {}].map((headers) => trackOnce(host, headers));
      expect(await Promise.all(all)).toEqual([anonymous, { status: 204, user }, anonymous]);
    });

    it('not by a guard that cannot be made: it does not start', async () => {
      await expect(start({ djaffar: { guards: [DirectoryGuard] } })).rejects.toThrow(/DirectoryGuard/);
    });
  });
});

it.each([{ routerOptions: { ignoreTrailingSlash: true } }, { ignoreTrailingSlash: true }])(
  'a host on fastify with %j has both routes',
  async (fastify) => {
    const host = await startHost({ adapter: 'fastify', fastify });
    try {
      for (const path of ['/djaffar/track', '/djaffar/track/'])
        expect(await trackOnce(host, {}, path)).toEqual(anonymous);
    } finally {
      await host.close();
    }
  },
);
