import {
  ConfigurableModuleBuilder,
  Controller,
  type DynamicModule,
  Inject,
  Module,
  type ModuleMetadata,
  type NestModule,
  type Type,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ActivityService } from './activity/activity.service.js';
import { ActivityWriter } from './activity/activity.writer.js';
import { djaffarEntities } from './entities.js';
import { Recorder } from './activity/recorder.js';
import { ActivitiesController } from './api/activities.controller.js';
import { describeRoutes } from './api/openapi.js';
import { StatisticsController } from './api/statistics.controller.js';
import { checkAll, registrationOf, settingsOf } from './djaffar.check.js';
import {
  DATA_SOURCE,
  type DjaffarOptions,
  type Registration,
  type RegistrationOptions,
  type Settings,
  SETTINGS,
} from './djaffar.options.js';
import { HostGuards } from './guards/host-guards.js';
import { ActivityStats } from './statistics/activity.stats.js';
import { Rollup } from './statistics/rollup.js';
import { prepareExpress } from './tracking/platform/express.js';
import { prepareFastify } from './tracking/platform/fastify.js';
import { TrackController } from './tracking/track.controller.js';
import { TrackerController } from './tracking/tracker.controller.js';
import { IdentifiedUsers } from './tracking/user.js';
import { VisitorService } from './tracking/visitor.service.js';

const REGISTRATION = Symbol('Djaffar registration');
const OPENAPI = Symbol('Djaffar OpenAPI');

/** Beside the options: modules that export what the host's guards need. */
type Extras = RegistrationOptions & Pick<ModuleMetadata, 'imports'>;

// The builder takes from the host's options those extras that have a key here.
const extras: Extras = {
  path: undefined,
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

/** What a class given to `forRootAsync({ useClass })` or `({ useExisting })` has to be. */
export interface DjaffarOptionsFactory {
  createDjaffarOptions(): DjaffarOptions | Promise<DjaffarOptions>;
}

/** User activity tracking: `POST /djaffar/track/`, and `ActivityService` to get the activities back. */
@Module({})
export class DjaffarModule extends ConfigurableModuleClass implements NestModule {
  constructor(
    @Inject(REGISTRATION) private readonly registration: Registration,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
  }

  /** @throws Error that names each wrong option, now or when the application starts */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const { imports: _, ...checked } = options;
    checkAll(checked);
    return super.forRoot(options);
  }

  /** As `forRoot`, with options that are made when the application starts. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    if (!options.useFactory && !options.useClass && !options.useExisting) {
      throw new Error('DjaffarModule: forRootAsync was given none of: useFactory, useClass, useExisting');
    }
    return super.forRootAsync(options);
  }

  /** Nest calls it when the adapter is there and the routes are not yet. */
  configure(): void {
    const { httpAdapter } = this.adapterHost;
    const isTrackRoute = trackRouteAt(this.registration.path);
    if (httpAdapter.getType() === 'fastify') prepareFastify(httpAdapter.getInstance(), isTrackRoute);
    else prepareExpress(httpAdapter.getInstance(), isTrackRoute);
  }
}

function register(definition: DynamicModule, given: Extras): DynamicModule {
  const registration = registrationOf(given);
  const { path, dataSource, decorators, isGlobal } = registration;
  return {
    ...definition,
    global: isGlobal,
    imports: [
      TypeOrmModule.forFeature(djaffarEntities, dataSource),
      ...new Set([...(definition.imports ?? []), ...(given.imports ?? [])]),
    ],
    controllers: [
      mount(TrackController, path, decorators),
      mount(TrackerController, path, decorators),
      mount(ActivitiesController, path),
      mount(StatisticsController, path),
    ],
    providers: [
      ...(definition.providers ?? []),
      { provide: REGISTRATION, useValue: registration },
      { provide: SETTINGS, inject: [MODULE_OPTIONS_TOKEN], useFactory: settingsOf },
      { provide: DATA_SOURCE, useExisting: getDataSourceToken(dataSource) },
      {
        provide: ActivityWriter,
        inject: [DATA_SOURCE, SETTINGS],
        useFactory: (source: DataSource, { writer }: Settings) => new ActivityWriter(source, writer),
      },
      {
        provide: Rollup,
        inject: [DATA_SOURCE, ActivityWriter],
        useFactory: (source: DataSource, writer: ActivityWriter) => new Rollup(source, () => writer.changes),
      },
      Recorder,
      ActivityService,
      ActivityStats,
      { provide: OPENAPI, useFactory: describeRoutes },
      HostGuards,
      IdentifiedUsers,
      VisitorService,
    ],
    exports: [ActivityService, ActivityStats, VisitorService],
  };
}

/** A class of its own for each registration, so that its path and decorators do not leak into another. */
function mount(controller: Type<object>, path: string, decorators: ClassDecorator[] = []): Type<object> {
  const mounted = class extends controller {};
  Object.defineProperty(mounted, 'name', { value: controller.name });
  Controller({ path, version: VERSION_NEUTRAL })(mounted);
  for (const decorate of decorators) decorate(mounted);
  return mounted;
}

/** The host's global prefix stands before the path; Express tells no case apart. */
function trackRouteAt(path: string): (pathname: string) => boolean {
  const end = `/${path.replace(/^\/|\/$/g, '')}/track`.toLowerCase();
  return (pathname) => pathname.replace(/\/$/, '').toLowerCase().endsWith(end);
}
