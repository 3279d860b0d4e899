import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { ActivityStats } from '../statistics/activity.stats.js';
import { type AmountMeasure, ENGAGEMENT_MEASURES } from '../statistics/amount.js';
import { STATISTICS_FIELDS } from '../statistics/statistics-filter.js';
import {
  type Dimension,
  DIMENSIONS,
  type FunnelOptions,
  type FunnelStep,
  type Interval,
  INTERVALS,
  type JourneysOptions,
  type LiveOptions,
  type Measure,
  MEASURES,
  type OverviewOptions,
  type RetentionOptions,
  TOP_MEASURES,
  type TopOptions,
  type VisitsOptions,
} from '../statistics/statistics.types.js';
import { MAY_BE_NONE, type Question } from '../statistics/question.types.js';
import {
  addDateOptions,
  addCommonOptions,
  type FilterOptions,
  mergeFilter,
  propertyFilters,
} from './filter.options.js';
import { print } from './output.js';
import { withServices } from './services.js';

/** Forms of measures of numbers; KEY stands for any property. */
const AMOUNT_MEASURES = ['sum(KEY)', 'avg(KEY)', 'min(KEY)', 'max(KEY)', 'p95(KEY)', ...ENGAGEMENT_MEASURES];

/** Adds a command for each question of `ActivityStats`, with options of the same names. */
export function addStats(program: Command): void {
  const stats = program.command('stats').description('answer a question about many activities, as JSON');

  const overview = question(stats, 'overview', 'the measures of a range')
    .option('--compare-to <range>', 'previous, year, or FROM..TO', readRange)
    .action(({ compareTo, ...asked }: Question & OverviewOptions) =>
      answer(overview, asked, (of, options) => of.overview(options, { compareTo })),
    );

  const series = question(stats, 'series', 'a measure over time')
    .addArgument(measureArgument([...MEASURES, ...AMOUNT_MEASURES]))
    .addArgument(new Argument('<interval>').choices(INTERVALS))
    .action((measure: Measure | AmountMeasure, interval: Interval, asked: Question) =>
      answer(series, asked, (of, options) => of.series(measure, interval, options)),
    );

  const measure = question(stats, 'measure', 'an aggregate of numbers')
    .addArgument(measureArgument(AMOUNT_MEASURES))
    .action((asked: AmountMeasure, options: Question) =>
      answer(measure, options, (of, range) => of.measure(asked, range)),
    );

  const top = question(stats, 'top', 'the commonest values')
    .addArgument(new Argument('<dimension>').choices(DIMENSIONS))
    .option('--limit <number>', 'how many', Number)
    .option('--measure <measure>', `what counts: ${TOP_MEASURES.join(', ')}, or one of "stats measure"`)
    .option('--property <key>', 'the property, if the dimension is property')
    .option('--search <text>', 'only values that contain this text')
    .action((dimension: Dimension, asked: TopOptions) =>
      answer(top, asked, (of, options) => of.top(dimension, options)),
    );

  const live = about(stats, 'live', 'who is there now')
    .option('--minutes <number>', 'the last minutes', Number)
    .action((asked: LiveOptions) => answer(live, asked, (of, options) => of.live(options)));

  const funnel = question(stats, 'funnel', 'how many did the steps in their order')
    .requiredOption('--step <condition>', 'path=/pricing or name=bought, once for each step', addStep)
    .option('--within <milliseconds>', 'from the first step to the last', Number)
    .action(({ step, ...asked }: FunnelOptions & { step: FunnelStep[] }) =>
      answer(funnel, asked, (of, options) => of.funnel(step, options)),
    );

  const retention = question(stats, 'retention', 'how many come back')
    .option('--period <period>', 'day, week or month')
    .option('--by <visitor>', 'user or session')
    .action((asked: RetentionOptions) => answer(retention, asked, (of, options) => of.retention(options)));

  const journeys = question(stats, 'journeys', 'the most frequent sequences of pages, or of routes')
    .option('--by <kind>', 'path or route')
    .option('--start <path>', 'paths from this page')
    .option('--end <path>', 'paths to this page')
    .option('--depth <number>', 'how many steps', Number)
    .option('--limit <number>', 'how many paths for each step', Number)
    .action((asked: JourneysOptions) => answer(journeys, asked, (of, options) => of.journeys(options)));

  const visits = question(stats, 'visits', 'visits with their activities')
    .option('--limit <number>', 'how many', Number)
    .option('--after <next>', 'the "next" of the previous page')
    .option('--order <order>', 'asc or desc')
    .action((asked: VisitsOptions) => answer(visits, asked, (of, options) => of.visits(options)));
}

/** The choices are only listed: `ActivityStats` validates the measure, because a property may have any key. */
function measureArgument(choices: readonly string[]): Argument {
  return new Argument('<measure>').choices(choices).argParser((measure: string) => measure);
}

function question(stats: Command, name: string, description: string): Command {
  return addDateOptions(about(stats, name, description));
}

/** Adds a question without a range. */
function about(stats: Command, name: string, description: string): Command {
  return addCommonOptions(stats.command(name).description(description))
    .option('--entry <path>', "the path of the visit's first activity, as --path")
    .option('--exit <path>', 'the path of its last activity')
    .option('--referrer <host>', 'the host where the visit came from')
    .option('--utm-source <text>', "utm_source in the query of the visit's first path")
    .option('--utm-medium <text>', 'utm_medium there')
    .option('--utm-campaign <text>', 'utm_campaign there')
    .option('--utm-term <text>', 'utm_term there')
    .option('--utm-content <text>', 'utm_content there')
    .option('--browser <name>', 'the browser, such as Firefox')
    .option('--system <name>', 'the operating system, such as Windows')
    .option('--device <kind>', 'desktop, mobile, tablet or tv')
    .option('--country <code>', 'the country, such as DE')
    .option('--language <tag>', 'the language of the browser, such as en-US')
    .option('--bots', 'include known bots')
    .option('--time-zone <zone>', 'such as Europe/Berlin; default: UTC')
    .hook('preAction', askForNone);
}

/** Commander cannot parse an option as `null`. */
function askForNone(command: Command): void {
  for (const property of MAY_BE_NONE)
    if (command.getOptionValue(property) === '') command.setOptionValue(property, null);
}

async function answer<T extends object>(
  command: Command,
  asked: T,
  ask: (stats: ActivityStats, options: T) => Promise<unknown>,
): Promise<void> {
  const options = withFilter(asked);
  await withServices(command, async ({ stats }) => {
    await print(JSON.stringify(await ask(stats, options), null, process.stdout.isTTY ? 2 : undefined));
  });
}

/** Merges `--properties` and `--filter` with the other options. */
function withFilter<T extends object>(asked: T): T {
  const { properties, filter, ...others }: FilterOptions = asked;
  for (const field of Object.keys(filter ?? {}))
    if (!STATISTICS_FIELDS.includes(field))
      throw new Error(`--filter cannot have ${field}; allowed: ${STATISTICS_FIELDS.join(', ')}`);
  const options = { ...others, ...(properties && { properties: propertyFilters(properties) }) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- commander has no types of options; they are validated
  return mergeFilter(options, filter) as T;
}

function readRange(text: string): OverviewOptions['compareTo'] {
  if (text === 'previous' || text === 'year') return text;
  const [, from, to] = /^(.+)\.\.(.+)$/.exec(text) ?? [];
  if (!from || !to) throw new InvalidArgumentError('Expected previous, year, or FROM..TO.');
  return { from, to };
}

function addStep(text: string, steps: FunnelStep[] = []): FunnelStep[] {
  const [key, value] = readPair(text);
  if (key !== 'path' && key !== 'route' && key !== 'name')
    throw new InvalidArgumentError('Expected path=…, route=… or name=….');
  return [...steps, { [key]: value }];
}

function readPair(text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected KEY=VALUE.');
  return [text.slice(0, at), text.slice(at + 1)];
}
