import type {
  ActivityStats,
  AmountMeasure,
  AsOf,
  Dimension,
  FunnelOptions,
  FunnelStep,
  Interval,
  JourneysOptions,
  Measure,
  OverviewOptions,
  Question,
  RetentionOptions,
  TopOptions,
} from '../../../lib/index.js';
import { measure } from './amounts.js';
import { overview, series } from './measures.js';
import { funnel } from './funnel.js';
import type { History } from './history.js';
import { journeys } from './journeys.js';
import { retention } from './retention.js';
import { top } from './top.js';

/** A method of {@link ActivityStats} and its arguments. */
export type Asked =
  | ['overview', Question, OverviewOptions]
  | ['series', Measure | AmountMeasure, Interval, Question]
  | ['measure', AmountMeasure, Question]
  | ['top', Dimension, TopOptions]
  | ['funnel', FunnelStep[], FunnelOptions]
  | ['retention', RetentionOptions]
  | ['journeys', JourneysOptions];

export async function ask(stats: ActivityStats, asked: Asked): Promise<unknown> {
  return withoutAsOf(await answerOf(stats, asked));
}

/** Removes `asOf`, which the model cannot know, because it has no clock. */
export function withoutAsOf(answered: AsOf): object {
  return Object.fromEntries(Object.entries(answered).filter(([key]) => key !== 'asOf'));
}

function answerOf(stats: ActivityStats, asked: Asked): Promise<AsOf> {
  switch (asked[0]) {
    case 'overview':
      return stats.overview(asked[1], asked[2]);
    case 'series':
      return stats.series(asked[1], asked[2], asked[3]);
    case 'measure':
      return stats.measure(asked[1], asked[2]);
    case 'top':
      return stats.top(asked[1], asked[2]);
    case 'funnel':
      return stats.funnel(asked[1], asked[2]);
    case 'retention':
      return stats.retention(asked[1]);
    default:
      return stats.journeys(asked[1]);
  }
}

/** Computes the result by the definitions of docs/statistics.md, as simply as possible. */
export function answer(history: History, asked: Asked): unknown {
  switch (asked[0]) {
    case 'overview':
      return overview(history, asked[1], asked[2]);
    case 'series':
      return series(history, asked[1], asked[2], asked[3]);
    case 'measure':
      return measure(history, asked[1], asked[2]);
    case 'top':
      return top(history, asked[1], asked[2]);
    case 'funnel':
      return funnel(history, asked[1], asked[2]);
    case 'retention':
      return retention(history, asked[1]);
    default:
      return journeys(history, asked[1]);
  }
}
