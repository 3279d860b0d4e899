import { type DynamicModule, Module } from '@nestjs/common';
import { DjaffarModule } from '../djaffar.module.js';
import { TrackedActivities } from './tracked-activities.js';

/** Options of `DjaffarModule`, except those of where activities are stored. */
export type DjaffarTestingOptions = Omit<
  NonNullable<Parameters<typeof DjaffarModule.forRoot>[0]>,
  'store' | 'database' | 'dataSource' | 'subscriptions' | 'webhooks'
>;

/**
 * `DjaffarModule` for tests: everything works as in production, but activities are in memory. `TrackedActivities` returns the tracked
 * activities.
 * @example
 * ```ts
 * import { Test } from '@nestjs/testing';
 * import { ActivityService } from 'nestjs-djaffar';
 * import { DjaffarTestingModule, TrackedActivities } from 'nestjs-djaffar/testing';
 *
 * const testing = await Test.createTestingModule({ imports: [DjaffarTestingModule.forRoot()] }).compile();
 * await testing.get(ActivityService).track({ name: 'order.paid', path: '/orders/17' });
 * expect(testing.get(TrackedActivities).list({ name: 'order.paid' })).toHaveLength(1);
 * ```
 */
@Module({})
export class DjaffarTestingModule {
  /**
   * Registers the module.
   * @param options as for `DjaffarModule.forRoot`; `isGlobal` is true by default
   * @throws Error that names each wrong option
   */
  static forRoot(options: DjaffarTestingOptions = {}): DynamicModule {
    const tracked = new TrackedActivities();
    const { isGlobal = true } = options;
    return {
      module: DjaffarTestingModule,
      global: isGlobal,
      imports: [DjaffarModule.forRoot({ ...options, isGlobal, store: { create: () => tracked.store } })],
      providers: [{ provide: TrackedActivities, useValue: tracked }],
      exports: [DjaffarModule, TrackedActivities],
    };
  }
}
