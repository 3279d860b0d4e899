import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, Reflector } from '@nestjs/core';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import { NEVER, type Observable } from 'rxjs';
import {
  ActivityService,
  DjaffarModule,
  type DjaffarOptions,
  type HostGuard,
  type RouteOptions,
} from '../../lib/index.js';
import { DATA, open } from '../support/dashboard.js';
import { createMigratedDatabase } from '../support/databases.js';
import { ADAPTERS, type Host, type HostOptions, startHost, trackOnce } from '../support/host.js';

const Roles = Reflector.createDecorator<string[]>();

interface HostRequest {
  headers: Record<string, string | undefined>;
  user?: { id: string; name: string; roles: string[] };
}

const requestOf = (context: ExecutionContext): HostRequest =>
  context.switchToHttp().getRequest<HostRequest>();

/** Knows ada, who is an admin, and any other user. */
@Injectable()
class LoginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    const name = request.headers['x-user'];
    if (name === undefined) throw new UnauthorizedException();
    request.user = { id: name, name, roles: name === 'ada' ? ['admin'] : [] };
    return true;
  }
}

/** As Nest's documentation has it: it looks at the handler alone. */
@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.get(Roles, context.getHandler());
    if (!roles) return true;
    return roles.some((role) => requestOf(context).user?.roles.includes(role));
  }
}

/** As others have it: it looks at the class alone. */
@Injectable()
class ClassRolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.get(Roles, context.getClass());
    return !roles || roles.some((role) => requestOf(context).user?.roles.includes(role));
  }
}

/** Lets nobody in, but to handlers that are marked as public. */
@Injectable()
class HandlerPublicGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    return this.reflector.get<boolean>('public', context.getHandler());
  }
}

const API = ['/djaffar/activities', '/djaffar/stats/overview'].map((path): [string, string] => ['GET', path]);
const DASHBOARD = ['', '/', ...DATA].map((route): [string, string] =>
  typeof route === 'string'
    ? ['GET', `/djaffar/dashboard${route}`]
    : [route[0], `/djaffar/dashboard${route[1]}`],
);

/** What Nest's logger was told. */
class Log {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];

  log(): void {}

  warn(message: string): void {
    this.warnings.push(message);
  }

  error(message: unknown): void {
    this.errors.push(String(message));
  }
}

describe.each(ADAPTERS)('guards on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(options: Omit<HostOptions, 'adapter'>): Promise<Host> {
    const host = await startHost({ adapter, ...options });
    hosts.push(host);
    return host;
  }

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  async function statusesOf(
    host: Host,
    routes: [method: string, path: string][],
    headers: Record<string, string>,
  ): Promise<(number | undefined)[]> {
    const statuses = routes.map(async ([method, path]) => {
      const answer = await open(host, path, headers, method);
      answer.destroy();
      return answer.statusCode;
    });
    return [...new Set(await Promise.all(statuses))].sort((one, other) => Number(one) - Number(other));
  }

  describe('that ask a Reflector', () => {
    // On a busy machine, the first answer may take longer than the default.
    const statistics = { maxWait: 60_000 };
    const route: RouteOptions = { decorators: [Roles(['admin'])] };
    const guardsOf = (...others: HostGuard[]): { guards: HostGuard[] } => ({
      guards: [LoginGuard, ...others],
    });

    it.each<[string, HostOptions['djaffarModule'], [string, string][]]>([
      ['of api', DjaffarModule.forRoot({ statistics, api: { ...guardsOf(RolesGuard), ...route } }), API],
      [
        'of api, at the class',
        DjaffarModule.forRoot({ statistics, api: { ...guardsOf(ClassRolesGuard), ...route } }),
        API,
      ],
      [
        'of dashboard',
        DjaffarModule.forRoot({ statistics, dashboard: { ...guardsOf(RolesGuard), ...route } }),
        DASHBOARD,
      ],
      [
        'of dashboard, at the class',
        DjaffarModule.forRoot({ statistics, dashboard: { ...guardsOf(ClassRolesGuard), ...route } }),
        DASHBOARD,
      ],
      [
        'of both, with options from a factory',
        DjaffarModule.forRootAsync({
          api: route,
          dashboard: route,
          useFactory: () => ({ statistics, api: guardsOf(RolesGuard), dashboard: guardsOf(RolesGuard) }),
        }),
        [...API, ...DASHBOARD],
      ],
    ])('find the roles %s', async (_, djaffarModule, routes) => {
      const host = await start({ djaffarModule });
      expect(await statusesOf(host, routes, {})).toEqual([401]);
      expect(await statusesOf(host, routes, { 'X-User': 'eve' })).toEqual([403]);
      const [ok, ...others] = await statusesOf(host, routes, { 'X-User': 'ada' });
      expect([ok, others.filter((status) => status !== 302)]).toEqual([200, []]);
    });

    it('find only the roles of their own option and registration', async () => {
      const other = DjaffarModule.forRoot({
        path: 'other',
        api: { ...guardsOf(RolesGuard), decorators: [Roles(['nobody'])] },
      });
      const host = await start({
        imports: [other],
        djaffar: { api: { ...guardsOf(RolesGuard), ...route }, dashboard: guardsOf(RolesGuard) },
      });
      const eve = { 'X-User': 'eve' };
      expect(await statusesOf(host, API, eve)).toEqual([403]);
      expect(await statusesOf(host, API, { 'X-User': 'ada' })).toEqual([200]);
      expect(await statusesOf(host, [['GET', '/other/activities']], { 'X-User': 'ada' })).toEqual([403]);
      expect(await statusesOf(host, [['GET', '/djaffar/dashboard/data/activities']], eve)).toEqual([200]);
    });

    it('at the handler find that the tracking route is public', async () => {
      const providers = [{ provide: APP_GUARD, useClass: HandlerPublicGuard }];
      expect((await trackOnce(await start({ providers }))).status).toBe(403);
      const host = await start({ providers, djaffar: { decorators: [SetMetadata('public', true)] } });
      expect((await trackOnce(host)).status).toBe(204);
      expect((await host.fetch('/djaffar/tracker.js')).status).toBe(200);
    });
  });

  it('of a throttler pass over the dashboard that is marked so', async () => {
    const imports = [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }])];
    const providers = [{ provide: APP_GUARD, useClass: ThrottlerGuard }];
    const guards = [LoginGuard];
    const ada = { 'X-User': 'ada' };
    const paths = Array.from({ length: 8 }, (): [string, string] => ['GET', '/djaffar/dashboard/']);
    const strict = await start({ imports, providers, djaffar: { dashboard: { guards } } });
    expect(await statusesOf(strict, paths, ada)).toEqual([200, 429]);
    const djaffar = { dashboard: { guards, decorators: [SkipThrottle()] } };
    const host = await start({ imports, providers, djaffar });
    expect(await statusesOf(host, paths, ada)).toEqual([200]);
  });

  it('and interceptors that decorators add are asked once', async () => {
    const asked: string[] = [];
    class CountingGuard implements CanActivate {
      canActivate(): boolean {
        asked.push('guard');
        return true;
      }
    }
    class CountingInterceptor implements NestInterceptor {
      intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
        asked.push('interceptor');
        return next.handle();
      }
    }
    const decorators = [UseGuards(CountingGuard), UseInterceptors(CountingInterceptor)];
    const host = await start({ djaffar: { api: { guards: [LoginGuard], decorators } } });
    expect(await statusesOf(host, [['GET', '/djaffar/activities']], { 'X-User': 'ada' })).toEqual([200]);
    expect(asked).toEqual(['guard', 'interceptor']);
  });

  describe('that let in a request without a user are warned of at start-up:', () => {
    const answering = (canActivate: CanActivate['canActivate']): CanActivate => ({ canActivate });
    const responseOf = (context: ExecutionContext): { redirect(url: string): void } =>
      context.switchToHttp().getResponse();

    @Injectable()
    class NeverReady implements CanActivate {
      async canActivate(): Promise<boolean> {
        return new Promise(() => {});
      }
    }

    async function warningsOf(
      djaffar: DjaffarOptions,
      imports: HostOptions['imports'] = [],
    ): Promise<string[]> {
      const log = new Log();
      await start({ djaffar, imports, application: { logger: log } });
      expect(log.errors).toEqual([]);
      return log.warnings.map(
        (warning) =>
          /guards of the option "(\w+)" accept/.exec(warning)?.[1] ??
          /guard \w+ of the option "\w+" accepts/.exec(warning)?.[0] ??
          warning,
      );
    }

    it.each<[string, HostGuard, boolean]>([
      ['one that accepts', answering(() => true), true],
      ['one that accepts later', answering(async () => Promise.resolve(true)), true],
      [
        'one that looks for a header alone',
        answering((context) => !requestOf(context).headers['x-blocked']),
        true,
      ],
      ['a login', LoginGuard, false],
      ['one that refuses', answering(() => false), false],
      [
        'one that takes a user for granted',
        answering((context) => requestOf(context).user!.roles.length > 0),
        false,
      ],
      [
        'one that leads to a login',
        answering((context) => (responseOf(context).redirect('/login'), false)),
        false,
      ],
      ['one that fails', answering(async () => Promise.reject(new Error('the key server is down'))), false],
      ['one that never answers', NeverReady, false],
      ['one that watches for ever', answering(() => NEVER), false],
      [
        'one that knows addresses',
        answering((context) => /^(127|10)\./.test((requestOf(context) as { ip?: string }).ip ?? '127.')),
        false,
      ],
    ])('%s', async (_, guard, isOpen) => {
      const options = { api: { guards: [guard] }, dashboard: { guards: [LoginGuard, guard] } };
      expect(await warningsOf(options)).toEqual(isOpen ? ['api'] : []);
    });

    it('roles without metadata, also after a login', async () => {
      const dashboard = { guards: [LoginGuard, RolesGuard] };
      expect(await warningsOf({ api: { guards: [RolesGuard] }, dashboard })).toEqual([
        'api',
        'guard RolesGuard of the option "dashboard" accepts',
      ]);
      const guards = [LoginGuard, new RolesGuard(new Reflector())];
      expect(await warningsOf({ dashboard: { guards } })).toEqual([
        'guard RolesGuard of the option "dashboard" accepts',
      ]);
      const route = { decorators: [Roles(['admin'])] };
      expect(await warningsOf({ dashboard: { ...dashboard, ...route } })).toEqual([]);
    });

    it('of the dashboard too, and not if another guard refuses', async () => {
      const guards = [answering(() => true)];
      expect(await warningsOf({ dashboard: { guards } })).toEqual(['dashboard']);
      expect(await warningsOf({ dashboard: { guards: [...guards, LoginGuard] } })).toEqual([]);
      expect(await warningsOf({ guards })).toEqual([]);
    });

    it('not those that find their metadata, also one for each request', async () => {
      @Injectable({ scope: 2 })
      class ScopedRolesGuard extends RolesGuard {}
      @Module({ providers: [ScopedRolesGuard], exports: [ScopedRolesGuard] })
      class RolesModule {}
      const log = new Log();
      const djaffarModule = DjaffarModule.forRootAsync({
        imports: [RolesModule],
        api: { decorators: [Roles(['admin'])] },
        useFactory: () => ({
          api: { guards: [ScopedRolesGuard] },
          dashboard: { guards: [ScopedRolesGuard] },
        }),
      });
      await start({ djaffarModule, application: { logger: log } });
      expect(log.warnings).toEqual([expect.stringContaining('"dashboard"')]);
    });
  });
});

it('a worker without a server starts with the options of the app, and tracks', async () => {
  const database = await createMigratedDatabase('sqlite');
  const guards = [LoginGuard];
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...database.options, autoLoadEntities: true }),
      DjaffarModule.forRoot({
        guards,
        requestContext: true,
        requests: { methods: ['POST'] },
        api: { guards },
        dashboard: { guards, session: { secret: 'a secret of thirty-two characters' } },
        statistics: { background: false },
      }),
    ],
  })
  class WorkerModule {}
  const worker = await NestFactory.createApplicationContext(WorkerModule, {
    logger: false,
    abortOnError: false,
  });
  try {
    const activities = worker.get(ActivityService, { strict: false });
    await activities.runAs({ user: { id: 'nightly' }, path: '/jobs' }, () =>
      activities.track({ name: 'done' }),
    );
    expect((await activities.find({ user: 'nightly' })).items).toMatchObject([
      { name: 'done', path: '/jobs' },
    ]);
  } finally {
    await worker.close();
    await database.drop();
  }
});
