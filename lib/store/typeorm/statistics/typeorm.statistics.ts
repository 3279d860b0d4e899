import type { DataSource, EntityManager } from 'typeorm';
import { connectionsOf } from '../../../database/connections.js';
import { dialectOf } from '../../../database/dialects/dialect.js';
import { uncached } from '../../../database/primary.js';
import type {
  StatisticsQuestion,
  StatisticsSnapshot,
  StatisticsStore,
} from '../../../statistics/statistics.store.js';
import type { AsOf } from '../../../statistics/statistics.types.js';
import { StatisticsQuery } from './filter/statistics-query.js';
import { funnel } from './queries/funnel.js';
import { journeys } from './queries/journeys.js';
import { live } from './queries/live.js';
import { computeMeasures } from './queries/measures/measures.js';
import { retention } from './queries/retention.js';
import { dailyMetricOf } from './queries/top/from-daily-cache.js';
import { top } from './queries/top/top.js';
import { visits } from './queries/visits.js';
import { planTop, scopeOf, topMeasureOf } from './query-plan.js';
import { readAsOf } from './rollup/as-of.js';
import type { RollupService } from './rollup/rollup.service.js';
import { RollupState } from './rollup/tables/rollups.entity.js';

/** Answers questions from one snapshot of the database; query-plan.ts has which table answers what. */
export class TypeOrmStatistics implements StatisticsStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rollup: RollupService,
  ) {}

  async read<T extends object>(
    question: StatisticsQuestion,
    answer: (snapshot: StatisticsSnapshot) => Promise<T>,
  ): Promise<T & AsOf> {
    const { dataSource } = this;
    await this.rollup.catchUp(question.dependsOn);
    const deadline = connectionsOf(dataSource).deadline();
    await this.cache(question, deadline);
    return connectionsOf(dataSource).ask(
      (signal) =>
        dialectOf(dataSource).reading(
          dataSource,
          async ({ queryRunner }) => {
            const manager = uncached(dataSource, queryRunner);
            const asOf = await readAsOf(manager, question.dependsOn);
            // Otherwise there is nothing that could be read, and zeros would be wrong.
            await manager.findOneByOrFail(RollupState, { id: 1 });
            return {
              asOf: new Date(asOf).toISOString(),
              ...(await answer(await openSnapshot(manager, question))),
            };
          },
          signal,
        ),
      { deadline },
    );
  }

  private async cache({ top: asked, filter }: StatisticsQuestion, deadline: number): Promise<void> {
    if (!asked) return;
    const query = { ...asked.query, measure: topMeasureOf(asked.query, filter.name) };
    if (planTop(query, scopeOf(filter)) === 'daily-cache')
      await this.rollup.cacheDays(dailyMetricOf(query), asked.range, deadline);
  }
}

async function openSnapshot(
  manager: EntityManager,
  { filter }: StatisticsQuestion,
): Promise<StatisticsSnapshot> {
  const selection = new StatisticsQuery(manager, filter);
  await selection.resolvePathIds();
  return {
    measures: (measures, range, starts) => computeMeasures(measures, selection, range, starts),
    top: (query, range) => top(query, selection, range),
    live: (range) => live(selection, range),
    funnel: (steps, range, within) => funnel(steps, selection, range, within),
    retention: (range, query) => retention(selection, range, query),
    journeys: (range, query) => journeys(selection, range, query),
    visits: (range, query) => visits(selection, range, query),
  };
}
