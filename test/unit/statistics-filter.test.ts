import { ACTIVITY_FIELDS, parseFilter, splitByUser } from '../../lib/activity/activity.filter.js';
import { matchesNone } from '../../lib/activity/condition.js';
import { type FunnelStep, InvalidFilterError } from '../../lib/index.js';
import {
  isOfActivities,
  isOfVisits,
  nameIn,
  parseFunnelSteps,
  parseStatisticsFilter,
  STATISTICS_FIELDS,
} from '../../lib/statistics/statistics-filter.js';

/** What another program sends need not have the types. */
const parseAny = (filter: object): unknown => parseStatisticsFilter(filter);
const parseAnyFilter = (filter: object): unknown => parseFilter(filter);
const parseAnySteps = (steps: unknown): unknown => parseFunnelSteps(steps as []);

const stepsOf = (count: number): FunnelStep[] => Array.from({ length: count }, () => ({ path: '/' }));

const TEXTS = ['path', 'route', 'name', 'session', 'visit', 'user'] as const;
const PATHS = ['entry', 'exit'] as const;
const SOURCES = ['utmSource', 'utmMedium', 'utmCampaign', 'utmTerm', 'utmContent'] as const;
const SESSIONS = ['browser', 'system', 'device', 'country', 'language'] as const;
const SUBJECTS = ['subject', 'group'] as const;

describe('a filter of the statistics', () => {
  it.each([...TEXTS, ...PATHS, ...SOURCES, ...SESSIONS, 'referrer', ...SUBJECTS])(
    'has a value of %s, any of several, none of several, or a beginning',
    (field) => {
      const [a, b] = ['order:1', 'order:2'];
      expect(parseAny({ [field]: a })).toEqual({ [field]: a });
      expect(parseAny({ [field]: [a] })).toEqual({ [field]: a });
      expect(parseAny({ [field]: [a, b, a] })).toEqual({ conditions: [{ field, anyOf: [a, b] }] });
      expect(parseAny({ [field]: { not: a } })).toEqual({ conditions: [{ field, noneOf: [a] }] });
      const both = { not: [a, b], startsWith: 'o' };
      expect(parseAny({ [field]: both })).toEqual({
        conditions: [{ field, noneOf: [a, b], startsWith: 'o' }],
      });
      expect(parseAny({ [field]: { startsWith: 'o' } })).toEqual({
        conditions: [{ field, startsWith: 'o' }],
      });
      expect(parseAny({ [field]: undefined })).toEqual({});
      for (const wrong of ['', 7, true, 'a\0', '\ud800', [], {}, new Date(0), { gte: 1 }, { startsWith: '' }])
        expect(() => parseAny({ [field]: wrong })).toThrow(InvalidFilterError);
      for (const wrong of [{ not: [] }, { startsWith: 5 }, { startsWith: 'a\0' }, { not: undefined }, [7]])
        expect(() => parseAny({ [field]: wrong })).toThrow(InvalidFilterError);
      expect(STATISTICS_FIELDS).toContain(field);
    },
  );

  it.each([...SOURCES, ...SESSIONS, 'referrer'])('has null for what has no %s', (field) => {
    expect(parseAny({ [field]: null })).toEqual({ [field]: null });
    expect(parseAny({ [field]: [null, 'a'] })).toEqual({ conditions: [{ field, anyOf: [null, 'a'] }] });
    expect(parseAny({ [field]: { not: null } })).toEqual({ conditions: [{ field, noneOf: [null] }] });
  });

  it.each([...PATHS, 'path', 'route', 'name', 'session', 'visit', 'subject', 'group', 'ip'])(
    'has no null for %s, which all have or which cannot be asked for',
    (field) => {
      expect(() => parseAny({ [field]: null })).toThrow(InvalidFilterError);
    },
  );

  it('has null for nobody, and not null for anybody', () => {
    expect(parseStatisticsFilter({ user: null })).toEqual({ user: null });
    const anybody = { conditions: [{ field: 'user', noneOf: [null] }] };
    expect(parseStatisticsFilter({ user: { not: null } })).toEqual(anybody);
    for (const user of [{ not: null, startsWith: 'a' }, { not: [null] }, [null]])
      expect(() => parseAny({ user })).toThrow(InvalidFilterError);
  });

  it('compares only the one spelling of hosts', () => {
    const expected = { referrer: 'bücher.example' };
    expect(parseStatisticsFilter({ referrer: 'XN--BCHER-KVA.example.' })).toEqual(expected);
    expect(parseStatisticsFilter({ utmSource: 'XN--BCHER-KVA.example.' })).toEqual({
      utmSource: 'XN--BCHER-KVA.example.',
    });
  });

  it('counts bots only if they are asked for', () => {
    expect(parseStatisticsFilter({ bots: true })).toEqual({ bots: true });
    expect(parseStatisticsFilter({ bots: false })).toEqual({});
    for (const bots of ['true', 1, null]) expect(() => parseAny({ bots })).toThrow(InvalidFilterError);
  });

  it('takes the range and the time zone of a question, and leaves them to others', () => {
    expect(parseAny({ from: 'yesterday', to: '', timeZone: 'Europe/Berlin', path: '/' })).toEqual({
      path: '/',
    });
    for (const field of ['from', 'to', 'timeZone', 'bots']) expect(STATISTICS_FIELDS).not.toContain(field);
    expect(STATISTICS_FIELDS).toEqual(expect.arrayContaining(['ip', 'properties']));
  });

  it.each(['page', 'constructor', 'Path', ''])('has no property %j', (property) => {
    expect(() => parseAny({ [property]: 'a' })).toThrow(`is not known; allowed: user, path, `);
    expect(() => parseAny({ [property]: undefined })).toThrow(InvalidFilterError);
  });

  it('puts conditions together', () => {
    const filter = { name: ['a', 'b'], entry: { not: '/' }, browser: [null, 'Firefox'], path: '/x' };
    expect(parseStatisticsFilter({ ...filter, properties: { plan: 'pro' } })).toEqual({
      path: '/x',
      conditions: [
        { field: 'name', anyOf: ['a', 'b'] },
        { field: 'properties', key: 'plan', anyOf: ['pro'] },
        { field: 'entry', noneOf: ['/'] },
        { field: 'browser', anyOf: [null, 'Firefox'] },
      ],
    });
  });

  it('is about visits if all activities of a visit match or none', () => {
    const ofVisits = [...PATHS, ...SOURCES, ...SESSIONS, 'referrer', 'session', 'visit'] as const;
    for (const field of ofVisits)
      expect([isOfVisits({ field }), isOfActivities({ field })]).toEqual([true, false]);
    for (const field of ['path', 'name', 'route', 'user', 'ip', 'subject', 'group', 'properties'] as const)
      expect([isOfVisits({ field }), isOfActivities({ field })]).toEqual([false, true]);
  });

  it('has one name, any, or several', () => {
    expect(nameIn({ name: 'view' })).toBe('view');
    expect(nameIn({})).toBeUndefined();
    expect(nameIn({ conditions: [{ field: 'path', noneOf: ['/'] }] })).toBeUndefined();
    const several = { field: 'name', anyOf: ['a', 'b'] } as const;
    expect(nameIn({ conditions: [{ field: 'path', noneOf: ['/'] }, several] })).toBeNull();
  });
});

describe('the steps of a funnel', () => {
  it('are 1 to 10, each of a path, a route, a name or properties', () => {
    const steps = [
      { path: '/a' },
      { route: '/a/:id' },
      { name: 'buy', path: undefined },
      { properties: { plan: 'pro' } },
    ];
    expect(parseFunnelSteps(steps)).toEqual([
      { path: '/a' },
      { route: '/a/:id' },
      { name: 'buy' },
      { conditions: [{ field: 'properties', key: 'plan', anyOf: ['pro'] }] },
    ]);
    expect(parseFunnelSteps(stepsOf(10))).toHaveLength(10);
    for (const wrong of [[], stepsOf(11), { length: 1 }, undefined])
      expect(() => parseAnySteps(wrong)).toThrow('must be 1 to 10 steps');
  });

  it.each([{}, { path: undefined }, { user: '1' }, { path: '/', user: '1' }])('are not %j', (step) => {
    expect(() => parseAnySteps([{ path: '/' }, step])).toThrow('steps.1');
  });
});

describe('a filter of activities', () => {
  it.each([...TEXTS, 'page', ...SUBJECTS])('has a value of %s, or conditions', (field) => {
    expect(parseAnyFilter({ [field]: 'order:1' })).toEqual({ [field]: 'order:1' });
    const conditions = [{ field, noneOf: ['order:1'] }];
    expect(parseAnyFilter({ [field]: { not: 'order:1' } })).toEqual({ conditions });
    expect(() => parseAnyFilter({ [field]: 17 })).toThrow(InvalidFilterError);
    expect(() => parseAnyFilter({ [field]: '' })).toThrow(InvalidFilterError);
    expect(ACTIVITY_FIELDS).toContain(field);
  });

  it.each([...TEXTS, 'page', ...SUBJECTS, 'ip'])('has an error that begins with its field: %s', (field) => {
    expect(() => parseAnyFilter({ [field]: '' })).toThrow(`${field} must be `);
    expect(() => parseAnyFilter({ [field]: { not: [] } })).toThrow(`${field}.not must have `);
    expect(() => parseAnyFilter({ [field]: { startsWith: '' } })).toThrow(`${field}.startsWith must be `);
  });

  it.each([
    [{ a: null }, 'properties.a must be '],
    [{ '': 1 }, 'properties must be '],
    [{ a: { not: [] } }, 'properties.a.not must have '],
    [{ a: { startsWith: '' } }, 'properties.a.startsWith must be '],
    [{ a: { gte: '1' } }, 'properties.a.gte must be '],
    [{ a: { lte: '1' } }, 'properties.a.lte must be '],
  ])('has an error that begins with the property: %j', (properties, message) => {
    expect(() => parseAnyFilter({ properties })).toThrow(message);
  });

  it.each([...TEXTS, 'page', ...SUBJECTS, 'ip'])('has no list as one of several values of %s', (field) => {
    const value = field === 'ip' ? '10.0.0.1' : 'order:1';
    expect(() => parseAnyFilter({ [field]: [[value]] })).toThrow(InvalidFilterError);
    expect(() => parseAnyFilter({ [field]: { not: [[value]] } })).toThrow(InvalidFilterError);
  });

  it.each(SUBJECTS)('has a pair as the %s, which is no list', (field) => {
    expect(parseFilter({ [field]: ['order', 17] })).toEqual({ [field]: 'order:17' });
    expect(parseFilter({ [field]: ['order:17', 'order:18'] })).toEqual({
      conditions: [{ field, anyOf: ['order:17', 'order:18'] }],
    });
  });

  it('has the address as it is stored', () => {
    expect(parseFilter({ ip: '2001:DB8::0:1' })).toEqual({ ip: '2001:db8::1' });
    for (const ip of ['localhost', '', 7, '1.2.3'])
      expect(() => parseAnyFilter({ ip })).toThrow(InvalidFilterError);
  });

  it('has a range: a day alone begins it, or ends it with its end', () => {
    const [from, to] = [Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)];
    expect(parseFilter({ from: '2026-11-01', to: '2026-11-01' })).toEqual({ from, to });
    expect(parseFilter({ from: new Date(from), to: '2026-11-02T00:00Z' })).toEqual({ from, to });
    for (const wrong of ['today', new Date(Number.NaN), 7, null, ['2026-11-01']]) {
      expect(() => parseAnyFilter({ from: wrong })).toThrow(InvalidFilterError);
      expect(() => parseAnyFilter({ to: wrong })).toThrow(InvalidFilterError);
    }
  });

  it('has properties: as text, any of several, none of several, a beginning, and numbers between two', () => {
    const field = 'properties';
    expect(parseFilter({ properties: { a: 5, b: true, c: ['x', 1, 1], d: 'y' } }).conditions).toEqual([
      { field, key: 'a', anyOf: ['5'] },
      { field, key: 'b', anyOf: ['true'] },
      { field, key: 'c', anyOf: ['x', '1'] },
      { field, key: 'd', anyOf: ['y'] },
    ]);
    const between = { not: [7, '8'], startsWith: '1', gte: 0, lte: -0.5 };
    expect(
      parseFilter({ properties: { a: between, b: { not: 1 }, c: { gte: 1 }, d: { lte: 1 } } }).conditions,
    ).toEqual([
      { field, key: 'a', noneOf: ['7', '8'], startsWith: '1', gte: 0, lte: -0.5 },
      { field, key: 'b', noneOf: ['1'] },
      { field, key: 'c', gte: 1 },
      { field, key: 'd', lte: 1 },
    ]);
    expect(parseFilter({ properties: {} })).toEqual({});
    for (const wrong of [
      null,
      {},
      [],
      [null],
      { gt: 1 },
      { gte: '1' },
      { gte: Infinity },
      { lte: null },
      { startsWith: '' },
    ])
      expect(() => parseAnyFilter({ properties: { a: wrong } })).toThrow(InvalidFilterError);
    for (const wrong of [
      'a\0',
      { not: 'a\0' },
      { not: [] },
      { gte: undefined },
      Array.from({ length: 101 }, () => 'a'),
    ])
      expect(() => parseAnyFilter({ properties: { a: wrong } })).toThrow(InvalidFilterError);
    for (const properties of ['a', null, [], { '': 'a' }])
      expect(() => parseAnyFilter({ properties })).toThrow(InvalidFilterError);
  });

  it('has at most 20 properties and lists of 100 values', () => {
    const keys = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
    expect(parseAnyFilter({ properties: keys(20) })).toMatchObject({ conditions: { length: 20 } });
    expect(() => parseAnyFilter({ properties: keys(21) })).toThrow('at most 20 keys');
    const values = Array.from({ length: 101 }, (_, i) => `${i}`);
    expect(parseFilter({ name: values.slice(1) }).conditions?.[0]?.anyOf).toHaveLength(100);
    expect(() => parseFilter({ name: values })).toThrow(InvalidFilterError);
  });

  it.each(['bots', 'entry', 'toString', ''])('has no property %j', (property) => {
    expect(() => parseAnyFilter({ [property]: 'a' })).toThrow(
      'is not known; allowed: user, session, visit, route',
    );
    expect(() => parseAnyFilter({ [property]: undefined })).toThrow(InvalidFilterError);
  });

  it('names what is wrong with an id that is a number', () => {
    expect(() => parseAnyFilter({ user: 17 })).toThrow(`'17'`);
  });

  it('is divided into what it says of users and the rest, if it selects users', () => {
    const scope = [{ filter: {}, properties: new Map([['a', 'b']]) }];
    const ofName = { field: 'name', anyOf: ['a', 'b'] } as const;
    const ofUser = { field: 'user', anyOf: ['1', '2'] } as const;
    expect(splitByUser({ path: '/', conditions: [ofName] })).toBeUndefined();
    expect(splitByUser({ conditions: [{ field: 'user', noneOf: ['1'] }] })).toBeUndefined();
    expect(splitByUser({ user: '1', path: '/' })).toEqual({
      ofUser: { user: '1', conditions: [] },
      others: { path: '/', conditions: [] },
    });
    expect(splitByUser({ path: '/', conditions: [ofName, ofUser], scope })).toEqual({
      ofUser: { user: undefined, conditions: [ofUser], scope },
      others: { path: '/', conditions: [ofName], scope },
    });
  });

  it('matches what has no value by what it does not exclude alone', () => {
    expect(
      [{}, { anyOf: [null] }, { noneOf: ['a'] }, { anyOf: [null, 'a'], noneOf: ['b'] }].map(matchesNone),
    ).toEqual([true, true, true, true]);
    const others = [{ anyOf: ['a'] }, { noneOf: [null] }, { startsWith: 'a' }, { gte: 0 }, { lte: 0 }];
    expect(others.map(matchesNone)).toEqual([false, false, false, false, false]);
  });
});
