import type {
  StatisticsQuestion,
  StatisticsSnapshot,
  StatisticsStore,
} from '../../../statistics/statistics.store.js';
import type { AsOf } from '../../../statistics/statistics.types.js';
import type { Server } from '../server.js';
import type { Freshness } from './freshness.js';
import { StatisticsQuery } from './statistics-query.js';
import { amounts, topAmounts } from './queries/amounts.js';
import { funnel } from './queries/funnel.js';
import { journeys } from './queries/journeys.js';
import { live } from './queries/live.js';
import { computeMeasures } from './queries/measures.js';
import { retention } from './queries/retention.js';
import { top } from './queries/top.js';
import { visits } from './queries/visits.js';

/** How often a question is asked, at most, if new duplicates are found after each answer. */
const MAX_TRIES = 5;

/** Updates the visits, and then answers questions from the visits and the activities. */
export class ClickHouseStatistics implements StatisticsStore {
  constructor(
    private readonly server: Server,
    private readonly freshness: Freshness,
  ) {}

  async read<T extends object>(
    { filter }: StatisticsQuestion,
    answer: (snapshot: StatisticsSnapshot) => Promise<T>,
  ): Promise<T & AsOf> {
    return this.server.ask(async (limits) => {
      const query = new StatisticsQuery(this.server, limits, filter);
      for (let tries = 1; ; tries += 1) {
        const asOf = await this.freshness.catchUp();
        const result = { asOf: new Date(asOf).toISOString(), ...(await answer(createSnapshot(query))) };
        // The answer may have counted a duplicate that another instance has inserted in the meantime.
        if ((await this.freshness.removeDuplicates(limits)) === 0 || tries === MAX_TRIES) return result;
      }
    });
  }
}

function createSnapshot(query: StatisticsQuery): StatisticsSnapshot {
  return {
    measures: (measures, range, starts) => computeMeasures(measures, query, range, starts),
    top: (asked, range) => top(asked, query, range),
    amounts: (amount, range, starts) => amounts(amount, query, range, starts),
    topAmounts: (amount, asked, range) => topAmounts(amount, asked, query, range),
    live: (range) => live(query, range),
    funnel: (steps, range, within) => funnel(steps, query, range, within),
    retention: (range, asked) => retention(query, range, asked),
    journeys: (range, asked) => journeys(query, range, asked),
    visits: (range, asked) => visits(query, range, asked),
  };
}
