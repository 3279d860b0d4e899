import type {
  ActivityStats,
  AmountMeasure,
  AsOf,
  Dimension,
  Funnel,
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
import { amountSeries, measure } from './amounts.js';
import { isoOf, type Range, rangeOf } from './calendar.js';
import type { History } from './history.js';
import { overview, series } from './measures.js';
import { top } from './top.js';
import { funnel, retention } from './visitors.js';
import { journeys } from './visits.js';

/** A method of `ActivityStats` and its arguments. */
export type Asked =
  | ['overview', Question, OverviewOptions]
  | ['series', Measure | AmountMeasure, Interval, Question]
  | ['measure', AmountMeasure, Question]
  | ['top', Dimension, TopOptions]
  | ['funnel', FunnelStep[], FunnelOptions]
  | ['retention', RetentionOptions]
  | ['journeys', JourneysOptions];

export async function ask(stats: ActivityStats, asked: Asked): Promise<object> {
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

/** Computes the answer by the definitions of docs/statistics.md, without `asOf`. */
export function answer(history: History, asked: Asked): object {
  switch (asked[0]) {
    case 'overview':
      return overviewAnswer(history, asked[1], asked[2]);
    case 'series': {
      const [, name, interval, question] = asked;
      const { timeZone = 'UTC' } = question;
      const points = isMeasure(name)
        ? series(history, name, interval, question)
        : amountSeries(history, name, interval, question);
      return {
        ...spanOf(rangeOf(question), timeZone),
        measure: name,
        interval,
        timeZone,
        points: points.map(({ start, value }) => ({ date: isoOf(start, timeZone), value })),
      };
    }
    case 'measure': {
      const [, name, question] = asked;
      return {
        ...spanOf(rangeOf(question), question.timeZone),
        measure: name,
        ...measure(history, name, question),
      };
    }
    case 'top':
      return { items: top(history, asked[1], asked[2]).slice(0, asked[2].limit ?? 10) };
    case 'funnel':
      return { steps: funnelSteps(asked[1], funnel(history, asked[1], asked[2])) };
    case 'retention': {
      const { period = 'week', by = 'user', timeZone = 'UTC' } = asked[1];
      const cohorts = retention(history, asked[1]).map(({ start, size, returned }) => ({
        date: isoOf(start, timeZone),
        size,
        returned,
      }));
      return { period, by, timeZone, cohorts };
    }
    default:
      return journeys(history, asked[1]);
  }
}

const MEASURES: readonly string[] = [
  'users',
  'sessions',
  'visits',
  'activities',
  'views',
  'bounceRate',
  'visitDuration',
] satisfies Measure[];

function isMeasure(name: Measure | AmountMeasure): name is Measure {
  return MEASURES.includes(name);
}

function spanOf({ from, to }: Range, timeZone?: string): { from: string; to: string } {
  return { from: isoOf(from, timeZone), to: isoOf(to, timeZone) };
}

function overviewAnswer(history: History, question: Question, options: OverviewOptions): object {
  const { range, measures, compared } = overview(history, question, options);
  return {
    ...spanOf(range, question.timeZone),
    ...(compared && { compared: spanOf(compared.range, question.timeZone) }),
    ...Object.fromEntries(
      Object.entries(measures).map(([name, value]) => [
        name,
        { value, ...(compared && { compared: compared.measures[name as Measure] }) },
      ]),
    ),
  };
}

function funnelSteps(steps: FunnelStep[], reached: number[]): Funnel['steps'] {
  return steps.map((step, i) => ({
    step,
    visitors: reached[i]!,
    stopped: i + 1 < steps.length ? reached[i]! - reached[i + 1]! : 0,
  }));
}
