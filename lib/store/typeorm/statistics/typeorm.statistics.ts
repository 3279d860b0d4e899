import type { DataSource, EntityManager } from 'typeorm';
import { connectionsOf } from '../../../database/connections.js';
import { dialectOf } from '../../../database/dialects/dialect.js';
import { uncached } from '../../../database/primary.js';
import {
  mayPrimaryAnswer,
  type AnsweringStandby,
  type Standbys,
} from '../../../database/standbys/standbys.js';
import { nameIn } from '../../../statistics/statistics-filter.js';
import type {
  StatisticsQuestion,
  StatisticsSnapshot,
  StatisticsStore,
} from '../../../statistics/statistics.store.js';
import type { AsOf } from '../../../statistics/statistics.types.js';
import { monotonicClock } from '../../../time/clock.js';
import { FrozenTime } from './frozen.js';
import { StatisticsQuery } from './filter/statistics-query.js';
import { amounts, topAmounts } from './queries/amounts.js';
import { funnel } from './queries/funnel.js';
import { journeys } from './queries/journeys.js';
import { live } from './queries/live.js';
import { computeMeasures } from './queries/measures/compute-measures.js';
import { retention } from './queries/retention.js';
import { buildDailyMetric } from './queries/top/from-daily-cache.js';
import { top } from './queries/top/top.js';
import { visits } from './queries/visits.js';
import { planTop, classifyFilter, chooseTopMeasure } from './query-plan.js';
import { readAsOf } from './rollup/as-of.js';
import type { RollupService } from './rollup/rollup.service.js';
import { RollupState } from './rollup/tables/rollup-state.entity.js';

/** Answers questions from one snapshot of the database; query-plan.ts chooses the tables. */
export class TypeOrmStatistics implements StatisticsStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rollup: RollupService,
    private readonly standbys?: Standbys,
  ) {}

  async read<T extends object>(
    question: StatisticsQuestion,
    answer: (snapshot: StatisticsSnapshot) => Promise<T>,
  ): Promise<T & AsOf> {
    const { dataSource, rollup } = this;
    const until = monotonicClock.now() + rollup.maxWait;
    await rollup.catchUp(question.dependsOn);
    const deadline = connectionsOf(dataSource).deadline();
    await this.cache(question, deadline);
    // Chosen after both of these, because the standby must have what they wrote.
    const source = await this.standbys?.choose({ until, deadline });
    if (!source) return this.answer(question, answer, deadline);
    try {
      return await this.answer(question, answer, deadline, source);
    } catch (error) {
      if (!mayPrimaryAnswer(dataSource, error)) throw error;
      return this.answer(question, answer, deadline);
    }
  }

  private answer<T extends object>(
    question: StatisticsQuestion,
    answer: (snapshot: StatisticsSnapshot) => Promise<T>,
    deadline: number,
    source?: AnsweringStandby,
  ): Promise<T & AsOf> {
    const { dataSource } = this;
    const read = async ({ queryRunner }: EntityManager): Promise<T & AsOf> => {
      const manager = uncached(dataSource, queryRunner);
      const asOf = await readAsOf(manager, question.dependsOn, source?.hasUntil);
      // Without rollups there is nothing to read yet, and zeros would be wrong.
      const { frozenUntil } = await manager.findOneByOrFail(RollupState, { id: 1 });
      const frozen = new FrozenTime(frozenUntil.getTime());
      const answered = await answer(await openSnapshot(manager, question, frozen));
      return {
        asOf: new Date(asOf).toISOString(),
        ...(frozen.isAsked && { frozenUntil: frozenUntil.toISOString() }),
        ...answered,
      };
    };
    const reading = (signal: AbortSignal): Promise<T & AsOf> =>
      dialectOf(dataSource).reading(dataSource, read, signal, source?.standby);
    return connectionsOf(dataSource).ask(
      (signal) => (source ? source.standby.whileAnswering(signal, reading) : reading(signal)),
      // If a standby fails, the query runs on the primary.
      { deadline, ...(source && { symptom: null }) },
    );
  }

  private async cache({ top: asked, filter }: StatisticsQuestion, deadline: number): Promise<void> {
    if (!asked) return;
    const query = { ...asked.query, measure: chooseTopMeasure(asked.query, nameIn(filter)) };
    if (planTop(query, classifyFilter(filter)) === 'daily-cache')
      await this.rollup.cacheDays(buildDailyMetric(query), asked.range, deadline);
  }
}

async function openSnapshot(
  manager: EntityManager,
  { filter }: StatisticsQuestion,
  frozen: FrozenTime,
): Promise<StatisticsSnapshot> {
  const selection = new StatisticsQuery(manager, filter, frozen.until);
  const { kind } = selection;
  await selection.resolvePathIds();
  return {
    measures: async (measures, range, starts) => {
      frozen.checkMeasures(kind, range, starts);
      return computeMeasures(measures, selection, range, starts);
    },
    top: async (query, range) => {
      frozen.checkTop(kind, query, range);
      return top(query, selection, range);
    },
    amounts: async (amount, range, starts) => {
      frozen.checkActivities(range);
      return amounts(amount, selection, range, starts);
    },
    topAmounts: async (amount, query, range) => {
      frozen.checkActivities(range);
      return topAmounts(amount, query, selection, range);
    },
    live: (range) => live(selection, range),
    funnel: async (steps, range, within) => {
      frozen.checkActivities(range);
      return funnel(steps, selection, range, within);
    },
    retention: async (range, query) => {
      frozen.checkActivities(range);
      return retention(selection, range, query);
    },
    journeys: async (range, query) => {
      frozen.checkActivities(range);
      return journeys(selection, range, query);
    },
    visits: async (range, query) => {
      frozen.checkActivities(range);
      return visits(selection, range, query);
    },
  };
}
