import { Command } from 'commander';
import { addStats } from '../../lib/cli/stats.command.js';
import { ActivityStats } from '../../lib/statistics/activity.stats.js';
import { DIMENSIONS, INTERVALS, MEASURES } from '../../lib/statistics/statistics.types.js';
import { MemoryStore } from '../support/memory-store.js';
import { CapturedStream, replaceStream } from '../support/streams.js';

type QuestionName =
  'overview' | 'series' | 'measure' | 'top' | 'live' | 'funnel' | 'retention' | 'journeys' | 'visits';

const QUESTIONS: QuestionName[] = [
  'overview',
  'series',
  'measure',
  'top',
  'live',
  'funnel',
  'retention',
  'journeys',
  'visits',
];
const AMOUNTS = ['sum(KEY)', 'avg(KEY)', 'min(KEY)', 'max(KEY)', 'p95(KEY)', 'timeOnPage', 'scrollDepth'];

let output: CapturedStream;
let restore: () => void;

beforeEach(() => {
  output = new CapturedStream();
  restore = replaceStream('stdout', output);
});

afterEach(() => {
  restore();
  jest.restoreAllMocks();
});

/** The command `stats` and those below it. */
function newCommands(): { stats: Command; all: Map<string, Command> } {
  const program = new Command();
  program.setOptionValue('dataSource', {
    name: 'data-source.js',
    open: async () => ({
      store: new MemoryStore(),
      page: undefined,
      retention: undefined,
      close: async () => {},
    }),
  });
  addStats(program);
  const [stats = program] = program.commands;
  const all = new Map(stats.commands.map((command) => [command.name(), command]));
  for (const command of all.values()) command.exitOverride().configureOutput({ writeErr() {} });
  return { stats, all };
}

/** Returns the arguments with which `ActivityStats` is asked. */
async function asked(name: QuestionName, ...args: string[]): Promise<unknown[]> {
  const ask = jest.spyOn(ActivityStats.prototype, name);
  ask.mockReset().mockResolvedValue(Object({ asOf: 'now' }));
  await newCommands().stats.parseAsync([name, ...args], { from: 'user' });
  expect(output.take()).toBe('{"asOf":"now"}\n');
  return ask.mock.calls[0] ?? [];
}

const overview = async (...args: string[]): Promise<unknown> => (await asked('overview', ...args))[0];

describe('djaffar stats', () => {
  it('has a command for each question', () => {
    const { stats, all } = newCommands();
    expect([stats.name(), ...all.keys()]).toEqual(['stats', ...QUESTIONS]);
  });

  it('describes each command, and each of its options', () => {
    const { stats, all } = newCommands();
    for (const command of [stats, ...all.values()]) {
      expect([command.name(), command.description()]).toEqual([
        command.name(),
        expect.stringMatching(/\w{3} \w+/),
      ]);
      for (const { long, description } of command.options)
        expect([long, description]).toEqual([long, expect.stringMatching(/\w{3}/)]);
    }
  });

  it('lists what an argument may be', () => {
    const { all } = newCommands();
    const choices = Object.fromEntries(
      [...all].map(([name, { registeredArguments }]) => [
        name,
        registeredArguments.map((argument) => [argument.name(), argument.required, argument.argChoices]),
      ]),
    );
    expect(choices).toMatchObject({
      overview: [],
      series: [
        ['measure', true, [...MEASURES, ...AMOUNTS]],
        ['interval', true, INTERVALS],
      ],
      measure: [['measure', true, AMOUNTS]],
      top: [['dimension', true, DIMENSIONS]],
    });
    expect(all.get('top')?.options.find(({ long }) => long === '--measure')?.description).toContain(
      'users, sessions, visits, activities, views, or one of "stats measure"',
    );
  });

  it('prints the answer in one line, or for people on a terminal', async () => {
    jest.spyOn(ActivityStats.prototype, 'overview').mockResolvedValue(Object({ users: { value: 3 } }));
    const { stats } = newCommands();
    await stats.parseAsync(['overview'], { from: 'user' });
    expect(output.text).toBe('{"users":{"value":3}}\n');
    restore();
    const terminal = new CapturedStream(true);
    restore = replaceStream('stdout', terminal);
    await stats.parseAsync(['overview'], { from: 'user' });
    expect(terminal.text).toBe('{\n  "users": {\n    "value": 3\n  }\n}\n');
  });
});

describe('each question', () => {
  const required: Partial<Record<QuestionName, string[]>> = {
    series: ['visits', 'day'],
    measure: ['timeOnPage'],
    top: ['path'],
    funnel: ['--step', 'path=/'],
  };

  it.each(QUESTIONS)('may have a filter: %s', async (name) => {
    const args = [...(required[name] ?? []), '--user', '17', '--entry', '/', '--bots', '--time-zone', 'UTC'];
    expect(await asked(name, ...args)).toContainEqual(
      expect.objectContaining({ user: '17', entry: '/', bots: true, timeZone: 'UTC' }),
    );
  });

  it.each(QUESTIONS.filter((name) => name !== 'live'))('may have a range: %s', async (name) => {
    const range = ['--from', '2026-11-01', '--to', '2026-12-01'];
    expect(await asked(name, ...(required[name] ?? []), ...range)).toContainEqual(
      expect.objectContaining({ from: '2026-11-01', to: '2026-12-01' }),
    );
  });

  it('has no range if it is about now', async () => {
    await expect(asked('live', '--from', '2026-11-01')).rejects.toThrow("unknown option '--from'");
  });
});

describe('a filter of statistics', () => {
  it.each([
    ['--entry', 'entry'],
    ['--exit', 'exit'],
    ['--path', 'path'],
    ['--name', 'name'],
    ['--session', 'session'],
    ['--visit', 'visit'],
    ['--route', 'route'],
    ['--subject', 'subject'],
    ['--group', 'group'],
    ['--ip', 'ip'],
  ])('%s is the text of that name, which may be empty', async (option, field) => {
    expect(await overview(option, 'x')).toStrictEqual({ [field]: 'x' });
    expect(await overview(option, '')).toStrictEqual({ [field]: '' });
  });

  it.each([
    ['--user', 'user'],
    ['--referrer', 'referrer'],
    ['--utm-source', 'utmSource'],
    ['--utm-medium', 'utmMedium'],
    ['--utm-campaign', 'utmCampaign'],
    ['--utm-term', 'utmTerm'],
    ['--utm-content', 'utmContent'],
    ['--browser', 'browser'],
    ['--system', 'system'],
    ['--device', 'device'],
    ['--country', 'country'],
    ['--language', 'language'],
  ])(
    '%s is the text of that name, and without a text matches those without a value',
    async (option, field) => {
      expect(await overview(option, 'x')).toStrictEqual({ [field]: 'x' });
      expect(await overview(option, '')).toStrictEqual({ [field]: null });
    },
  );

  it('has conditions on properties, and those of --filter', async () => {
    expect(
      await overview('--properties', 'plan=pro', '--filter', '{"name":{"not":"view"},"exit":"/"}'),
    ).toStrictEqual({ properties: { plan: ['pro'] }, name: { not: 'view' }, exit: '/' });
  });

  it('has no page, which statistics call the path', async () => {
    await expect(overview('--page', '/')).rejects.toThrow("unknown option '--page'");
    await expect(overview('--filter', '{"page":"/"}')).rejects.toThrow(
      '--filter cannot have page; allowed: ',
    );
  });

  it.each([
    ['path', '--path', '/'],
    ['properties', '--properties', 'shop=17'],
  ])('has nothing twice: %s', async (field, ...option) => {
    await expect(overview(...option, '--filter', JSON.stringify({ [field]: {} }))).rejects.toThrow(
      `${field} must not be given twice: as an option, and in --filter`,
    );
  });
});

describe('a question of its own', () => {
  it.each<[QuestionName, string[], unknown[]]>([
    ['overview', [], [{}, { compareTo: undefined }]],
    ['overview', ['--compare-to', 'previous'], [{}, { compareTo: 'previous' }]],
    ['overview', ['--compare-to', 'year'], [{}, { compareTo: 'year' }]],
    [
      'overview',
      ['--compare-to', 'a..b..cd', '--user', '17'],
      [{ user: '17' }, { compareTo: { from: 'a..b', to: 'cd' } }],
    ],
    ['series', ['visits', 'day'], ['visits', 'day', {}]],
    ['series', ['sum(total)', 'month'], ['sum(total)', 'month', {}]],
    ['measure', ['p99(total)', '--name', 'paid'], ['p99(total)', { name: 'paid' }]],
    ['top', ['path'], ['path', {}]],
    [
      'top',
      ['property', '--limit', '5', '--measure', 'users', '--property', 'plan', '--search', 'p'],
      ['property', { limit: 5, measure: 'users', property: 'plan', search: 'p' }],
    ],
    ['live', ['--minutes', '5'], [{ minutes: 5 }]],
    ['funnel', ['--step', 'path=/'], [[{ path: '/' }], {}]],
    [
      'funnel',
      ['--step', 'path=/a?b=c', '--step', 'route=/:id', '--step', 'name=', '--within', '60000'],
      [[{ path: '/a?b=c' }, { route: '/:id' }, { name: '' }], { within: 60_000 }],
    ],
    ['retention', ['--period', 'month', '--by', 'session'], [{ period: 'month', by: 'session' }]],
    [
      'journeys',
      ['--by', 'route', '--start', '/a', '--end', '/b', '--depth', '3', '--limit', '7'],
      [{ by: 'route', start: '/a', end: '/b', depth: 3, limit: 7 }],
    ],
    [
      'visits',
      ['--limit', '7', '--after', 'next', '--order', 'asc'],
      [{ limit: 7, after: 'next', order: 'asc' }],
    ],
  ])('%s %j', async (name, args, expected) => {
    expect(await asked(name, ...args)).toStrictEqual(expected);
  });

  it.each<[QuestionName, string[], string]>([
    ['overview', ['--compare-to', 'never'], 'Expected previous, year, or FROM..TO.'],
    ['overview', ['--compare-to', '..b'], 'Expected previous, year, or FROM..TO.'],
    ['overview', ['--compare-to', 'a..'], 'Expected previous, year, or FROM..TO.'],
    ['series', ['visits', 'eon'], 'Allowed choices are minute, hour, day, week, month.'],
    ['top', ['color'], 'Allowed choices are path, route, '],
    ['funnel', [], "required option '--step <condition>' not specified"],
    ['funnel', ['--step', 'path'], 'Expected KEY=VALUE.'],
    ['funnel', ['--step', '=/'], 'Expected KEY=VALUE.'],
    ['funnel', ['--step', 'p=/'], 'Expected path=…, route=… or name=….'],
    ['funnel', ['--step', 'color=red'], 'Expected path=…, route=… or name=….'],
  ])('%s %j is refused', async (name, args, message) => {
    await expect(asked(name, ...args)).rejects.toThrow(message);
  });

  it('series sum(total) needs an interval', async () => {
    await expect(asked('series', 'sum(total)')).rejects.toThrow("missing required argument 'interval'");
  });
});
