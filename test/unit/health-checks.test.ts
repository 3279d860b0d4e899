import type { OutcomeCount } from '../../lib/diagnostics/outcome-counter.js';
import { describePolicy, groupByCause, groupByHour, runChecks } from '../../lib/health/health-checks.js';
import { explain } from '../../lib/health/causes.js';
import type { RetentionPolicy } from '../../lib/options/privacy.options.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 1, 12);

/** Counts of the hour of a day at noon. */
const countsOf = (counts: Record<string, number>, hour = START): OutcomeCount[] =>
  Object.entries(counts).map(([cause, count]) => ({ hour, cause, count }));

describe('the checks', () => {
  type Options = Partial<Parameters<typeof runChecks>[1]>;

  const check = (counts: OutcomeCount[], options: Options = {}) =>
    runChecks(counts, { isAnythingStored: false, privacy: 'cookieless', ...options });

  function statesOf(counts: Record<string, number>, options?: Options): Record<string, string> {
    const checks = check(countsOf(counts), options);
    for (const { state, text, cure } of checks) {
      expect(text).toMatch(/../);
      expect({ state, hasCure: Boolean(cure) }).toEqual({ state, hasCure: state === 'wrong' });
    }
    return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  }

  it.each<[string, Record<string, number>, Options, Record<string, string>]>([
    [
      'wait for everything at first',
      {},
      {},
      { tables: 'ok', script: 'waiting', sent: 'waiting', stored: 'waiting' },
    ],
    [
      'do not wait for the script if there were activities earlier',
      {},
      { isAnythingStored: true },
      { tables: 'ok', sent: 'waiting', stored: 'waiting' },
    ],
    [
      'do not wait for the script if anything was sent',
      { stored: 1 },
      {},
      { tables: 'ok', sent: 'ok', stored: 'ok', people: 'ok' },
    ],
    [
      'wait for activities after the script was loaded',
      { script: 1 },
      {},
      { tables: 'ok', script: 'ok', sent: 'waiting', stored: 'waiting' },
    ],
    ['find that all is refused', { '400.date': 1 }, {}, { tables: 'ok', sent: 'ok', stored: 'wrong' }],
    ['find that all is dropped', { transform: 1 }, {}, { tables: 'ok', sent: 'ok', stored: 'wrong' }],
    [
      'find that something is stored, although more is refused',
      { stored: 1, '400.date': 5, transform: 5 },
      {},
      { tables: 'ok', sent: 'ok', stored: 'ok', people: 'ok' },
    ],
    [
      'find that there are only bots',
      { stored: 2, bot: 2 },
      {},
      { tables: 'ok', sent: 'ok', stored: 'ok', people: 'wrong' },
    ],
    [
      'find that there are not only bots',
      { stored: 2, bot: 1 },
      {},
      { tables: 'ok', sent: 'ok', stored: 'ok', people: 'ok' },
    ],
    [
      'ask nothing of bots if nothing is stored',
      { bot: 1 },
      {},
      { tables: 'ok', script: 'waiting', sent: 'waiting', stored: 'waiting' },
    ],
  ])('%s', (_, counts, options, states) => {
    expect(statesOf(counts, options)).toEqual(states);
  });

  it.each([
    [{ stored: 4 }, 'waiting'],
    [{ stored: 5 }, 'wrong'],
    [{ stored: 5, cookie: 1 }, 'ok'],
    [{ cookie: 1 }, undefined],
  ])('look at the cookie if visitors have one: with %j it is %s', (counts, state) => {
    expect(statesOf(counts, { privacy: 'identified' })['cookie']).toBe(state);
    expect(statesOf(counts)['cookie']).toBeUndefined();
  });

  it.each([
    [{ public: 1 }, 'ok'],
    [{ proxied: 1 }, 'wrong'],
    [{ public: 1, proxied: 5 }, 'ok'],
    [{ stored: 1 }, undefined],
  ])('look at the addresses of visitors: with %j they are %s', (counts, state) => {
    expect(statesOf(counts)['addresses']).toBe(state);
  });

  it('add up the hours', () => {
    const counts = [...countsOf({ stored: 3 }), ...countsOf({ stored: 2, bot: 5 }, START + HOUR)];
    expect(check(counts)).toContainEqual(expect.objectContaining({ name: 'people', state: 'wrong' }));
  });

  it('say what most requests were refused for, and the remedy', () => {
    const stored = check(countsOf({ '400.date': 1, '403': 2, bot: 9, transform: 9 })).find(
      ({ name }) => name === 'stored',
    );
    expect(stored?.text).toContain(explain('403')?.meaning);
    expect(stored?.cure).toBe(explain('403')?.cure);
  });

  it('say what most activities were dropped for if none was refused, and the remedy', () => {
    const stored = check(countsOf({ signal: 1, consent: 2, bot: 9 })).find(({ name }) => name === 'stored');
    expect(stored?.text).toContain(explain('consent')?.meaning);
    expect(stored?.cure).toBe(explain('consent')?.cure);
  });

  it('say where to look if the script was loaded and nothing was sent', () => {
    const textOf = (counts: Record<string, number>): string =>
      check(countsOf(counts)).find(({ name }) => name === 'sent')?.text ?? '';
    expect(textOf({ script: 1 })).toContain('connect-src');
    expect(textOf({})).not.toContain('connect-src');
  });
});

describe('the counts by hour', () => {
  it('have all hours in their order, and each outcome', () => {
    const counts = [
      ...countsOf({ stored: 1, '400.date': 2, '503': 3, transform: 4, signal: 5, bot: 6, cookie: 7 }),
      ...countsOf({ stored: 8 }),
      ...countsOf({ consent: 9 }, START + 2 * HOUR),
    ];
    expect(groupByHour(counts, START, 3)).toEqual([
      { start: '2026-11-01T12:00:00.000Z', stored: 9, refused: 5, dropped: 9 },
      { start: '2026-11-01T13:00:00.000Z', stored: 0, refused: 0, dropped: 0 },
      { start: '2026-11-01T14:00:00.000Z', stored: 0, refused: 0, dropped: 9 },
    ]);
  });

  it('have nothing of other hours', () => {
    const counts = [-1, 1].flatMap((hours) => countsOf({ stored: 1 }, START + hours * HOUR));
    expect(groupByHour(counts, START, 1)).toMatchObject([{ stored: 0 }]);
  });
});

describe('the causes', () => {
  it('are explained, the most frequent first, with the last hour', () => {
    const counts = [
      ...countsOf({ transform: 1, '503': 1, '400.date': 1, stored: 50 }),
      ...countsOf({ '400.date': 1, '503': 0 }, START + HOUR),
      ...countsOf({ '400.date': 1 }, START - HOUR),
    ];
    expect(groupByCause(counts)).toEqual([
      { cause: '400.date', count: 3, last: '2026-11-01T13:00:00.000Z', ...explain('400.date') },
      { cause: '503', count: 1, last: '2026-11-01T13:00:00.000Z', ...explain('503') },
      { cause: 'transform', count: 1, last: '2026-11-01T12:00:00.000Z', ...explain('transform') },
    ]);
    expect(groupByCause(counts.toReversed()).map(({ cause }) => cause)).toEqual([
      '400.date',
      '503',
      'transform',
    ]);
  });

  it('are in the order of their names if they are as frequent', () => {
    const causes = ['consent', 'signal', 'transform'];
    for (const given of [causes, causes.toReversed(), ['signal', 'transform', 'consent']]) {
      const counts = given.map((cause) => ({ hour: START, cause, count: 1 }));
      expect(groupByCause(counts).map(({ cause }) => cause)).toEqual(causes);
    }
  });
});

it.each<[RetentionPolicy, string]>([
  [{ keep: '25 months' }, 'erased after 25 months'],
  [{ anonymiseAfter: '1 year' }, 'anonymised after 1 year'],
  [
    { keep: '25 months', anonymiseAfter: '1 year', names: { view: '90 days', engagement: '1 day' } },
    'erased after 25 months, anonymised after 1 year, view: 90 days, engagement: 1 day',
  ],
  [{}, ''],
])('the policy %j is described in a line', (policy, line) => {
  expect(describePolicy(policy)).toBe(line);
});
