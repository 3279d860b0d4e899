import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { StatisticsSnapshot, StatisticsStore } from '../../lib/statistics/statistics.store.js';
import { MemoryStore as TestingStore } from '../../lib/testing/memory.store.js';

/** A store without a database that notes what Nest calls, and counts all activities. */
export class MemoryStore extends TestingStore implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** The lifecycle hooks that Nest has called, and the methods that end the store. */
  readonly calls: string[] = [];

  override readonly outbox = undefined;

  override readonly statistics: StatisticsStore = {
    read: async (_, answer) => {
      const asOf = new Date().toISOString();
      const activities = await this.count({});
      const refuse = (): never => {
        throw new Error('not built');
      };
      const snapshot: StatisticsSnapshot = {
        measures: async (measures) => {
          const values = Object.fromEntries(
            measures.map((measure) => [measure, [measure === 'activities' ? activities : null]]),
          );
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has a value for each measure
          return values as Awaited<ReturnType<StatisticsSnapshot['measures']>>;
        },
        top: refuse,
        amounts: refuse,
        topAmounts: refuse,
        live: refuse,
        funnel: refuse,
        retention: refuse,
        journeys: refuse,
        visits: refuse,
      };
      return { ...(await answer(snapshot)), asOf };
    },
  };

  onApplicationBootstrap(): void {
    this.calls.push('bootstrap');
  }

  beforeApplicationShutdown(): void {
    this.calls.push('shutdown');
  }

  override async close(): Promise<void> {
    this.calls.push('close');
  }
}
