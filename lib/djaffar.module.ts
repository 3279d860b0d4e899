import type { IncomingMessage } from 'node:http';
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  type InjectionToken,
  Module,
  type NestModule,
} from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { enterOnExpress, enterOnFastify } from './context/platform.js';
import { RequestContexts } from './context/request-contexts.js';
import { BearerSession } from './dashboard/bearer-session.js';
import { ADAPTER_HOST } from './http/adapter-host.js';
import { openedBySession, routeAt } from './http/route-paths.js';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, type OPTIONS_TYPE } from './module/definition.js';
import { REGISTRATION, type Registration } from './options/settings.js';
import { checkForRoot, checkForRootAsync } from './options/validation.js';
import { RefusalCounter } from './tracking/refusal-counter.js';
import { prepareExpress } from './tracking/platform/express.js';
import { prepareFastify } from './tracking/platform/fastify.js';

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
@Module({ providers: [REGISTRATION, ADAPTER_HOST, BearerSession, RequestContexts].map(withoutRegistration) })
export class DjaffarModule extends ConfigurableModuleClass implements NestModule {
  constructor(
    @Inject(REGISTRATION) private readonly registration: Registration,
    @Inject(ADAPTER_HOST) private readonly adapterHost: HttpAdapterHost,
    private readonly bearerSession: BearerSession,
    private readonly contexts: RequestContexts,
    private readonly refusals: RefusalCounter,
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
      prepareFastify(httpAdapter.getInstance(), isTrackRoute, routeAt(path, 'dashboard'), this.refusals);
    } else {
      prepareExpress(httpAdapter.getInstance(), isTrackRoute, this.refusals);
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

/** A provider that `forRoot` and `forRootAsync` replace, for a module that imports the class alone. */
function withoutRegistration(provide: InjectionToken): FactoryProvider {
  return {
    provide,
    useFactory: () => {
      throw new Error(
        'DjaffarModule: a module has the class in its imports; import DjaffarModule.forRoot(…) once, with isGlobal: true if ' +
          'other modules inject ActivityService',
      );
    },
  };
}
