import fc from 'fast-check';
import { mmdb } from '../../lib/geo/mmdb.js';
import { MAX_TIMER } from '../../lib/time/time-limit.js';
import {
  checkForRoot,
  checkForRootAsync,
  toRegistration,
  toRetention,
  toSettings,
} from '../../lib/options/validation.js';
import { OPTION_RULES } from '../../lib/options/rules.js';
import { DEFAULTS, REGISTRATION_DEFAULTS } from '../../lib/options/settings.js';

class Guard {
  canActivate(): boolean {
    return true;
  }
}

const secretOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes).toString('base64')}`;
const SECRET = secretOf(24);
const LONG_SECRET = 'x'.repeat(32);
const MAX = Number.MAX_SAFE_INTEGER;

const subscribe = (options: object): object => ({
  subscriptions: [{ name: 'a', handler: String, ...options }],
});
const hook = (options: object): object => ({
  webhooks: [{ url: 'https://x', secret: SECRET, ...options }],
});

describe('the options', () => {
  it.each([
    undefined,
    null,
    {},
    { guards: undefined, session: { maxAge: undefined }, writer: {} },
    { session: undefined, writer: undefined, retention: undefined },
    { subscriptions: undefined, webhooks: undefined },
  ])('%j are the defaults', (given) => {
    expect(toSettings(given)).toEqual(DEFAULTS);
    expect(toRegistration({ path: undefined })).toEqual(REGISTRATION_DEFAULTS);
  });

  it('beat the defaults one by one', () => {
    const given = { ip: 'none', session: { id: String }, writer: { timeout: 1 }, api: { guards: [Guard] } };
    expect(toSettings(given)).toEqual({
      ...DEFAULTS,
      ip: 'none',
      session: { ...DEFAULTS.session, id: String },
      writer: { ...DEFAULTS.writer, timeout: 1 },
      api: { guards: [Guard] },
    });
  });

  it.each<[string, object]>([
    ['a guard class and an instance', { guards: [Guard, new Guard()] }],
    ['the least time of a session', { session: { maxAge: 1000 } }],
    ['a session of the browser', { session: { maxAge: 'browser' } }],
    ['no country', { geo: false }],
    ['the headers of a CDN', { geo: 'headers' }],
    ['a database of countries', { geo: mmdb('countries.mmdb') }],
    ['functions', { user: () => null, transform: () => null }],
  ])('may be %s', (_, given) => {
    expect(toSettings(given)).toMatchObject(given);
  });

  it.each<[unknown, string[]]>([
    ['guards', ['what was given', "'guards'", 'an object']],
    [[], ['what was given', '[]', 'an object']],
    [{ guard: [Guard] }, ['"guard"', 'not known', 'guards']],
    [{ constructor: 1 }, ['"constructor"', 'not known']],
    [{ guards: Guard }, ['"guards"', '[class Guard]', 'array']],
    [{ guards: ['jwt'] }, ['"guards"', 'array of guards']],
    [{ guards: [undefined] }, ['"guards"', 'array of guards']],
    [{ rejectedCredentials: 'ignore' }, ['"rejectedCredentials"', "'ignore'", "'reject' or 'anonymous'"]],
    [{ rejectedCredentials: ['reject'] }, ['"rejectedCredentials"', "[ 'reject' ]", "'reject'"]],
    [{ ip: 'hashed' }, ['"ip"', "'hashed'", "'full' or 'masked' or 'none'"]],
    [{ ip: ['none'] }, ['"ip"', "[ 'none' ]", "'none'"]],
    [{ ip: null }, ['"ip"', 'null']],
    [{ ip: Object.create(null) }, ['"ip"', "'full'"]],
    [{ geo: true }, ['"geo"', 'true', "'headers', mmdb('….mmdb'), or false"]],
    [{ geo: 'countries.mmdb' }, ['"geo"', "'countries.mmdb'"]],
    [{ geo: { open() {} } }, ['"geo"', 'open']],
    [{ geo: null }, ['"geo"', 'null']],
    [{ session: null }, ['"session"', 'null', 'an object']],
    [{ session: { maxAge: 999 } }, ['"session.maxAge"', '999', "1000, or 'browser'"]],
    [{ session: { maxAge: '14d' } }, ['"session.maxAge"', "'14d'"]],
    [{ session: { maxAge: Infinity } }, ['"session.maxAge"', 'Infinity']],
    [
      { session: { cookie: {} } },
      ['"session.cookie"', 'not known', 'maxAge, absoluteMaxAge, sameSite, claim, id'],
    ],
    [{ session: { sameSite: 'strict' } }, ['"session.sameSite"', "'strict'", "'lax' or 'none'"]],
    [{ page: '/' }, ['"page"', "'/'", 'a function']],
    [{ database: {} }, ['"database" has no url, and no type', 'better-sqlite3']],
    [{ database: { url: undefined } }, ['"database" has a url that is undefined', 'postgres:']],
    [{ database: { url: 'sqlite:app.sqlite' } }, ["has a url that begins with 'sqlite:';", 'better-sqlite3']],
    [{ database: { url: '//user:hunter@host/app' } }, ['"database" has a url without a scheme;']],
    [{ store: 'clickhouse' }, ['"store"', "'clickhouse'", 'create()']],
    [{ store: {} }, ['"store"', '{}', 'create()']],
    [{ api: {} }, ['"api.guards" is missing', 'at least one guard']],
    [{ path: 'tracking' }, ['"path" belongs beside the factory: forRootAsync({ path: …, useFactory']],
    [{ decorators: [] }, ['"decorators" belongs beside the factory']],
    [{ api: { guards: [] } }, ['"api.guards"', '[]', 'at least one guard']],
    [{ api: true }, ['"api"', 'true', 'an object']],
    [{ dashboard: { guards: [] } }, ['"dashboard.guards"', '[]', 'at least one guard']],
    [{ dashboard: true }, ['"dashboard"', 'true', 'an object']],
    [
      { dashboard: { guards: [Guard], timeZone: 'Mars/Phobos' } },
      ['"dashboard.timeZone"', 'Mars/Phobos', 'an IANA time zone'],
    ],
    [{ writer: { maxBatch: 0 } }, ['"writer.maxBatch"', '0', 'a whole number from 1']],
    [{ writer: { timeout: 1.5 } }, ['"writer.timeout"', '1.5']],
    [{ user: 'id' }, ['"user"', "'id'", 'a function']],
    [{ transform: {} }, ['"transform"', '{}', 'a function']],
    [{ subscriptions: {} }, ['"subscriptions"', '{}', 'an array of objects']],
    [
      { subscriptions: [{ name: 'a b', handler: String }] },
      ['"subscriptions[0].name"', "'a b'", '1 to 64 letters'],
    ],
    [{ subscriptions: [{ name: 'a' }] }, ['"subscriptions[0].handler" is missing', 'a function']],
    [
      { subscriptions: ['a', 'a'].map((name) => ({ name, handler: String })) },
      ['"subscriptions"', "has two of the name 'a'", 'a name of its own'],
    ],
    [
      { subscriptions: [{ name: 'a', handler: String, filter: { names: 'x' } }] },
      ['"subscriptions[0].filter"', 'names is not known', 'a filter without dates'],
    ],
    [
      { subscriptions: [{ name: 'a', handler: String, lease: 999 }] },
      ['"subscriptions[0].lease"', '999', 'from 1000'],
    ],
    ...[{ a: 'b\n' }, { 'a b': 'c' }, { a: 'é✓' }].map((headers): [unknown, string[]] => [
      { webhooks: [{ url: 'https://x', secret: SECRET, headers }] },
      ['"webhooks[0].headers" is wrong (a secret is not shown)', 'as HTTP allows them'],
    ]),
    [
      { webhooks: [{ url: 'ftp://x', secret: SECRET }] },
      ['"webhooks[0].url" is wrong (a secret is not shown)', 'https:'],
    ],
    [
      { webhooks: [{ url: 'https://x', secret: 'short' }] },
      ['"webhooks[0].secret" is wrong (a secret is not shown)', "'whsec_'"],
    ],
    [
      { webhooks: [{ url: 'http://x', secret: SECRET }] },
      ['"webhooks[0].url" is not encrypted', '"webhooks[0].privateAddresses"'],
    ],
    [
      { webhooks: [1, 2].map(() => ({ url: 'https://x', secret: SECRET })) },
      ['"webhooks" has a url twice', 'a name of its own'],
    ],
    [
      {
        subscriptions: [{ name: 'a', handler: String }],
        webhooks: [{ name: 'a', url: 'https://x', secret: SECRET }],
      },
      ['"webhooks[0].name"', "'a'", 'a name that no subscription has'],
    ],
    [{ unknownEvents: 'reject' }, ['"unknownEvents"', "'reject'", 'only with the option "events"']],
  ])('%j fail with a message that names the option, what was given and what is allowed', (given, parts) => {
    const fault = faultOf(() => toSettings(given));
    for (const part of ['DjaffarModule: ', ...parts]) expect(fault).toContain(part);
  });

  it('keep a secret to themselves', () => {
    for (const [secret, reason] of [
      ['hunter two', 'is too short (10 characters)'],
      [['x'.repeat(32), 'hunter two'], 'is too short (10 characters)'],
      [[], 'is wrong (a secret is not shown)'],
      [5, 'is wrong (a secret is not shown)'],
      [undefined, 'is missing'],
    ]) {
      const fault = faultOf(() => toSettings({ dashboard: { guards: [Guard], session: { secret } } }));
      expect(fault).toContain(`"dashboard.session.secret" ${String(reason)}; allowed: a text of at least 32`);
      expect(fault).not.toContain('hunter');
    }
    const session = { secret: ['x'.repeat(32), 'y'.repeat(40)], maxAge: 1000 };
    expect(toSettings({ dashboard: { guards: [Guard], session } }).dashboard).toMatchObject({ session });
  });

  it('fail with one message for all that is wrong', () => {
    const fault = faultOf(() => toSettings({ ip: 1, writer: { timeout: 0, speed: 1 } }));
    for (const option of ['"ip"', '"writer.timeout"', '"writer.speed"']) expect(fault).toContain(option);
  });

  it('fail with only that message, whatever is given', () => {
    const value = fc.anything({ withBigInt: true, withNullPrototype: true });
    const keys = [
      'guards',
      'rejectedCredentials',
      'requestContext',
      'requests',
      'events',
      'unknownEvents',
      'traceProperty',
      'session',
      'ip',
      'api',
      'dashboard',
      'writer',
      'statistics',
      'user',
      'transform',
    ];
    const given = fc.dictionary(fc.constantFrom(...keys), value, { minKeys: 1 });
    fc.assert(
      fc.property(fc.oneof(given, value), (options) => {
        const fault = faultOf(() => toSettings(options));
        expect(fault === undefined || fault.startsWith('DjaffarModule: ')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Each option with values that it takes, and with values that it does not take. */
const VALUES: [option: string, create: (value: unknown) => object, taken: unknown[], refused: unknown[]][] = [
  ['guards', (guards) => ({ guards }), [[]], [null, {}, [null], [{}], [{ canActivate: true }]]],
  ['api.guards', (guards) => ({ api: { guards } }), [[Guard]], [undefined, [], Guard, [Guard, 5]]],
  ['api.scope', (scope) => ({ api: { guards: [Guard], scope } }), [String], ['tenant']],
  [
    'dashboard.session.secret',
    (secret) => ({ dashboard: { guards: [Guard], session: { secret } } }),
    [LONG_SECRET, [LONG_SECRET, LONG_SECRET]],
    [undefined, null, 'x'.repeat(31), [], [LONG_SECRET, 'x'], [LONG_SECRET, 5]],
  ],
  [
    'dashboard.session.maxAge',
    (maxAge) => ({ dashboard: { guards: [Guard], session: { secret: LONG_SECRET, maxAge } } }),
    [1000, MAX_TIMER],
    [999, MAX_TIMER + 1, '1000'],
  ],
  [
    'dashboard.timeZone',
    (timeZone) => ({ dashboard: { guards: [Guard], timeZone } }),
    ['Europe/Berlin', 'UTC'],
    ['', 5, null, ['UTC']],
  ],
  ['rejectedCredentials', (value) => ({ rejectedCredentials: value }), ['reject', 'anonymous'], ['', 5]],
  ['requestContext', (requestContext) => ({ requestContext }), [true, false], ['true', 1, null]],
  [
    'requests.methods',
    (methods) => ({ requests: { methods } }),
    [['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']],
    [undefined, [], 'GET', ['get'], ['GET', 'TRACE'], [5]],
  ],
  [
    'requests.status',
    (status) => ({ requests: { methods: ['GET'], status } }),
    ['success', 'always'],
    ['', 200],
  ],
  [
    'events',
    (events) => ({ events }),
    [{}, { 'order.paid': Guard }],
    [null, [], '', 'x', 5, { a: Guard, b: 'B' }],
  ],
  [
    'unknownEvents',
    (unknownEvents) => ({ events: {}, unknownEvents }),
    ['accept', 'mark', 'reject'],
    ['ignore'],
  ],
  [
    'traceProperty',
    (traceProperty) => ({ traceProperty }),
    ['traceId', 'a-b_C9', 'x'.repeat(64)],
    ['', 'x'.repeat(65), 'a b', 'ä', '-\n', '__proto__', 5],
  ],
  ['session.maxAge', (maxAge) => ({ session: { maxAge } }), [1000, MAX, 'browser'], [999, MAX + 1, 'tab']],
  [
    'session.absoluteMaxAge',
    (value) => ({ session: { absoluteMaxAge: value } }),
    [1000, MAX],
    [999, 'browser'],
  ],
  ['session.sameSite', (sameSite) => ({ session: { sameSite } }), ['lax', 'none'], ['Lax']],
  ['session.claim', (claim) => ({ session: { claim } }), ['visit', 'session'], ['user']],
  ['session.id', (id) => ({ session: { id } }), [String], ['id']],
  ['privacy', (privacy) => ({ privacy }), ['identified', 'cookieless', 'cnil', String], ['full', null]],
  ['cookieless.rotate', (rotate) => ({ cookieless: { rotate } }), ['day', 'week', 'month'], ['year']],
  ['consent', (consent) => ({ consent }), [String], [true]],
  [
    'withoutConsent',
    (withoutConsent) => ({ consent: String, withoutConsent }),
    ['cookieless', 'nothing'],
    ['identified'],
  ],
  ['onWithdrawal', (value) => ({ consent: String, onWithdrawal: value }), ['keep', 'erase'], ['forget']],
  ['respect', (respect) => ({ respect }), ['anonymise', 'drop', 'ignore'], ['dnt']],
  ['ip', (ip) => ({ ip }), ['full', 'masked', 'none'], ['hashed']],
  [
    'geo',
    (geo) => ({ geo }),
    ['headers', false, { open: String, countryOf: String }],
    [true, null, {}, 'x', { open: String }, { countryOf: String }, { open: 1, countryOf: String }],
  ],
  ['geo', (geo) => ({ geo }), [], [{ open: String, countryOf: 1 }]],
  ['scrub', (scrub) => ({ scrub }), [[], ['token', '*ending', 'ä', '1']], ['token', [''], ['*'], ['a', 5]]],
  ['retention.keep', (keep) => ({ retention: { keep } }), ['25 months', '1 day'], ['long', 5, null]],
  [
    'retention.names',
    (names) => ({ retention: { names } }),
    [{}, { engagement: '90 days' }],
    [null, [], '', '90 days', 5, { a: '1 day', b: 'long' }],
  ],
  ['retention.anonymiseAfter', (value) => ({ retention: { anonymiseAfter: value } }), ['1 day'], ['soon']],
  [
    'retention.anonymiseProperties',
    (keys) => ({ retention: { anonymiseAfter: '1 day', anonymiseProperties: keys } }),
    [[], ['phone']],
    ['phone', [5], ['phone', null]],
  ],
  [
    'retention.figures',
    (figures) => ({ retention: { keep: '1 day', figures } }),
    ['keep', 'erase'],
    ['forget'],
  ],
  [
    'database',
    (database) => ({ database }),
    [
      { type: 'better-sqlite3' },
      { url: 'postgres://a' },
      { url: 'postgresql://a' },
      { url: 'mysql://a' },
      { url: 'mariadb://a' },
    ],
    [
      null,
      'postgres://a',
      {},
      { type: 5 },
      { url: 5 },
      { url: ['postgres://a'] },
      { url: 'x-postgres://a' },
      { url: 'postgres' },
    ],
  ],
  ['store', (store) => ({ store }), [{ create: String }], [null, 'x', {}, { create: 1 }]],
  ...['maxWaiting', 'maxBatch', 'concurrency', 'timeout'].map((name): (typeof VALUES)[number] => [
    `writer.${name}`,
    (value) => ({ writer: { [name]: value } }),
    [1, MAX_TIMER],
    [0, -1, 1.5, MAX_TIMER + 1, '1', Number.NaN, null],
  ]),
  ...['concurrency', 'timeout', 'statementTimeout'].map((name): (typeof VALUES)[number] => [
    `statistics.${name}`,
    (value) => ({ statistics: { [name]: value } }),
    [1],
    [0],
  ]),
  ['statistics.maxWait', (maxWait) => ({ statistics: { maxWait } }), [0], [-1]],
  ...['background', 'replica'].map((name): (typeof VALUES)[number] => [
    `statistics.${name}`,
    (value) => ({ statistics: { [name]: value } }),
    [true, false],
    [1],
  ]),
  ...['page', 'user', 'group', 'transform'].map((name): (typeof VALUES)[number] => [
    name,
    (value) => ({ [name]: value }),
    [String],
    ['x', {}],
  ]),
  ['subscriptions', (subscriptions) => ({ subscriptions }), [[]], [null, {}, 'x']],
  [
    'subscriptions[0].name',
    (name) => subscribe({ name }),
    ['a', 'x'.repeat(64), 'A.b-c_9'],
    [undefined, '', 'x'.repeat(65), 'ä', 'a\n', 5],
  ],
  ['subscriptions[0].handler', (handler) => subscribe({ handler }), [Guard], [undefined, null, {}]],
  [
    'subscriptions[0].filter',
    (filter) => subscribe({ filter }),
    [{}, { name: 'order.*' }],
    [null, [], 'order', { from: '2026-11-01' }, { name: 5 }],
  ],
  ['subscriptions[0].from', (from) => subscribe({ from }), ['now', 'beginning'], ['2026-11-01']],
  ['subscriptions[0].maxBatch', (maxBatch) => subscribe({ maxBatch }), [1, 500], [0, 501]],
  ['subscriptions[0].timeout', (timeout) => subscribe({ timeout }), [1, MAX_TIMER], [0, MAX_TIMER + 1]],
  ['subscriptions[0].lease', (lease) => subscribe({ lease }), [1000, 600_000], [999, 600_001]],
  ['subscriptions[0].maxFailures', (value) => subscribe({ maxFailures: value }), [1, 1000], [0, 1001]],
  ['webhooks', (webhooks) => ({ webhooks }), [[]], [null, {}, 'x']],
  ['webhooks[0].name', (name) => hook({ name }), [undefined, 'a'], ['', 'a b', 5]],
  [
    'webhooks[0].url',
    (url) => hook({ url, privateAddresses: true }),
    ['https://a/b?c', 'http://a', 'HTTP://a'],
    [undefined, 'ftp://a', '/a', 5, ['https://a']],
  ],
  [
    'webhooks[0].secret',
    (secret) => hook({ secret }),
    [secretOf(24), secretOf(25), secretOf(64)],
    [
      undefined,
      secretOf(23),
      secretOf(65),
      `x${SECRET}`,
      `${SECRET} `,
      SECRET.slice(6),
      `${SECRET}===`,
      [SECRET],
    ],
  ],
  ['webhooks[0].filter', (filter) => hook({ filter }), [{}], [{ page: '/' }]],
  ['webhooks[0].from', (from) => hook({ from }), ['now', 'beginning'], ['']],
  [
    'webhooks[0].headers',
    (headers) => hook({ headers }),
    [{}, { Authorization: 'Bearer 1' }],
    [null, [], ['a'], 'a: b', { a: 5 }, { a: 'b', 'c d': 'e' }],
  ],
  ['webhooks[0].maxBatch', (maxBatch) => hook({ maxBatch }), [1, 500], [0, 501]],
  ['webhooks[0].timeout', (timeout) => hook({ timeout }), [1, 600_000], [0, 600_001]],
  ['webhooks[0].lease', (lease) => hook({ lease }), [1000, 600_000], [999, 600_001]],
  ['webhooks[0].maxFailures', (maxFailures) => hook({ maxFailures }), [1, 1000], [0, 1001]],
  ['webhooks[0].privateAddresses', (value) => hook({ privateAddresses: value }), [true, false], ['yes']],
];

describe.each(VALUES)('the option %s', (option, create, taken, refused) => {
  it('takes its values', () => {
    for (const value of taken) expect(toSettings(create(value))).toMatchObject(create(value));
  });

  it('takes no others, which the error names', () => {
    for (const value of refused)
      expect(faultOf(() => toSettings(create(value)))).toMatch(
        new RegExp(
          `^DjaffarModule: option "${option.replaceAll(/[[\].]/g, String.raw`\$&`)}" [^"]*; allowed: [^;]+$`,
        ),
      );
  });
});

describe('options that depend on others', () => {
  const year = 365 * 86_400_000;

  it.each<[object]>([
    [{ privacy: 'cnil', session: { absoluteMaxAge: DEFAULTS.session.absoluteMaxAge } }],
    [{ privacy: 'identified', session: { absoluteMaxAge: 2 * year } }],
    [{ webhooks: ['a', 'b'].map((name) => ({ name, url: 'https://x', secret: SECRET })) }],
    [{ webhooks: ['https://x', 'https://y'].map((url) => ({ url, secret: SECRET })) }],
    [{ ...subscribe({ name: 'a' }), ...hook({ name: 'b' }) }],
    [{ ...subscribe({ name: 'a' }), ...hook({}) }],
    [hook({ url: 'https://x/?to=http://y' })],
    [{ subscriptions: ['a', 'b'].map((name) => ({ name, handler: String })) }],
    [{ retention: { keep: '1 day', figures: 'erase' } }],
    [{ unknownEvents: undefined, withoutConsent: undefined, onWithdrawal: undefined, events: undefined }],
  ])('%j go together', (options) => {
    expect(() => toSettings(options)).not.toThrow();
    expect(() => checkForRoot(options)).not.toThrow();
  });

  it.each<[object, string]>([
    [
      { withoutConsent: 'nothing' },
      'option "withoutConsent" is \'nothing\'; allowed: only with the option "consent"',
    ],
    [
      { onWithdrawal: 'erase' },
      'option "onWithdrawal" is \'erase\'; allowed: only with the option "consent"',
    ],
    [{ unknownEvents: 'mark' }, 'option "unknownEvents" is \'mark\'; allowed: only with the option "events"'],
    [
      { retention: { figures: 'keep' } },
      'option "retention.figures" is \'keep\'; allowed: only with the option "retention.keep"',
    ],
    [
      { retention: { anonymiseProperties: [] } },
      'option "retention.anonymiseProperties" is []; allowed: only with the option "retention.anonymiseAfter"',
    ],
    [
      { privacy: 'cnil', session: { absoluteMaxAge: DEFAULTS.session.absoluteMaxAge + 1 } },
      'option "session.absoluteMaxAge" is ',
    ],
    [{ database: { type: 'x' }, store: { create: String } }, 'options "database" and "store" are both given'],
    [
      {
        webhooks: ['https://x', 'https://x'].map((url, i) => ({
          ...(i && { name: 'a' }),
          url,
          secret: SECRET,
        })),
      },
      'option "webhooks" has a url twice',
    ],
    [
      { webhooks: ['a', 'a'].map((name, i) => ({ name, url: `https://x/${i}`, secret: SECRET })) },
      'option "webhooks" has two of the name \'a\'',
    ],
    [hook({ url: 'HTTP://x' }), 'option "webhooks[0].url" is not encrypted'],
    [hook({ url: 'http://x', privateAddresses: false }), 'option "webhooks[0].url" is not encrypted'],
    [
      { ...subscribe({ name: 'a' }), ...hook({ name: 'a' }) },
      'option "webhooks[0].name" is \'a\'; allowed: a name that no subscription has',
    ],
    [subscribe({ names: 1 }), 'option "subscriptions[0].names" is not known; allowed: name, filter, handler'],
    [{ subscriptions: [null] }, 'option "subscriptions[0]" is null; allowed: an object'],
    [{ webhooks: [null] }, 'option "webhooks[0]" is null; allowed: an object'],
    [{ subscriptions: ['a', 'a'] }, 'option "subscriptions[0]" is \'a\'; allowed: an object'],
  ])('%j do not', (options, message) => {
    for (const check of [toSettings, checkForRoot])
      expect(faultOf(() => check(options))).toMatch(new RegExp(`^DjaffarModule: ${escapeRegExp(message)}`));
  });

  it.each<[unknown, string]>([
    ['guards', "what was given is 'guards'; allowed: an object"],
    [{ privacy: 'cnil', session: null }, 'option "session" is null; allowed: an object'],
    [
      { privacy: 'cnil', session: { absoluteMaxAge: '99999999999999' } },
      'option "session.absoluteMaxAge" is \'99999999999999\'; allowed: a whole number of milliseconds from 1000',
    ],
    [{ retention: null }, 'option "retention" is null; allowed: an object'],
    [{ webhooks: [undefined] }, 'option "webhooks[0]" is undefined; allowed: an object'],
    [
      hook({ url: ['http://x'] }),
      'option "webhooks[0].url" is wrong (a secret is not shown); allowed: a URL with http: or https:',
    ],
    [
      { database: { url: 5 } },
      expect.stringContaining('option "database" has a url that is no text; allowed: '),
    ],
    [
      subscribe({ filter: null }),
      'option "subscriptions[0].filter" is wrong: it is no object; allowed: a filter without dates, such as { name: \'order.*\' }',
    ],
    [
      subscribe({ filter: 'order' }),
      'option "subscriptions[0].filter" is wrong: it is no object; allowed: a filter without dates, such as { name: \'order.*\' }',
    ],
    [
      { webhooks: { url: 'https://x' } },
      'option "webhooks" is wrong (a secret is not shown); allowed: an array of objects, each with a name or a url of its own',
    ],
    [{ group: { a: { b: 1 } } }, 'option "group" is { a: [Object] }; allowed: a function'],
    [
      { onWithdrawal: { a: { b: 1 } }, consent: String },
      "option \"onWithdrawal\" is { a: [Object] }; allowed: 'keep' or 'erase'",
    ],
    [
      { dashboard: { guards: [Guard], session: { secret: null } } },
      'option "dashboard.session.secret" is null; allowed: a text of at least 32 characters, or an array of such',
    ],
  ])('%j have one error', (options, message) => {
    const fault = faultOf(() => toSettings(options));
    expect(fault?.replace('DjaffarModule: ', '')).toEqual(message);
  });

  it('with two wrong names that are the same have an error for each', () => {
    const allowed = "allowed: 1 to 64 letters, digits, '.', '_' or '-'";
    const subscriptions = [1, 2].map(() => ({ name: 5, handler: String }));
    expect(faultOf(() => toSettings({ subscriptions }))).toBe(
      `DjaffarModule: option "subscriptions[0].name" is 5; ${allowed}; option "subscriptions[1].name" is 5; ${allowed}`,
    );
    expect(faultOf(() => toSettings({ ...subscribe({ name: 5 }), ...hook({ name: 5 }) }))).toBe(
      `DjaffarModule: option "subscriptions[0].name" is 5; ${allowed}; option "webhooks[0].name" is 5; ${allowed}`,
    );
  });

  it('are an object also for forRoot', () => {
    expect(faultOf(() => checkForRoot(JSON.parse('null')))).toBe(
      'DjaffarModule: what was given is null; allowed: an object',
    );
  });

  it('are shown to a depth of one', () => {
    const withoutConsent = { a: { b: 1 } };
    expect(faultOf(() => toSettings({ withoutConsent }))).toContain(
      'option "withoutConsent" is { a: [Object] }; allowed: only with the option "consent"',
    );
  });

  it('have the limits of the CNIL with its mode, and with no other', () => {
    for (const retention of [undefined, {}, { keep: undefined }])
      expect(toSettings({ privacy: 'cnil', retention }).retention).toEqual({ keep: '25 months' });
    expect(toSettings({ privacy: 'cnil', retention: { keep: '1 day' } }).retention).toEqual({
      keep: '1 day',
    });
    expect(toSettings({ privacy: 'cnil', retention: { figures: 'keep', keep: '1 day' } }).retention).toEqual({
      figures: 'keep',
      keep: '1 day',
    });
    expect(toSettings({ privacy: 'identified' })).not.toHaveProperty('retention');
  });

  it('keep the other defaults of their group', () => {
    const given = {
      cookieless: { rotate: 'week' },
      session: { maxAge: 1000 },
      writer: { timeout: 1 },
      statistics: { maxWait: 1, timeout: undefined },
    };
    expect(toSettings(given)).toEqual({
      ...DEFAULTS,
      cookieless: { ...DEFAULTS.cookieless, rotate: 'week' },
      session: { ...DEFAULTS.session, maxAge: 1000 },
      writer: { ...DEFAULTS.writer, timeout: 1 },
      statistics: { ...DEFAULTS.statistics, maxWait: 1 },
    });
  });
});

describe('the retention that a file exports', () => {
  it('is checked as the option is, and an error names the file', () => {
    const retention = { keep: '90 days', names: { view: '1 day' } };
    expect(toRetention(retention, 'data-source.js')).toBe(retention);
    for (const wrong of [null, 'long', { keep: 'long' }, { kept: '1 day' }])
      expect(() => toRetention(wrong, 'data-source.js')).toThrow(
        /^data-source\.js exports a "retention" that is wrong: option "retention/,
      );
  });
});

describe('the options of the registration', () => {
  it('are taken beside the others without a factory', () => {
    const decorators = [(): void => {}];
    const options = { path: 'x', isGlobal: true, decorators, api: { guards: [Guard], decorators } };
    expect(() => checkForRoot(options)).not.toThrow();
    expect(toRegistration(options)).toEqual({
      ...REGISTRATION_DEFAULTS,
      path: 'x',
      isGlobal: true,
      decorators,
      api: { decorators },
    });
    expect(faultOf(() => checkForRoot({ path: ':x' }))).toContain('option "path" is \':x\'');
    expect(faultOf(() => checkForRoot({ paths: 'x' }))).toMatch(
      /"paths" is not known; allowed: .*\bpath, .*/,
    );
  });

  it.each(['path', 'route', 'tracker', 'dataSource', 'decorators', 'isGlobal'])(
    'are not taken from a factory: %s',
    (option) => {
      const fault = faultOf(() => toSettings({ [option]: 'x' }));
      expect(fault).toContain(`option "${option}" belongs beside the factory: forRootAsync({ ${option}: …`);
      const others = faultOf(() => toSettings({ unknown: 1 }));
      expect(others?.split('allowed: ')[1]?.split(', ')).toEqual(Object.keys(OPTION_RULES));
      expect(Object.keys(OPTION_RULES)).not.toContain(option);
    },
  );

  it.each(['api', 'dashboard'] as const)('are not taken from a factory: %s.decorators', (option) => {
    const decorators = [(): void => {}];
    const options = { [option]: { guards: [Guard], decorators } };
    expect(faultOf(() => toSettings(options))).toContain(
      `option "${option}.decorators" belongs beside the factory alone: forRootAsync({ ${option}: {`,
    );
    // `forRoot` passes the same decorators again.
    expect(() => toSettings(options, { ...REGISTRATION_DEFAULTS, [option]: { decorators } })).not.toThrow();
    expect(() => checkForRootAsync({ [option]: { decorators } })).not.toThrow();
    expect(faultOf(() => checkForRootAsync(options))).toContain(`option "${option}.guards" is not known`);
    for (const wrong of [{}, 'x', ['x']])
      expect(faultOf(() => checkForRoot({ [option]: { guards: [Guard], decorators: wrong } }))).toContain(
        `option "${option}.decorators" is `,
      );
  });

  it.each(['djaffar', '/djaffar', 'djaffar/', 'internal/track', 'a.b-c_d~e'])('take the path %s', (path) => {
    expect(toRegistration({ path }).path).toBe(path);
  });

  it('take other names of the route, the script and the data source', () => {
    const names = { route: 'e~1.x', tracker: 'app.min.js', dataSource: 'events' };
    expect(toRegistration(names)).toMatchObject(names);
  });

  it.each<[object, string[]]>([
    [{ path: '' }, ['"path"', "''", 'segments']],
    [{ path: '/' }, ['"path"', "'/'"]],
    [{ path: 'a//b' }, ['"path"', "'a//b'"]],
    [{ path: ':tenant' }, ['"path"', "':tenant'"]],
    [{ path: 'a?b' }, ['"path"', "'a?b'"]],
    [{ path: 'a/?b' }, ['"path"', "'a/?b'"]],
    [{ path: '//a' }, ['"path"', "'//a'"]],
    [{ path: 'a//' }, ['"path"', "'a//'"]],
    [{ route: 'event.' }, ['"route"', "'event.'"]],
    [{ route: '?event' }, ['"route"', "'?event'"]],
    [{ route: 5 }, ['"route"', '5']],
    [{ route: 'activities' }, ['"route"', "'activities'"]],
    [{ route: 'dashboard' }, ['"route"', "'dashboard'"]],
    [{ tracker: '.js' }, ['"tracker"', "'.js'"]],
    [{ tracker: 'app.js.map' }, ['"tracker"', "'app.js.map'"]],
    [{ tracker: 'appxjs' }, ['"tracker"', "'appxjs'"]],
    [{ tracker: 5 }, ['"tracker"', '5']],
    [{ tracker: ['app.js'] }, ['"tracker"', "[ 'app.js' ]"]],
    [{ tracker: '?app.js' }, ['"tracker"', "'?app.js'"]],
    [{ dataSource: 5 }, ['"dataSource"', '5']],
    [{ decorators: [5] }, ['"decorators"', '5']],
    [{ path: 5 }, ['"path"', '5']],
    [{ route: 'a/b' }, ['"route"', "'a/b'", 'one segment']],
    [{ route: '' }, ['"route"', "''"]],
    [{ route: 'Stats' }, ['"route"', "'Stats'", 'none of activities, dashboard, stats']],
    [{ route: 'app.js' }, ['"route"', "'app.js'", "'.js'"]],
    [{ tracker: 'app' }, ['"tracker"', "'app'", "ends in '.js'"]],
    [{ tracker: '"+alert(1)+".js' }, ['"tracker"', 'alert']],
    [{ dataSource: '' }, ['"dataSource"', "''", 'name']],
    [{ decorators: {} }, ['"decorators"', 'array']],
    [{ isGlobal: 'yes' }, ['"isGlobal"', "'yes'", 'true or false']],
  ])('%j fail by name', (given, parts) => {
    const fault = faultOf(() => toRegistration(given));
    for (const part of ['DjaffarModule: ', ...parts]) expect(fault).toContain(part);
  });
});

function escapeRegExp(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : `not an Error: ${String(error)}`;
  }
}
