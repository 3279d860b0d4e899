import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
  type ModuleMetadata,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, type HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { CurrentContext } from './activity/activity.context.js';
import { ActivityService } from './activity/activity.service.js';
import { ActivityWriter } from './activity/activity.writer.js';
import type { Store } from './store/store.js';
import { checkNames } from './database/table.js';
import { VisitBounds } from './activity/visit-bounds.js';
import { djaffarEntities } from './entities.js';
import { synchronizeTables } from './migrations/synchronize.js';
import { defaultPage, Pages } from './activity/page.js';
import { Recorder } from './activity/recorder.js';
import { ActivitiesController, ErasureController } from './api/activities.controller.js';
import { ExportController } from './api/export.controller.js';
import { describeRoutes } from './api/openapi.js';
import { StatisticsController } from './api/statistics.controller.js';
import { enterOnExpress, enterOnFastify } from './context/platform.js';
import { HandlerTracker } from './context/handler-tracker.js';
import { RequestContexts } from './context/request-contexts.js';
import { NoTrack } from './context/track.decorator.js';
import { RequestsInterceptor } from './context/track.interceptor.js';
import { AboutController } from './dashboard/about.controller.js';
import { ScopedServices } from './api/scoped-services.js';
import { ActivityStreams } from './dashboard/activity-streams.js';
import { ActivityStream, MINUTE } from './dashboard/activity.stream.js';
import { BearerSession } from './dashboard/bearer-session.js';
import { DashboardController } from './dashboard/dashboard.controller.js';
import { Page } from './dashboard/page.js';
import { SessionController } from './dashboard/session.controller.js';
import { StreamController } from './dashboard/stream.controller.js';
import { bypassInterceptors } from './dashboard/bypass-interceptors.js';
import { connectionsOf } from './database/connections.js';
import { limitsFor } from './database/pool-shares.js';
import { checkForRoot, checkForRootAsync, toRegistration, toSettings } from './options/validation.js';
import { REGISTRATION, type Registration, type Settings, SETTINGS, STORE } from './options/settings.js';
import { type DjaffarOptions } from './options/djaffar.options.js';
import { type RegistrationOptions } from './options/route.options.js';
import { type StoreSettings } from './options/store.options.js';
import type { Route } from './guards/anonymous-request.js';
import { HostGuards } from './guards/host-guards.js';
import { RequestScopes } from './guards/request-scopes.js';
import { ApiGuard, DashboardGuard, GUARDED_ROUTES, type GuardedRoutes } from './guards/option.guard.js';
import { ADAPTER_HOST, ADAPTER_HOST_PROVIDER } from './http/adapter-host.js';
import { mount } from './http/mount.js';
import { RetentionService } from './privacy/retention.service.js';
import { Salts } from './privacy/salts.js';
import { SigningKeys } from './privacy/signing-keys.js';
import { ResponseStreams } from './http/response-streams.js';
import { ServerConnections } from './http/server-connections.js';
import { ActivityStats } from './statistics/activity.stats.js';
import { TypeOrmStore } from './store/typeorm/typeorm.store.js';
import { prepareExpress } from './tracking/platform/express.js';
import { prepareFastify } from './tracking/platform/fastify.js';
import { CookielessVisitors } from './tracking/cookieless-visitors.js';
import { TrackController } from './tracking/track.controller.js';
import { TrackerController } from './tracking/tracker.controller.js';
import { IdentifiedUsers } from './tracking/user.js';
import { VisitorService } from './tracking/visitor.service.js';

/** Milliseconds that an event stream is open if nothing may go on in the background: platforms end a request after 30 s. */
const SHORT_STREAM = 25_000;

const OPENAPI = Symbol('Djaffar OpenAPI');

/** The registration, and modules that export what the host's guards need. */
type Extras = RegistrationOptions & Pick<ModuleMetadata, 'imports'>;

// The builder removes from the host's options only extras that have a key here.
const extras: Extras = {
  path: undefined,
  route: undefined,
  tracker: undefined,
  dataSource: undefined,
  decorators: undefined,
  isGlobal: undefined,
  imports: undefined,
};

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<DjaffarOptions>({ moduleName: 'Djaffar' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createDjaffarOptions')
    .setExtras(extras, register)
    .build();

/** A class for `forRootAsync({ useClass })` or `forRootAsync({ useExisting })`. */
export interface DjaffarOptionsFactory {
  /** Returns the options, once, when the application starts. */
  createDjaffarOptions(): DjaffarOptions | Promise<DjaffarOptions>;
}

/**
 * Tracks user activity: adds the route `POST /djaffar/track/`, and provides `ActivityService`, `ActivityStats` and
 * `VisitorService`.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { TypeOrmModule } from '@nestjs/typeorm';
 * import { DjaffarModule, djaffarMigrations } from 'nestjs-djaffar';
 *
 * @Module({
 *   imports: [
 *     TypeOrmModule.forRoot({
 *       type: 'postgres',
 *       url: process.env.DATABASE_URL,
 *       autoLoadEntities: true,
 *       migrations: [...djaffarMigrations],
 *       migrationsRun: true,
 *     }),
 *     DjaffarModule.forRoot({ ip: 'masked' }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class DjaffarModule extends ConfigurableModuleClass implements NestModule {
  constructor(
    @Inject(REGISTRATION) private readonly registration: Registration,
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    private readonly bearerSession: BearerSession,
    private readonly contexts: RequestContexts,
  ) {
    super();
  }

  /**
   * Registers the module.
   * @throws Error that names each wrong option
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const { imports: _, ...checked } = options;
    checkForRoot(checked);
    return super.forRoot(options);
  }

  /**
   * Registers the module with options that a factory returns when the application starts.
   * @throws Error that names each wrong option, now or when the application starts
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    if (!options.useFactory && !options.useClass && !options.useExisting) {
      throw new Error('DjaffarModule: forRootAsync was given none of: useFactory, useClass, useExisting');
    }
    checkForRootAsync(options);
    return super.forRootAsync(options);
  }

  /** Called by Nest before the routes are registered. */
  configure(): void {
    const { httpAdapter } = this.adapterHost;
    const { path, route } = this.registration;
    const isTrackRoute = routeAt(path, route);
    if (httpAdapter.getType() === 'fastify') {
      if (this.contexts.isOn) enterOnFastify(httpAdapter.getInstance(), this.contexts);
      prepareFastify(httpAdapter.getInstance(), isTrackRoute, routeAt(path, 'dashboard'));
    } else {
      prepareExpress(httpAdapter.getInstance(), isTrackRoute);
      if (this.contexts.isOn) enterOnExpress(httpAdapter.getInstance(), this.contexts);
    }
    if (!this.bearerSession.isOn) return;
    const isOpened = openedBySession(path);
    httpAdapter.use((request: IncomingMessage, _response: unknown, next: () => void) => {
      const { url = '', headers, method = '' } = request;
      if (isOpened(url)) this.bearerSession.authorize(headers, method);
      next();
    });
  }
}

function register(definition: DynamicModule, given: Extras): DynamicModule {
  const registration = toRegistration(given);
  const { path, route, tracker, dataSource, decorators, api, isGlobal } = registration;
  const base = path.replace(/\/$/, '');
  const page = `${base}/dashboard`;
  const ofApi = mount({ path, guard: ApiGuard, ...api }, [
    ActivitiesController,
    ExportController,
    StatisticsController,
  ]);
  const tracking = mount({ path: `${base}/${route}`, decorators }, [TrackController]);
  const script = mount({ path: `${base}/${tracker}`, decorators }, [TrackerController]);
  const ofPage = { path: page, guard: DashboardGuard, ...registration.dashboard };
  const ofData = { ...ofPage, path: `${page}/data` };
  const dashboard = [
    ...mount(ofPage, [DashboardController, SessionController]),
    ...mount(ofData, [StreamController, ExportController]),
    ...mount(ofData, [AboutController, ActivitiesController, ErasureController, StatisticsController]).map(
      bypassInterceptors,
    ),
  ];
  const controllers = [...tracking, ...script, ...ofApi, ...dashboard];
  for (const controller of controllers) NoTrack()(controller);
  // For `autoLoadEntities`. Its repositories are not used: without the data source Nest would name one of them, not the option.
  TypeOrmModule.forFeature(djaffarEntities, dataSource);
  return {
    ...definition,
    global: isGlobal,
    imports: [...new Set([...(definition.imports ?? []), ...(given.imports ?? [])])],
    controllers,
    providers: [
      ...(definition.providers ?? []),
      ADAPTER_HOST_PROVIDER,
      { provide: REGISTRATION, useValue: registration },
      { provide: SETTINGS, inject: [MODULE_OPTIONS_TOKEN, REGISTRATION], useFactory: toSettings },
      {
        provide: GUARDED_ROUTES,
        useValue: {
          api: routeOf(ofApi, 'find', `${path}/activities`),
          dashboard: routeOf(dashboard, 'index', `${page}/`),
        } satisfies GuardedRoutes,
      },
      {
        provide: STORE,
        inject: [SETTINGS, { token: getDataSourceToken(dataSource), optional: true }],
        useFactory: (settings: Settings, source: DataSource | undefined) => {
          if (settings.store) return settings.store.create(storeSettings(settings));
          if (!source) throw new Error(missingDataSource(dataSource));
          return openTypeOrmStore(source, settings);
        },
      },
      { provide: ActivityWriter, inject: [STORE, SETTINGS], useFactory: makeWriter },
      { provide: VisitBounds, inject: [STORE], useFactory: (store: Store) => new VisitBounds(store) },
      ResponseStreams,
      ServerConnections,
      RequestContexts,
      HandlerTracker,
      {
        provide: APP_INTERCEPTOR,
        inject: [SETTINGS, HandlerTracker],
        // Nest takes nothing for no interceptor, which would cost every request of the host some time.
        useFactory: ({ requests }: Settings, handlers: HandlerTracker) =>
          requests && new RequestsInterceptor(handlers, requests),
      },
      { provide: CurrentContext, useExisting: RequestContexts },
      Recorder,
      ActivityService,
      ActivityStats,
      {
        provide: ActivityStreams,
        inject: [SETTINGS],
        useFactory: ({ page: option, statistics, writer }: Settings) =>
          new ActivityStreams(
            (activities) =>
              new ActivityStream(activities, new Pages(option), {
                // The host's own functions take some time too.
                back: MINUTE + writer.timeout,
                ...(!statistics.background && { end: SHORT_STREAM }),
              }),
          ),
      },
      {
        provide: Page,
        inject: [SETTINGS],
        useFactory: ({ dashboard: option }: Settings) => (option ? Page.load() : Page.none),
      },
      {
        provide: BearerSession,
        inject: [SETTINGS],
        useFactory: ({ dashboard: option }: Settings) => new BearerSession(option?.session),
      },
      {
        provide: OPENAPI,
        inject: [SETTINGS],
        useFactory: ({ api: isOn }: Settings) =>
          describeRoutes({
            described: isOn ? [...tracking, ...ofApi] : tracking,
            hidden: [...script, ...dashboard, ...(isOn ? [] : ofApi)],
          }),
      },
      HostGuards,
      RequestScopes,
      ScopedServices,
      IdentifiedUsers,
      SigningKeys,
      Salts,
      CookielessVisitors,
      RetentionService,
      VisitorService,
    ],
    exports: [ActivityService, ActivityStats, VisitorService],
  };
}

/** Returns the route of a handler of the first controller. */
function routeOf([controller]: Type<object>[], handler: string, path: string): Route {
  if (!controller) throw new Error(`Djaffar: no controller has ${handler}`);
  return { controller, handler, path: `/${path.replace(/^\//, '')}` };
}

/** True for the routes of the dashboard, except the one that sets the cookie: a cookie must not renew itself. */
function openedBySession(path: string): (url: string) => boolean {
  const dashboard = `/${path.replace(/^\/|\/$/g, '')}/dashboard/`.toLowerCase();
  return (url) => {
    const pathname = `${url.split('?', 1)[0]?.toLowerCase()}/`;
    return pathname.includes(dashboard) && !pathname.includes(`${dashboard}session/`);
  };
}

/** Djaffar takes no more connections than the host's pool has. */
async function openTypeOrmStore(
  source: DataSource,
  { writer, statistics, page }: Pick<Settings, 'writer' | 'statistics' | 'page'>,
): Promise<TypeOrmStore> {
  checkNames(source, djaffarEntities);
  await synchronizeTables(source);
  const limits = limitsFor(source, { writer: writer.concurrency, statistics: statistics.concurrency });
  connectionsOf(source).limit({
    writers: limits.writer,
    concurrency: limits.statistics,
    timeout: statistics.timeout,
    statementTimeout: statistics.statementTimeout,
  });
  return new TypeOrmStore(source, { statistics, pages: new Pages(page), writers: limits.writer });
}

function makeWriter(store: Store, { writer, statistics, page }: Settings): ActivityWriter {
  const concurrency = Math.min(writer.concurrency, store.writers);
  return new ActivityWriter(
    store,
    { ...writer, concurrency },
    new Pages(page),
    undefined,
    statistics.background,
  );
}

function missingDataSource(name: string | undefined): string {
  if (name === undefined)
    return 'DjaffarModule: there is no data source: import TypeOrmModule.forRoot(…), or name the one that you have by the option "dataSource"';
  return (
    `DjaffarModule: the option "dataSource" is '${name}', but there is no data source of that name: ` +
    `import TypeOrmModule.forRoot({ name: '${name}', … }), or give the name of one that you import`
  );
}

/** True for a path that ends with the route: the host's global prefix comes first, and Express ignores case. */
function routeAt(path: string, route: string): (pathname: string) => boolean {
  const end = `/${path.replace(/^\/|\/$/g, '')}/${route}`.toLowerCase();
  return (pathname) => pathname.replace(/\/$/, '').toLowerCase().endsWith(end);
}

function storeSettings(settings: Settings): StoreSettings {
  return {
    writer: settings.writer,
    statistics: settings.statistics,
    page: settings.page ?? defaultPage,
    privacy: settings.privacy,
    consent: settings.consent?.bind(settings),
    retention: settings.retention,
  };
}
