import { BadRequestException, type Type } from '@nestjs/common';
import {
  ActivitiesQuery,
  EraseQuery,
  ExportQuery,
  FilterQuery,
  queryPipe,
} from '../../lib/api/activities.query.js';
import { HealthQuery } from '../../lib/api/health.query.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  MeasureQuery,
  OverviewQuery,
  QuestionQuery,
  RetentionQuery,
  SeriesQuery,
  TopQuery,
  VisitsQuery,
} from '../../lib/api/statistics.query.js';

type Given = Record<string, unknown>;

/** Reads a query as a route with that class does. */
async function read(query: Type, given: unknown): Promise<unknown> {
  const found: unknown = await queryPipe.transform(given, { type: 'query', metatype: query });
  expect(found).toBeInstanceOf(query);
  return JSON.parse(JSON.stringify(found));
}

/** The errors of the answer 400, by parameter. */
async function errorsIn(query: Type, given: unknown): Promise<Record<string, string[]>> {
  try {
    await read(query, given);
    return {};
  } catch (error) {
    if (!(error instanceof BadRequestException)) throw error;
    const { errors }: { errors: Record<string, string[]> } = Object(error.getResponse());
    return errors;
  }
}

/** The parameters that the answer 400 names. */
const wrongIn = async (query: Type, given: unknown): Promise<string[]> =>
  Object.keys(await errorsIn(query, given));

/** Each class with the parameters that it must have, and those that it takes. */
const QUERIES: [name: string, query: Type, required: Given, texts: string[], numbers: string[]][] = [
  [
    'a filter of activities',
    FilterQuery,
    {},
    ['user', 'session', 'visit', 'path', 'page', 'route', 'name', 'subject', 'group', 'from', 'to', 'ip'],
    [],
  ],
  ['activities', ActivitiesQuery, {}, ['after'], ['limit']],
  ['an erasure', EraseQuery, {}, ['user'], []],
  ['an export', ExportQuery, { format: 'csv' }, ['after'], []],
  [
    'statistics',
    QuestionQuery,
    {},
    [
      'from',
      'to',
      'timeZone',
      'user',
      'session',
      'visit',
      'path',
      'route',
      'subject',
      'name',
      'group',
      'ip',
      'entry',
      'exit',
      'referrer',
      'utmSource',
      'utmMedium',
      'utmCampaign',
      'utmTerm',
      'utmContent',
      'browser',
      'system',
      'device',
      'country',
      'language',
    ],
    [],
  ],
  ['an overview', OverviewQuery, {}, ['compareTo'], []],
  ['a series', SeriesQuery, { measure: 'views', interval: 'day' }, ['measure'], []],
  ['a measure', MeasureQuery, { measure: 'sum(price)' }, ['measure'], []],
  ['the most frequent values', TopQuery, { dimension: 'path' }, ['measure', 'property', 'search'], ['limit']],
  ['current visitors', LiveQuery, {}, [], ['minutes']],
  ['retention', RetentionQuery, {}, [], []],
  ['journeys', JourneysQuery, {}, ['start', 'end'], ['depth', 'limit']],
  ['visits', VisitsQuery, {}, ['after'], ['limit']],
  ['health', HealthQuery, {}, [], ['hours']],
];

describe.each(QUERIES)('the query of %s', (_, query, required, texts, numbers) => {
  it('needs nothing but what is required', async () => {
    expect(await read(query, required)).toEqual(required);
    expect((await wrongIn(query, {})).toSorted()).toEqual(Object.keys(required).toSorted());
  });

  it('takes texts as they are, once each', async () => {
    for (const name of texts) {
      expect(await read(query, { ...required, [name]: 'some text' })).toEqual({
        ...required,
        [name]: 'some text',
      });
      expect(await wrongIn(query, { ...required, [name]: ['a', 'b'] })).toEqual([name]);
    }
  });

  it('takes whole numbers', async () => {
    for (const name of numbers) {
      expect(await read(query, { ...required, [name]: '12' })).toEqual({ ...required, [name]: 12 });
      for (const wrong of ['many', '1.5'])
        expect(await wrongIn(query, { ...required, [name]: wrong })).toEqual([name]);
    }
  });

  it('takes nothing that is unknown', async () => {
    expect(await wrongIn(query, { ...required, color: 'red', size: 'L' })).toEqual(['color', 'size']);
    expect(await wrongIn(query, { ...required, constructor: 'x' })).toEqual(['constructor']);
    expect(await wrongIn(query, JSON.parse('{"__proto__":"x","toString":"y"}'))).toEqual([
      '__proto__',
      'toString',
    ]);
  });
});

describe.each([
  ['activities', FilterQuery, ['properties', 'filter']],
  ['statistics', QuestionQuery, ['properties', 'filter']],
])('the query of %s', (_, query, names) => {
  it('takes conditions as JSON objects', async () => {
    for (const name of names) {
      const given = { plan: ['pro', 'team'] };
      expect(await read(query, { [name]: JSON.stringify(given) })).toEqual({ [name]: given });
      expect(await read(query, { [name]: given })).toEqual({ [name]: given });
      for (const wrong of ['plan', '5', '"a"', '[]', '{', ['{}']])
        expect(await wrongIn(query, { [name]: wrong })).toEqual([name]);
    }
  });
});

it.each([
  'user',
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
  'browser',
  'system',
  'device',
  'country',
  'language',
])('an empty %s asks statistics for visits without one', async (name) => {
  expect(await read(QuestionQuery, { [name]: '' })).toEqual({ [name]: null });
});

it.each([null, undefined])('a query that is %s has no parameters', async (given) => {
  expect(await read(FilterQuery, given)).toEqual({});
});

it('an empty path is no path that is missing', async () => {
  expect(await read(QuestionQuery, { path: '' })).toEqual({ path: '' });
  expect(await read(FilterQuery, { user: '' })).toEqual({ user: '' });
});

it('an error says what a parameter must be', async () => {
  expect(await errorsIn(QuestionQuery, { browser: ['a', 'b'], path: ['c'], constructor: 'd' })).toEqual({
    constructor: ['property constructor should not exist'],
  });
  expect(await errorsIn(QuestionQuery, { browser: ['a', 'b'], path: ['c'] })).toEqual({
    browser: ['browser must be a string'],
    path: ['path must be a string'],
  });
});

it.each<[Type, string, Given]>([
  [EraseQuery, 'keepAnonymous', {}],
  [ExportQuery, 'raw', { format: 'json' }],
  [ExportQuery, 'bom', { format: 'csv' }],
  [QuestionQuery, 'bots', {}],
])('%p takes true or false for %s', async (query, name, required) => {
  expect(await read(query, { ...required, [name]: 'true' })).toEqual({ ...required, [name]: true });
  expect(await read(query, { ...required, [name]: 'false' })).toEqual({ ...required, [name]: false });
  for (const wrong of ['yes', '1', '', ['true']])
    expect(await wrongIn(query, { ...required, [name]: wrong })).toEqual([name]);
});

it.each<[Type, string, Given, string[]]>([
  [ActivitiesQuery, 'order', {}, ['asc', 'desc']],
  [ExportQuery, 'format', {}, ['ndjson', 'csv', 'json']],
  [SeriesQuery, 'interval', { measure: 'views' }, ['minute', 'hour', 'day', 'week', 'month']],
  [TopQuery, 'dimension', {}, ['path', 'name', 'user', 'property']],
  [RetentionQuery, 'period', {}, ['day', 'week', 'month']],
  [RetentionQuery, 'by', {}, ['user', 'session']],
  [JourneysQuery, 'by', {}, ['path', 'route']],
  [VisitsQuery, 'order', {}, ['asc', 'desc']],
])('%p takes some values for %s', async (query, name, required, values) => {
  for (const value of values)
    expect(await read(query, { ...required, [name]: value })).toEqual({ ...required, [name]: value });
  for (const wrong of ['other', ''])
    expect(await wrongIn(query, { ...required, [name]: wrong })).toEqual([name]);
});

it('activities come in pages of 1 to 1,000, and health is that of 1 to 720 hours', async () => {
  for (const [query, name, max] of [
    [ActivitiesQuery, 'limit', 1000],
    [HealthQuery, 'hours', 720],
  ] as const) {
    for (const right of [1, max])
      expect(await read(query, { [name]: String(right) })).toEqual({ [name]: right });
    for (const wrong of [0, max + 1]) expect(await wrongIn(query, { [name]: String(wrong) })).toEqual([name]);
  }
});

it('a funnel has steps as a JSON array of objects, and a time that may have a fraction', async () => {
  const steps = [{ path: '/' }, { name: 'bought' }];
  expect(await read(FunnelQuery, { steps: JSON.stringify(steps), within: '1.5' })).toEqual({
    steps,
    within: 1.5,
  });
  for (const wrong of ['none', '{}', '[1]', '[{},null]', '["a"]', undefined])
    expect(await wrongIn(FunnelQuery, { steps: wrong })).toEqual(['steps']);
  expect(await wrongIn(FunnelQuery, { steps: '[{}]', within: 'long' })).toEqual(['within']);
});
