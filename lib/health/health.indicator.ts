import { Inject, Injectable } from '@nestjs/common';
import { ActivityWriter } from '../activity/activity.writer.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { withTimeLimit } from '../time/time-limit.js';

export interface DjaffarHealthOptions {
  /**
   * Milliseconds that the database has to answer.
   * @defaultValue 2000
   */
  timeout?: number;
  /**
   * Seconds that the statistics may be behind.
   * @defaultValue no limit, because activities are stored all the same
   */
  maxRollupLag?: number;
}

/** The result of a health indicator of `@nestjs/terminus`. */
export type DjaffarHealthResult<Key extends string> = Record<
  Key,
  {
    status: 'up' | 'down';
    /** Activities that wait in this instance to be written. */
    waiting: number;
    /** Seconds that the statistics are behind; missing if the database does not answer. */
    rollupLag?: number;
    /** Why it is down. */
    message?: string;
  }
>;

/**
 * Says whether activities can be stored, to the health check of `@nestjs/terminus` 11 or later. It is down if the database does
 * not answer in time, or if nine tenths of the room for waiting activities (`writer.maxWaiting`) are taken. Djaffar does not
 * need the package.
 *
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
 * import { DjaffarHealthIndicator } from 'nestjs-djaffar';
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly djaffar: DjaffarHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check(): Promise<HealthCheckResult> {
 *     return this.health.check([() => this.djaffar.isHealthy('djaffar')]);
 *   }
 * }
 * ```
 */
@Injectable()
export class DjaffarHealthIndicator {
  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly writer: ActivityWriter,
  ) {}

  /** Never rejects. */
  async isHealthy<const Key extends string = 'djaffar'>(
    key?: Key,
    { timeout = 2000, maxRollupLag = Number.POSITIVE_INFINITY }: DjaffarHealthOptions = {},
  ): Promise<DjaffarHealthResult<Key>> {
    const waiting = this.writer.waitingActivities;
    const { maxWaiting } = this.settings.writer;
    const found = await this.lag(timeout);
    const rollupLag = typeof found === 'number' ? found : undefined;
    const message =
      typeof found === 'string'
        ? found
        : found > maxRollupLag
          ? `the statistics are ${Math.round(found)} s behind`
          : waiting > 0.9 * maxWaiting
            ? `${waiting} activities wait to be written (writer.maxWaiting: ${maxWaiting})`
            : undefined;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object with a computed key has any string as key
    return {
      [key ?? 'djaffar']: {
        status: message === undefined ? 'up' : 'down',
        waiting,
        ...(rollupLag !== undefined && { rollupLag }),
        ...(message !== undefined && { message }),
      },
    } as DjaffarHealthResult<Key>;
  }

  /** Returns seconds, or why they are not known. */
  private async lag(timeout: number): Promise<number | string> {
    try {
      const found = this.store.findLag().then(({ lag }) => lag / 1000);
      return await withTimeLimit(timeout, found, () => `the database did not answer within ${timeout} ms`);
    } catch (error) {
      return this.store.classifyError(error)?.reason ?? String(error);
    }
  }
}
