import fc from 'fast-check';
import { mmdb } from '../../lib/geo/mmdb.js';
import { toRegistration, toSettings } from '../../lib/options/validation.js';
import { DEFAULTS, REGISTRATION_DEFAULTS } from '../../lib/options/settings.js';

class Guard {
  canActivate(): boolean {
    return true;
  }
}

const SECRET = `whsec_${Buffer.alloc(24).toString('base64')}`;

describe('the options', () => {
  it.each([undefined, null, {}, { guards: undefined, session: { maxAge: undefined }, writer: {} }])(
    '%j are the defaults',
    (given) => {
      expect(toSettings(given)).toEqual(DEFAULTS);
      expect(toRegistration({ path: undefined })).toEqual(REGISTRATION_DEFAULTS);
    },
  );

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

describe('the options of the registration', () => {
  it.each(['djaffar', '/djaffar', 'djaffar/', 'internal/track', 'a.b-c_d~e'])('take the path %s', (path) => {
    expect(toRegistration({ path }).path).toBe(path);
  });

  it('take other names of the route and the script', () => {
    const names = { route: 'e~1.x', tracker: 'app.min.js' };
    expect(toRegistration(names)).toMatchObject(names);
  });

  it.each<[object, string[]]>([
    [{ path: '' }, ['"path"', "''", 'segments']],
    [{ path: '/' }, ['"path"', "'/'"]],
    [{ path: 'a//b' }, ['"path"', "'a//b'"]],
    [{ path: ':tenant' }, ['"path"', "':tenant'"]],
    [{ path: 'a?b' }, ['"path"', "'a?b'"]],
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

function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : `not an Error: ${String(error)}`;
  }
}
