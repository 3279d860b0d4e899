import { ConfigurableModuleBuilder, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityService } from '../activity/activity.service.js';
import { djaffarEntities } from '../entities.js';
import { DjaffarHealthIndicator } from '../health/health.indicator.js';
import type { DjaffarOptions } from '../options/djaffar.options.js';
import type { RegistrationOptions } from '../options/route.options.js';
import { REGISTRATION, SETTINGS } from '../options/settings.js';
import { toRegistration, toSettings } from '../options/validation.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import { ActivitySubscriptions } from '../subscriptions/activity-subscriptions.js';
import { VisitorService } from '../tracking/visitor.service.js';
import { createControllers } from './controllers.js';
import { createProviders } from './providers.js';
import { storeProvider } from './store.provider.js';

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

export { ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, OPTIONS_TYPE };

/** Adds the parts of Djaffar to the module that the builder has made. */
function register(definition: DynamicModule, given: Extras): DynamicModule {
  const registration = toRegistration(given);
  const { dataSource, isGlobal } = registration;
  const controllers = createControllers(registration);
  const { tracking, tracker, api, dashboard } = controllers;
  // For `autoLoadEntities`. Its repositories are not used: without the data source Nest would name one of them, not the option.
  TypeOrmModule.forFeature(djaffarEntities, dataSource);
  return {
    ...definition,
    global: isGlobal,
    imports: [...new Set([...(definition.imports ?? []), ...(given.imports ?? [])])],
    controllers: [...tracking, ...tracker, ...api, ...dashboard],
    providers: [
      ...(definition.providers ?? []),
      { provide: REGISTRATION, useValue: registration },
      { provide: SETTINGS, inject: [MODULE_OPTIONS_TOKEN, REGISTRATION], useFactory: toSettings },
      storeProvider(dataSource),
      ...createProviders(controllers),
    ],
    exports: [ActivityService, ActivityStats, DjaffarHealthIndicator, ActivitySubscriptions, VisitorService],
  };
}
