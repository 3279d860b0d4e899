import type { CanActivate } from '@nestjs/common';
import fc from 'fast-check';
import { SESSION_PROPERTIES } from '../../lib/activity/session.js';
import { DIMENSIONS, INTERVALS, MEASURES } from '../../lib/statistics/statistics.types.js';
import { type Host, PAIRS, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

const everybody: CanActivate = { canActivate: () => true };

const FILTER = ['user', 'session', 'visit', 'path', 'name', 'from', 'to', 'ip'];
const QUESTION = [...FILTER, 'timeZone', 'entry', 'exit', 'referrer', ...SESSION_PROPERTIES];
QUESTION.push('utmSource', 'utmMedium', 'utmCampaign', 'utmTerm', 'utmContent', 'properties', 'bots');
const PAGE = ['limit', 'after', 'order'];
const RANGE = 'from=2026-01-01T00:00Z&to=2026-03-01T00:00Z';

/** As the server itself, or Fastify's router, answers. */
const TOO_LONG = [414, 431];

/** Each route with a query that it takes, and what else it may have. */
const ROUTES: [route: string, query: string, parameters: string[]][] = [
  ['activities', '', [...FILTER, ...PAGE]],
  ['stats/overview', RANGE, [...QUESTION, 'compareTo']],
  ['stats/series', `${RANGE}&measure=views&interval=day`, [...QUESTION, 'measure', 'interval']],
  [
    'stats/top',
    `${RANGE}&dimension=path&property=plan`,
    [...QUESTION, 'dimension', 'measure', 'limit', 'property', 'search'],
  ],
  ['stats/live', '', [...QUESTION, 'minutes']],
  ['stats/funnel', `${RANGE}&steps=[{"path":"/"},{"name":"bought"}]`, [...QUESTION, 'steps', 'within']],
  ['stats/retention', RANGE, [...QUESTION, 'period', 'by']],
  ['stats/journeys', RANGE, [...QUESTION, 'start', 'end', 'depth', 'limit']],
  ['stats/visits', RANGE, [...QUESTION, ...PAGE]],
];

const NUMBERS = ['', '0', '1', '-1', '-0', '1.5', '1e3', '1e309', '-Infinity', 'NaN', '0x10', '١', ' 7 '];
NUMBERS.push('1000', '1001', '2147483648', '9007199254740993', '99999999999999999999', '1e-7', '5;6');
const DATES = [
  '1970-01-01T00:00Z',
  '1970-01-01T00:00+00:01',
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00Z',
];
DATES.push('9999-12-31T23:59-23:59', '+275760-09-13T00:00:00.000Z', '2026-03-29T02:30', '2026-02-03', 'now');
DATES.push('2026-02-03T10:00:00.999999999999999999Z', '20260203T1000', '2026-02-30T00:00Z', '1738576800000');
const ZONES = [
  'UTC',
  'utc',
  'Etc/GMT+12',
  'Etc/GMT-14',
  'Pacific/Apia',
  'Africa/Monrovia',
  '+05:30',
  'local',
];
ZONES.push('system', 'Europe/berlin', 'EST5EDT', 'UTC+25', 'Australia/Lord_Howe', 'America/St_Johns', '..');
const MANY_PROPERTIES = JSON.stringify(
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
);
const JSONS = [
  '[]',
  '{}',
  '[{}]',
  '[[]]',
  '[null]',
  'null',
  '1',
  '"a"',
  '[{"path":1}]',
  '[{"path":"/","x":1}]',
];
JSONS.push('{"plan":{}}', '{"plan":null}', '{"__proto__":"a"}', '{"":""}', '{"plan":1e308}', '{"plan":-0}');
JSONS.push('{"a\\u0000":"b"}', '{"plan":"\\ud83e"}', '{"a.b\\"c[0]":true}', '{"$.a":9007199254740993}');
JSONS.push('[{"path":"/*"},{"path":"*"}]', '[{"name":"\\u0000"}]', '[{"path":["/"]}]', '['.repeat(500));
JSONS.push(MANY_PROPERTIES);
JSONS.push(JSON.stringify(Array.from({ length: 11 }, () => ({ path: '/' }))));
const TEXTS = [
  '*',
  '**',
  '/*',
  '/',
  'view',
  'null',
  '__proto__',
  'constructor',
  "' OR 1=1 --",
  '\\',
  '%',
  '_',
];
TEXTS.push(
  '\0',
  'a\0b',
  '\ufffe\uffff',
  '🦋',
  '\u{10ffff}',
  '\u{10ffff}*',
  '\ud7ff*',
  '::ffff:1.2.3.4',
  '1.2.3.4',
);
TEXTS.push(
  'fe80::1%eth0',
  ':1',
  '$1',
  '?',
  '{{',
  'true',
  'false',
  'asc',
  'desc',
  'previous',
  'year',
  '/',
  'ſ',
  'İ',
);
TEXTS.push('x'.repeat(3000), '🦋'.repeat(300), `${'/a'.repeat(1500)}*`);
/** What no text is the encoding of: a lone surrogate, half a character, no encoding at all. */
const BYTES = ['%ED%A0%BE', '%F0%9F', '%FF', '%', '%zz', '%00', '%C0%80', '+', '%2B%00*'];

const aHex = fc.constantFrom(...Array.from('0123456789abcdef-'));
const aCursor = fc
  .tuple(
    fc.constantFrom(
      '0',
      '1770091506789',
      '253402300799999',
      '253402300800000',
      '999999999999999',
      '-1',
      '1e9',
    ),
    fc.oneof(
      fc.uuid(),
      fc.string({ unit: aHex, minLength: 36, maxLength: 36 }),
      fc.constantFrom('f'.repeat(36), '-'.repeat(36), 'visit', 'a\0b', '\ufffd', "'", ''),
    ),
  )
  .map(([date, id]) => Buffer.from(`${date}.${id}`).toString('base64url'));

const aText = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 20 }));
const aScalar = fc.oneof(aText, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
const aDate = fc.oneof(
  fc.constantFrom(...DATES),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);

/** What a parameter is for, or nearly. */
const OF_KIND: Record<string, fc.Arbitrary<string>> = {
  from: aDate,
  to: aDate,
  timeZone: fc.constantFrom(...ZONES),
  after: aCursor,
  limit: fc.constantFrom(...NUMBERS),
  minutes: fc.constantFrom(...NUMBERS),
  within: fc.constantFrom(...NUMBERS),
  depth: fc.constantFrom('2', '8', ...NUMBERS),
  order: fc.constantFrom('asc', 'desc', 'ASC'),
  interval: fc.constantFrom(...INTERVALS),
  measure: fc.constantFrom(...MEASURES),
  dimension: fc.constantFrom(...DIMENSIONS),
  period: fc.constantFrom('day', 'week', 'month'),
  by: fc.constantFrom('user', 'session'),
  bots: fc.constantFrom('true', 'false', '1'),
  ip: fc.oneof(fc.ipV4(), fc.ipV6(), aText),
  compareTo: fc.oneof(
    fc.constantFrom('previous', 'year'),
    fc.tuple(aDate, aDate).map((dates) => dates.join('/')),
  ),
  properties: fc.oneof(
    fc.constantFrom(...JSONS),
    fc.dictionary(aText, aScalar, { maxKeys: 3 }).map((properties) => JSON.stringify(properties)),
  ),
  steps: fc.oneof(
    fc.constantFrom(...JSONS),
    fc
      .array(fc.oneof(fc.record({ path: aText }), fc.record({ name: aText, properties: fc.object() })), {
        maxLength: 4,
      })
      .map((steps) => JSON.stringify(steps)),
  ),
};

const anything = fc.oneof(
  ...[NUMBERS, DATES, ZONES, JSONS, TEXTS].map((texts) => fc.constantFrom(...texts)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);
const encoded = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  texts.map((text) => encodeURIComponent(text.toWellFormed()));
const aValue = fc.oneof(
  { weight: 9, arbitrary: encoded(anything) },
  { weight: 1, arbitrary: fc.constantFrom(...BYTES) },
);

/** A parameter once, twice, as an array, as an object. */
function aParameter(names: string[]): fc.Arbitrary<string> {
  const aPair = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom(...names).chain((name) => {
        const values = fc.oneof(
          { weight: 2, arbitrary: encoded(OF_KIND[name] ?? aText) },
          { weight: 1, arbitrary: aValue },
        );
        return values.map((value): [string, string] => [name, value]);
      }),
    },
    { weight: 1, arbitrary: fc.tuple(aValue, aValue) },
  );
  const aForm = fc.oneof(
    { weight: 8, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('[]', '[a]', '[__proto__]', '[0][b]', '&') },
  );
  return fc
    .tuple(aPair, aForm)
    .map(([[key, value], form]) =>
      form === '&' ? `${key}=${value}&${key}=${value}` : `${key}${form}=${value}`,
    );
}

/** The query with some of its parameters changed, and others added. */
const aRequest = fc.constantFrom(...ROUTES).chain(([route, query, parameters]) =>
  fc.array(aParameter(parameters), { minLength: 1, maxLength: 3 }).map((changes) => {
    const changed = changes.map((change) => change.split(/[=[]/, 1)[0]);
    const kept = query.split('&').filter((pair) => pair && !changed.includes(pair.split('=', 1)[0]));
    return `${route}?${[...kept, ...changes].join('&')}`;
  }),
);

const anErasure = fc
  .array(aParameter(FILTER), { minLength: 1, maxLength: 2 })
  .map((changes) => `activities?${changes.join('&')}`);
const anExport = anErasure.map((query) => query.replace('activities?', 'activities/export?format=csv&'));

const aFileName = aValue.filter((name) => name !== '');

/** What was answered 500 once. */
const FOUND_ONCE = [
  `activities?after=${Buffer.from(`1.${'f'.repeat(36)}`).toString('base64url')}`,
  `stats/overview?properties=${encodeURIComponent(MANY_PROPERTIES)}`,
  `stats/overview?${RANGE}&properties=${encodeURIComponent('{"a":"\\u0000"}')}`,
  `stats/funnel?${RANGE}&steps=${encodeURIComponent('[{"path":"/"},{"name":"a","properties":{"a":"\\u0000"}}]')}`,
  `stats/top?${RANGE}&dimension=path&search=%00`,
  `stats/top?${RANGE}&dimension=browser&search=%00`,
];

describe.each(PAIRS)('whatever is asked on $adapter and $database', ({ adapter, database }) => {
  let host: Host;

  beforeAll(async () => {
    const guards = [everybody];
    host = await startHost({ adapter, database, djaffar: { api: { guards }, dashboard: { guards } } });
    const visit = { session: 'a', visit: 'v' };
    for (const [minute, name] of ['view', 'view', 'bought'].entries()) {
      const date = `2026-02-03T10:0${minute}Z`;
      const properties = { plan: 'pro', price: 9.5 };
      await host.activities.track({ ...visit, date, name, path: `/${minute}`, properties, user: { id: 17 } });
    }
  });

  afterAll(() => host.close());

  const count = 120;

  it.each<[string, string, fc.Arbitrary<string>, string, number, string[]]>([
    ['of the API', '/djaffar/', aRequest, 'GET', count, FOUND_ONCE],
    ['of the dashboard', '/djaffar/dashboard/data/', aRequest, 'GET', count / 4, []],
    ['of an export', '/djaffar/dashboard/data/', anExport, 'GET', count / 4, []],
    ['of the files', '/djaffar/dashboard/assets/', aFileName, 'GET', count / 4, []],
    ['of an erasure', '/djaffar/dashboard/data/', anErasure, 'DELETE', count / 4, []],
  ])('%s is answered 200 or 400', async (what, path, queries, method, times, examples) => {
    const allowed = [200, what === 'of the files' ? 404 : 400, 400, ...TOO_LONG];
    await fc.assert(
      fc.asyncProperty(queries, async (query) => {
        const response = await host.fetch(path + query, { method });
        const text = await response.text();
        expect(allowed.includes(response.status) ? '' : `${response.status} ${text}`).toBe('');
      }),
      { ...runs(times), examples: examples.map((query) => [query]) },
    );
  });
});
