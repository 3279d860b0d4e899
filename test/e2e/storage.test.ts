import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { Activity, djaffarEntities, type ServerActivity } from '../../lib/index.js';
import { createDatabase, FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';
import { startSample } from '../support/sample.js';

const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Every character of Unicode but NUL, and those that are near a limit of an encoding. */
const aCharacter = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((character) => character !== '\0'),
  fc.constantFrom(
    ...Array.from(
      '\u0001\t\n\r \u007f\u0085\u00a0\u2028\u202e\ufeff\ufffd\uffff\u{10000}\u{10ffff}🦋é\'"`\\%$?:',
    ),
  ),
);
const textOf = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: aCharacter, minLength: 1, maxLength });
const aKey = textOf(8).filter((key) => key !== '__proto__');
const aValue = fc.oneof(
  textOf(20),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((number) => Number.isSafeInteger(number) || !Number.isInteger(number))
    .map((number) => number || 0),
  fc.constantFrom(null, true, false, 1e-308, 2 ** 53 - 1),
  fc.array(fc.oneof(textOf(5), fc.integer()), { maxLength: 3 }),
);
const anActivity = fc.record(
  {
    id: fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] }),
    path: textOf(100),
    referer: textOf(100),
    name: textOf(64),
    properties: fc.dictionary(aKey, aValue, { maxKeys: 4 }),
    user: fc.record({ id: textOf(255), name: textOf(255) }),
    date: fc.date({ min: new Date(0), max: new Date(), noInvalidDate: true }),
  },
  { requiredKeys: ['id', 'path', 'user', 'date'] },
);

const HOSTILE = [
  "'; DROP TABLE djaffar_activity; --",
  '"; DROP TABLE djaffar_session; --',
  "\\'; DELETE FROM djaffar_activity WHERE ''='",
  "' OR ''='",
  '`; --',
  '$1',
  ':user',
  ':...ids',
  '?',
  '%s %27 %00',
  '{{constructor}}',
  '${process.env}',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  'javascript:alert(1)',
  '=cmd|" /C calc"!A0',
  '+1',
  '@SUM(A1)',
  '../../etc/passwd',
  '\r\nSet-Cookie: a=b',
  '\u202egnp.exe',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'NaN',
];

describe.each(FOUND)('what is stored on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      adapter: 'fastify',
      database,
      djaffar: {
        transform: (activity) =>
          activity.name === 'dated' ? { ...activity, date: new Date(Number(activity.path)) } : activity,
      },
    });
  });

  afterAll(() => host.close());

  beforeEach(() => host.activities.erase({ from: '1970-01-01T00:00Z' }));

  async function trackAndFind(activities: ServerActivity[]): Promise<Activity[]> {
    const session = randomUUID();
    await Promise.all(activities.map((activity) => host.activities.track({ ...activity, session })));
    return (await host.activities.find({ session }, { limit: 1000 })).items;
  }

  it('keeps every text and date unchanged', async () => {
    const some = fc.uniqueArray(anActivity, { minLength: 1, maxLength: 20, selector: ({ id }) => id });
    await fc.assert(
      fc.asyncProperty(some, async (activities) => {
        const fresh = activities.map((activity) => ({ ...activity, id: randomUUID() }));
        const found = new Map((await trackAndFind(fresh)).map((activity) => [activity.id, activity]));
        expect(found.size).toBe(fresh.length);
        for (const { user, ...given } of fresh) {
          expect(found.get(given.id)).toMatchObject({ ...given, userId: user.id, userName: user.name });
          expect(found.get(given.id)?.properties).toEqual(given.properties ?? null);
        }
      }),
      runs(50),
    );
  });

  it('is every text as it was sent', async () => {
    const some = fc.array(fc.record({ path: textOf(100), name: textOf(64), referer: textOf(100) }), {
      minLength: 1,
      maxLength: 20,
    });
    const aType = fc.constantFrom('application/json', 'text/plain');
    await fc.assert(
      fc.asyncProperty(some, aType, async (rows, type) => {
        const date = new Date().toISOString();
        const activities = rows.map((texts) => ({ ...texts, date, id: randomUUID() }));
        const answer = await host.post({ activities }, { 'Content-Type': type });
        expect(answer.status).toBe(204);
        const { items } = await host.activities.find({ from: date }, { limit: 1000 });
        const found = new Map(items.map((activity) => [activity.id, activity]));
        for (const { id, ...texts } of activities) {
          expect(found.get(id)).toMatchObject({ ...texts, date: new Date(date) });
        }
        await host.activities.erase({ from: date });
      }),
      runs(30),
    );
  });

  it('is every millisecond of the years 1970 to 9999', async () => {
    const instants = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: LAST_INSTANT }),
        fc.constantFrom(0, 1, 999, 2 ** 31 * 1000, LAST_INSTANT),
      ),
      { minLength: 1, maxLength: 50 },
    );
    await fc.assert(
      fc.asyncProperty(instants, async (dates) => {
        const found = await trackAndFind(dates.map((date) => ({ path: `${date}`, name: 'dated' })));
        const sorted = [...dates].sort((a, b) => b - a).map((date) => new Date(date).toISOString());
        expect(found.map(({ date }) => date.toISOString())).toEqual(sorted);
        const [date = 0] = dates;
        const there = found.filter((activity) => activity.date.getTime() === date);
        const inMillisecond = {
          session: found[0]?.sessionId ?? '',
          from: new Date(date),
          to: new Date(date + 1),
        };
        expect(await host.activities.count(inMillisecond)).toBe(there.length);
      }),
      runs(30),
    );
  });

  it.each(HOSTILE)('is %j, and nothing is done of what it says', async (text) => {
    const activity = { path: text, name: text, referer: text, properties: { [`${text} `]: text } };
    const [found] = await trackAndFind([
      { ...activity, user: { id: text, name: text }, userAgent: text, ip: text },
    ]);
    expect(found).toMatchObject({
      ...activity,
      userId: text,
      userName: text,
      ipAddress: null,
      session: { userAgent: text },
    });
    for (const filter of [{ user: text }, { path: text }, { path: `${text}*` }, { name: text }]) {
      expect((await host.activities.find(filter)).items).toMatchObject([activity]);
    }
    expect((await host.activities.find({ session: text, visit: text })).items).toEqual([]);
    expect(await host.activities.erase({ user: text })).toBe(1);
  });

  it('is the same in whatever time zone the process is', async () => {
    // Where the clocks of New York are put forward an hour is not there, and where they are put back one is twice.
    const dates = [
      '1970-01-01T00:00:00.000Z',
      '2024-03-10T06:59:59.999Z',
      '2024-03-10T07:30:00.001Z',
      '2024-11-03T05:30:00.123Z',
      '2024-11-03T06:30:00.123Z',
    ];
    const emptyDatabase = await createDatabase(database);
    const sample = await startSample({ DATABASE_URL: emptyDatabase.url, TZ: 'America/New_York' });
    const request = async (path: string, init: RequestInit): Promise<Response> =>
      fetch(sample.url + path, init);
    const post = (path: string, body: object): Promise<Response> =>
      request(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const dataSource = new DataSource({ ...emptyDatabase.options, entities: djaffarEntities });
    try {
      // Without an offset it is UTC, and not the time of the process.
      const activities = dates.map((date) => ({ date: date.slice(0, -1), path: '/' }));
      expect((await post('/djaffar/track/', { activities })).status).toBe(204);
      const login = await post('/auth/token', { username: 'ada', password: 'lovelace' });
      const { accessToken } = (await login.json()) as { accessToken: string };
      const found = await request('/djaffar/activities?order=asc&from=1970-01-01T00:00', {
        headers: { Authorization: `Bearer ${accessToken}` },
      });
      const { items } = (await found.json()) as { items: { date: string }[] };
      expect(items.map(({ date }) => date)).toEqual(dates);
      await dataSource.initialize();
      const stored = await dataSource.getRepository(Activity).find({ order: { date: 'ASC' } });
      expect(stored.map(({ date }) => date.toISOString())).toEqual(dates);
    } finally {
      await sample.end('SIGTERM');
      if (dataSource.isInitialized) await dataSource.destroy();
      await emptyDatabase.drop();
    }
  });
});
