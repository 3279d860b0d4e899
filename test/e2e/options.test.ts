import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Module,
  UnauthorizedException,
  ValidationPipe,
} from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Request } from 'express';
import type { DataSource } from 'typeorm';
import {
  Activity,
  ActivityService,
  DjaffarModule,
  djaffarMigrations,
  type DjaffarOptions,
  type DjaffarOptionsFactory,
  type Page,
  type RegistrationOptions,
} from '../../lib/index.js';
import { createDatabase } from '../support/databases.js';
import { ADAPTERS, type Host, type HostOptions, startHost, trackOnce } from '../support/host.js';

const date = '2026-02-03T04:05:06.789Z';

/** Accepts whoever names himself. */
@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request & { user?: object }>();
    const name = request.headers['x-user'];
    if (name === undefined) throw new UnauthorizedException();
    request.user = { id: 7, name };
    return true;
  }
}

class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<Request>().headers['x-user'] === 'ada';
  }
}

const asAda = { 'X-User': 'ada' };
const asEve = { 'X-User': 'eve' };

@Module({ providers: [Guard], exports: [Guard] })
class GuardModule {}

/** What a host keeps its settings in. */
@Injectable()
class Config implements DjaffarOptionsFactory {
  readonly guards = [Guard];

  async createDjaffarOptions(): Promise<DjaffarOptions> {
    return { guards: this.guards };
  }
}

@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

@Injectable()
class Reports {
  constructor(readonly activities: ActivityService) {}
}

@Module({ providers: [Reports] })
class ReportsModule {}

/** What a host with these options says at start-up. */
async function faultOf(djaffarModule: () => HostOptions['djaffarModule']): Promise<string> {
  try {
    const host = await startHost({ adapter: 'express', djaffarModule: djaffarModule() });
    await host.close();
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.message : `not an Error: ${String(error)}`;
  }
}

/** One line that holds all of these texts. */
function telling(...texts: string[]): RegExp {
  const parts = texts.map((text) => `(?=.*${text.replace(/[^\w\s]/g, '\\$&')})`);
  return new RegExp(`^DjaffarModule: ${parts.join('')}.+$`);
}

const WRONG: [object, string[]][] = [
  [{ ip: 'some' }, ['"ip"', "'some'", "'full' or 'masked' or 'none'"]],
  [{ rejectedCredentials: 'ignore' }, ['"rejectedCredentials"', "'ignore'", "'reject' or 'anonymous'"]],
  [{ session: { maxAge: -1 } }, ['"session.maxAge"', '-1', "from 1000, or 'browser'"]],
  [
    { session: { maxage: 1000 } },
    ['"session.maxage"', 'not known', 'maxAge, absoluteMaxAge, sameSite, claim, id'],
  ],
  [{ api: { guards: [] } }, ['"api.guards"', '[]', 'at least one guard']],
  [{ api: {} }, ['"api.guards"', 'at least one guard']],
  [{ dashboard: { guards: [] } }, ['"dashboard.guards"', '[]', 'at least one guard']],
  [{ dashboard: {} }, ['"dashboard.guards"', 'at least one guard']],
  [{ writer: { maxBatch: 0 } }, ['"writer.maxBatch"', '0', 'a whole number from 1']],
  [{ guards: [5] }, ['"guards"', '5', 'an array of guards']],
  [{ guards: Guard }, ['"guards"', 'Guard', 'an array of guards']],
  [{ user: 'id' }, ['"user"', "'id'", 'a function']],
  [{ transform: null }, ['"transform"', 'null', 'a function']],
  [{ guard: [Guard] }, ['"guard"', 'not known', 'guards']],
  [
    { ip: 'some', session: { maxAge: -1 }, api: {}, color: 'red' },
    ['"ip"', "'some'", '"session.maxAge"', '-1', '"api.guards"', '"color"'],
  ],
];

const WRONG_REGISTRATION: [object, string[]][] = [
  [{ path: ':id' }, ['"path"', "':id'", 'segments of letters']],
  [{ path: 'a/:id/b' }, ['"path"', "'a/:id/b'", 'segments of letters']],
  [{ path: '' }, ['"path"', "''", 'segments of letters']],
  [{ dataSource: '' }, ['"dataSource"', "''", 'the name of a data source']],
  [{ decorators: [5] }, ['"decorators"', '5', 'an array of class decorators']],
  [{ isGlobal: 'yes' }, ['"isGlobal"', "'yes'", 'true or false']],
  [{ dashboard: { decorators: 5, guards: [Guard] } }, ['"dashboard.decorators"', '5', 'an array of class']],
  [{ path: ':id', isGlobal: 1 }, ['"path"', "':id'", '"isGlobal"', '1']],
];

describe('a host with wrong options does not start, and says what is wrong', () => {
  it.each([...WRONG, ...WRONG_REGISTRATION])('with %j', async (given, parts) => {
    expect(await faultOf(() => DjaffarModule.forRoot(given))).toMatch(telling(...parts));
  });

  it.each(WRONG)('with %j of a factory', async (given, parts) => {
    for (const useFactory of [() => given, () => Promise.resolve(given)]) {
      expect(await faultOf(() => DjaffarModule.forRootAsync({ useFactory }))).toMatch(telling(...parts));
    }
  });

  it.each(WRONG)('with %j of a class', async (given, parts) => {
    class Factory {
      createDjaffarOptions(): object {
        return given;
      }
    }
    const fault = await faultOf(() => DjaffarModule.forRootAsync({ useClass: Factory }));
    expect(fault).toMatch(telling(...parts));
  });

  it.each(WRONG_REGISTRATION)('with %j beside a factory', async (given, parts) => {
    const fault = await faultOf(() => DjaffarModule.forRootAsync({ ...given, useFactory: () => ({}) }));
    expect(fault).toMatch(telling(...parts));
  });

  it('with options of a factory that are needed earlier', async () => {
    const given: object = { path: 'seen' };
    const fault = await faultOf(() => DjaffarModule.forRootAsync({ useFactory: () => given }));
    expect(fault).toMatch(telling('"path"', 'belongs beside the factory'));
    const late = { api: { guards: [Guard], decorators: [] } };
    const lateFault = await faultOf(() => DjaffarModule.forRootAsync({ useFactory: () => late }));
    expect(lateFault).toMatch(telling('"api.decorators"', 'beside the factory alone'));
  });

  it('with guards beside a factory, which must return them', async () => {
    const given: object = { api: { guards: [Guard] }, useFactory: () => ({}) };
    const fault = await faultOf(() => DjaffarModule.forRootAsync(given));
    expect(fault).toMatch(telling('"api.guards"', 'not known', 'decorators'));
  });

  it.each([{}, { useFactory: undefined }, { imports: [], path: 'seen' }])(
    'with %j for forRootAsync',
    async (given) => {
      const fault = await faultOf(() => DjaffarModule.forRootAsync(given));
      expect(fault).toMatch(telling('forRootAsync', 'useFactory, useClass, useExisting'));
    },
  );

  it('with a misspelt option, and lists all options', async () => {
    const given: object = { datasource: 'logs' };
    const fault = await faultOf(() => DjaffarModule.forRoot(given));
    expect(fault).toMatch(telling('"datasource"', 'not known', 'guards', 'dataSource', 'path', 'isGlobal'));
  });

  it('with the name of a data source that is not there', async () => {
    const fault = await faultOf(() => DjaffarModule.forRoot({ dataSource: 'logs' }));
    expect(fault).toMatch(
      telling('"dataSource"', "'logs'", 'no data source', "TypeOrmModule.forRoot({ name: 'logs'"),
    );
  });

  it('without a data source', async () => {
    @Module({ imports: [DjaffarModule.forRoot()] })
    class WithoutDatabase {}
    const started = NestFactory.create(WithoutDatabase, new ExpressAdapter(), {
      logger: false,
      abortOnError: false,
    });
    await expect(started).rejects.toThrow(telling('no data source', 'TypeOrmModule.forRoot', '"dataSource"'));
  });

  it.each([
    ['alone', DjaffarModule],
    ['in a module beside the one of forRoot', class Feature {}],
  ])('with the class %s', async (_, imported) => {
    if (imported !== DjaffarModule) Module({ imports: [DjaffarModule] })(imported);
    const started = startHost({ adapter: 'express', imports: [imported] });
    await expect(started).rejects.toThrow(telling('the class in its imports', 'forRoot(', 'isGlobal: true'));
  });

  it('with wrong ones of both kinds', async () => {
    const given: object = { path: ':id', ip: 'some' };
    const fault = await faultOf(() => DjaffarModule.forRoot(given));
    expect(fault).toMatch(telling('"path"', "':id'", '"ip"', "'some'"));
  });
});

const registration: Omit<RegistrationOptions, 'api' | 'dashboard'> & { imports?: [] } = {
  path: undefined,
  route: undefined,
  tracker: undefined,
  dataSource: undefined,
  decorators: undefined,
  isGlobal: undefined,
  imports: undefined,
};
const options: DjaffarOptions = {
  guards: undefined,
  rejectedCredentials: undefined,
  requestContext: undefined,
  requests: undefined,
  events: undefined,
  unknownEvents: undefined,
  session: { maxAge: undefined, id: undefined },
  ip: undefined,
  api: undefined,
  dashboard: undefined,
  writer: { maxWaiting: undefined, maxBatch: undefined, concurrency: undefined, timeout: undefined },
  user: undefined,
  transform: undefined,
};
const nothing: DjaffarOptions = { ...options, session: undefined, writer: undefined };

describe.each(ADAPTERS)('a host on %s', (adapter) => {
  const hosts: Host[] = [];

  async function start(host: Omit<HostOptions, 'adapter'>): Promise<Host> {
    const started = await startHost({ adapter, ...host });
    hosts.push(started);
    return started;
  }

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
  });

  it.each([
    ['all of forRoot', () => DjaffarModule.forRoot({ ...options, ...registration })],
    ['the groups of forRoot', () => DjaffarModule.forRoot(nothing)],
    ['forRoot itself', () => DjaffarModule.forRoot(undefined)],
    [
      'all of forRootAsync',
      () => DjaffarModule.forRootAsync({ ...registration, inject: undefined, useFactory: () => options }),
    ],
    ['the groups of forRootAsync', () => DjaffarModule.forRootAsync({ useFactory: () => nothing })],
  ])('with an explicit undefined for %s has the defaults', async (_, moduleOf) => {
    const host = await start({ djaffarModule: moduleOf() });
    const response = await host.post({ date, path: '/' }, { Authorization: 'Bearer of-nobody' });
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining('; Max-Age=1209600;')]);
    expect(await host.stored()).toMatchObject([{ path: '/', userId: null, ipAddress: '127.0.0.1' }]);
    expect((await host.fetch('/djaffar/activities')).status).toBe(404);
  });

  it('writes to a data source of another name', async () => {
    const logs = await createDatabase('sqlite');
    const named = { ...logs.options, name: 'logs', autoLoadEntities: true, retryAttempts: 0 };
    const migrations = { migrations: [...djaffarMigrations], migrationsRun: true };
    try {
      const host = await start({
        imports: [TypeOrmModule.forRoot({ ...named, ...migrations })],
        djaffar: { dataSource: 'logs' },
      });
      expect((await host.post({ date, path: '/logged' })).status).toBe(204);
      const source = host.app.get<DataSource>(getDataSourceToken('logs'));
      expect(await source.getRepository(Activity).find()).toMatchObject([{ path: '/logged' }]);
      expect((await host.activities.find()).items).toMatchObject([{ path: '/logged' }]);
      expect(await host.dataSource.query('SELECT * FROM djaffar_activity')).toEqual([]);
    } finally {
      await hosts.pop()?.close();
      await logs.drop();
    }
  });

  it.each([
    [
      'useFactory, imports and inject',
      {
        imports: [ConfigModule],
        inject: [Config],
        useFactory: ({ guards }: Config): DjaffarOptions => ({ guards }),
      },
    ],
    ['an asynchronous useFactory', { useFactory: () => new Config().createDjaffarOptions() }],
    ['useClass', { useClass: Config }],
    ['useExisting', { imports: [ConfigModule], useExisting: Config }],
  ])('takes options of forRootAsync with %s', async (_, given) => {
    const host = await start({
      imports: [ReportsModule],
      djaffarModule: DjaffarModule.forRootAsync({ ...given, path: 'seen', isGlobal: true }),
    });
    expect(await trackOnce(host, {}, '/seen/track/')).toEqual({ status: 204, user: null });
    expect(await trackOnce(host, asEve, '/seen/track/')).toEqual({ status: 204, user: 'eve' });
    expect((await trackOnce(host)).status).toBe(404);
    expect(await host.app.get(Reports, { strict: false }).activities.count()).toBe(2);
  });

  it('injects ActivityService everywhere with isGlobal', async () => {
    const host = await start({ imports: [ReportsModule], djaffar: { isGlobal: true } });
    await host.post({ date, path: '/' });
    expect(await host.app.get(Reports, { strict: false }).activities.count()).toBe(1);
  });

  it('injects ActivityService in the module that imports it, without isGlobal', async () => {
    const outside = start({ imports: [ReportsModule], djaffar: { isGlobal: false } });
    await expect(outside).rejects.toThrow(/dependencies of .*Reports/);
    const djaffarModule = DjaffarModule.forRoot();
    const host = await start({
      djaffarModule,
      imports: [{ module: ReportsModule, imports: [djaffarModule] }],
    });
    await host.post({ date, path: '/' });
    expect(await host.app.get(Reports, { strict: false }).activities.count()).toBe(1);
  });

  describe('and GET /djaffar/activities', () => {
    const djaffar = { api: { guards: [Guard, AdminGuard] }, imports: [GuardModule] };
    const pipe = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });

    it('has no such route, by default', async () => {
      const host = await start({ djaffar: { guards: [Guard] } });
      expect((await host.fetch('/djaffar/activities', { headers: asAda })).status).toBe(404);
    });

    it.each<[string, string, HostOptions['configure']]>([
      ['as it is', '', undefined],
      ['through a strict ValidationPipe', '', (app) => void app.useGlobalPipes(pipe)],
      ['below a prefix', '/api', (app) => void app.setGlobalPrefix('api')],
    ])('gives pages to those whom all guards let in, %s', async (_, prefix, configure) => {
      const host = await start({ djaffar, configure });
      const get = (query: string, headers: Record<string, string> = asAda): Promise<Response> =>
        host.fetch(`${prefix}/djaffar/activities?${query}`, { headers });
      expect((await get('', {})).status).toBe(401);
      expect((await get('', asEve)).status).toBe(403);

      const paths = ['/0', '/1', '/2', '/3', '/4'];
      for (const [second, path] of paths.entries())
        await host.activities.track({ path, user: { id: 7 }, date: `2026-02-03T04:05:0${second}Z` });
      await host.activities.track({ path: '/', user: { id: 8 } });
      const seen: string[] = [];
      let after = '';
      for (const length of [2, 2, 1]) {
        const response = await get(`limit=2&order=asc&user=7${after}`);
        expect(response.status).toBe(200);
        const { items, next } = (await response.json()) as Page<Activity>;
        expect([items.length, next === null]).toEqual([length, length === 1]);
        seen.push(...items.map(({ path }) => path));
        after = `&after=${next}`;
      }
      expect(seen).toEqual(paths);
      expect(await (await get('path=/4')).json()).toEqual({
        items: [expect.objectContaining({ path: '/4', userId: '7', date: '2026-02-03T04:05:04.000Z' })],
        next: null,
      });
    });

    it.each<[string, HostOptions['configure']]>([
      ['', undefined],
      [' through a strict ValidationPipe', (app) => void app.useGlobalPipes(pipe)],
    ])('answers 400 to wrong and unknown queries%s', async (_, configure) => {
      const host = await start({ djaffar, configure });
      const wrong = [
        'limit=0',
        'limit=1001',
        'limit=two',
        'limit=1.5',
        'limit=',
        'limit=1&limit=2',
        'after=x',
      ];
      wrong.push('after=', 'order=up', 'from=yesterday', 'to=2026-02-30', 'user=1&user=2', 'user[id]=1');
      wrong.push('userId=1');
      const statuses = wrong.map(async (query) => {
        const { status } = await host.fetch(`/djaffar/activities?${query}`, { headers: asAda });
        return [query, status];
      });
      expect(await Promise.all(statuses)).toEqual(wrong.map((query) => [query, 400]));
    });
  });
});

it('names the remedy if the host runs on another copy of Nest', async () => {
  const { nest, typeorm } = { nest: await import('@nestjs/typeorm'), typeorm: await import('typeorm') };
  let other = DjaffarModule;
  await jest.isolateModulesAsync(async () => {
    // In a repository with several workspaces, these are there once.
    jest.doMock('@nestjs/typeorm', () => nest);
    jest.doMock('typeorm', () => typeorm);
    other = (await import('../../lib/index.js')).DjaffarModule;
  });
  expect(other).not.toBe(DjaffarModule);
  await expect(startHost({ adapter: 'express', djaffarModule: other.forRoot() })).rejects.toThrow(
    /another copy of @nestjs\/core.*npm ls @nestjs\/core/,
  );
});
