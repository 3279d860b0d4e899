import { Command } from 'commander';
import type { ActivityFilter } from '../../lib/activity/activity.filter.js';
import { addFilterOptions, type FilterOptions, toFilter } from '../../lib/cli/filter.options.js';

function newCommand(): Command {
  return addFilterOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr() {} });
}

/** Returns the filter of options of the command line. */
function filterOf(...args: string[]): ActivityFilter {
  return toFilter(newCommand().parse(args, { from: 'user' }).opts<FilterOptions>());
}

const properties = (...conditions: string[]): unknown =>
  filterOf(...conditions.flatMap((condition) => ['--properties', condition])).properties;

describe('the options that select activities', () => {
  it.each([
    ['--user', 'user'],
    ['--session', 'session'],
    ['--visit', 'visit'],
    ['--path', 'path'],
    ['--page', 'page'],
    ['--route', 'route'],
    ['--name', 'name'],
    ['--subject', 'subject'],
    ['--group', 'group'],
    ['--ip', 'ip'],
    ['--from', 'from'],
    ['--to', 'to'],
  ])('%s is the filter of that name', (option, field) => {
    expect(filterOf(option, 'x')).toStrictEqual({ [field]: 'x' });
  });

  it('are all described', () => {
    for (const { long, description } of newCommand().options)
      expect([long, description]).toEqual([long, expect.stringMatching(/\w{3}/)]);
  });

  it('select everything without any', () => {
    expect(filterOf()).toStrictEqual({});
  });
});

describe('--properties', () => {
  it.each<[string, unknown]>([
    ['plan=pro', { plan: ['pro'] }],
    ['plan=', { plan: [''] }],
    ['plan!=pro', { plan: { not: ['pro'] } }],
    ['plan^=p', { plan: { startsWith: 'p' } }],
    ['seats>=3', { seats: { gte: 3 } }],
    ['seats<=-2.5', { seats: { lte: -2.5 } }],
    ['seats>=0', { seats: { gte: 0 } }],
  ])('%s is a condition', (condition, expected) => {
    expect(properties(condition)).toStrictEqual(expected);
  });

  it.each([
    ['a=b!=c', { a: ['b!=c'] }],
    ['a!=b=c', { a: { not: ['b=c'] } }],
    ['a^=>=c', { a: { startsWith: '>=c' } }],
    ['a=\nb', { a: ['\nb'] }],
    ['a\nb=c', { 'a\nb': ['c'] }],
    ['a b=c d', { 'a b': ['c d'] }],
  ])('%j is divided at its first operator', (condition, expected) => {
    expect(properties(condition)).toStrictEqual(expected);
  });

  it('takes one of several values, and conditions that all hold', () => {
    expect(properties('plan=pro', 'plan=free', 'seats>=1')).toStrictEqual({
      plan: ['pro', 'free'],
      seats: { gte: 1 },
    });
    expect(properties('a!=1', 'a!=2', 'a^=3', 'a>=4', 'a<=5', 'a!=6')).toStrictEqual({
      a: { not: ['1', '2', '6'], startsWith: '3', gte: 4, lte: 5 },
    });
    // Whatever the order.
    expect(properties('b<=1', 'b>=2', 'b^=3', 'b!=4')).toStrictEqual({
      b: { lte: 1, gte: 2, startsWith: '3', not: ['4'] },
    });
  });

  it.each(['', 'plan', '=pro', 'plan!pro', 'plan>3'])(
    'refuses %j without an operator or a key',
    (condition) => {
      expect(() => properties(condition)).toThrow('Expected KEY=VALUE');
    },
  );

  it.each(['n>=x', 'n<=', 'n>= ', 'n<=Infinity', 'n>=1,5'])(
    'refuses %j, which compares no number',
    (condition) => {
      expect(() => properties(condition)).toThrow('is not a number');
    },
  );

  it('refuses a value together with a condition', () => {
    expect(() => properties('n=1', 'n>=1')).toThrow(
      '--properties n= cannot be combined with conditions on n',
    );
  });
});

describe('--filter', () => {
  it('adds to the other options', () => {
    expect(filterOf('--user', '17', '--filter', '{"name":{"not":"view"}}')).toStrictEqual({
      user: '17',
      name: { not: 'view' },
    });
  });

  it.each([
    ['user', '--user', '17'],
    ['from', '--from', '2026-11-01'],
    ['properties', '--properties', 'shop=17'],
  ])('does not replace another option: %s', (field, ...option) => {
    expect(() => filterOf(...option, '--filter', JSON.stringify({ [field]: {} }))).toThrow(
      `${field} must not be given twice: as an option, and in --filter`,
    );
  });

  it.each(['[]', 'null', '1', '"x"', '{', ''])('refuses %j, which is no JSON object', (json) => {
    expect(() => filterOf('--filter', json)).toThrow('Expected a JSON object.');
  });
});
