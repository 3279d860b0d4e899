import { ActivityStats, type PersonalRecord, type StatisticsFilter } from '../../lib/index.js';
import { dumpOf, FOUND } from '../support/databases.js';
import { cookieOf, type Host, startHost } from '../support/host.js';

const DAY = 86_400_000;
const EVER: StatisticsFilter = { from: '2020-01-01T00:00Z', to: '2100-01-01T00:00Z' };
/** Long ago, so that counts of the day are cached. */
const past = new Date(Math.floor(Date.now() / DAY) * DAY - 9 * DAY + 7_200_000);
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

interface Person {
  id: string;
  name: string;
  agent: string;
  ip: string;
  cookie: string;
}

describe.each(FOUND)('a dump of %s', (database) => {
  let host: Host;
  let stats: ActivityStats;

  beforeEach(async () => {
    host = await startHost({
      adapter: 'express',
      database,
      djaffar: {
        // Nothing is delivered, and what is said of it names the user.
        subscriptions: [
          {
            name: 'parked',
            maxFailures: 1,
            handler: ([activity]) => {
              throw new Error(`${activity?.userName} is not known`);
            },
          },
        ],
        user: ({ headers }: { headers: Record<string, string> }) =>
          headers['x-user'] ? { id: headers['x-user'], name: headers['x-name'] ?? null } : null,
        group: ({ headers }: { headers: Record<string, string> }) =>
          headers['x-user'] ? { type: 'company', id: '17', name: `${headers['x-name']} and Sons` } : null,
        transform: (activity, request?: { headers: Record<string, string> }) => ({
          ...activity,
          ipAddress: request?.headers['x-ip'] ?? activity.ipAddress,
        }),
      },
    });
    stats = host.app.get(ActivityStats, { strict: false });
  });

  afterEach(() => host.close());

  async function track(person: Person, activity: object, isLoggedIn = true): Promise<void> {
    const response = await host.post(activity, {
      'User-Agent': person.agent,
      'X-IP': person.ip,
      ...(person.cookie && { Cookie: person.cookie }),
      ...(isLoggedIn && { 'X-User': person.id, 'X-Name': person.name }),
    });
    expect(response.status).toBe(204);
    person.cookie = cookieOf(response) || person.cookie;
  }

  /** A visit that begins without a login, nine days ago and today, with everything that an activity can have. */
  async function visit(marker: string, ip: string): Promise<Person> {
    const person: Person = {
      id: `${marker}-id`,
      name: `${marker} Name`,
      agent: `Mozilla/5.0 (X11; Linux x86_64; ${marker}; rv:140.0) Gecko/20100101 Firefox/140.0`,
      ip,
      cookie: '',
    };
    for (const start of [past.getTime(), Date.now() - 60_000]) {
      const at = (seconds: number): string => new Date(start + 1000 * seconds).toISOString();
      await track(
        person,
        {
          date: at(0),
          path: `/${marker}-landing?utm_source=${marker}-source&utm_campaign=${marker}-campaign`,
          referer: `https://${marker}-referrer.example/`,
        },
        false,
      );
      await track(person, {
        date: at(10),
        path: `/${marker}-page`,
        properties: { note: `${marker}-note`, plan: 'pro' },
      });
      await track(person, { date: at(20), path: '/shared', name: `${marker}-name` });
    }
    return person;
  }

  async function askEverything(): Promise<unknown> {
    return [
      await stats.overview(EVER),
      await stats.top('user', EVER),
      await stats.top('path', { ...EVER, measure: 'visits' }),
      await stats.top('utmSource', EVER),
      await stats.top('property', { ...EVER, property: 'note' }),
      await stats.top('browser', EVER),
    ];
  }

  /** The ids under which a person is stored: of sessions, visits, activities. */
  async function idsOf(person: Person): Promise<string[]> {
    const ids = new Set<string>();
    for await (const { kind, data } of host.activities.export({ user: person.id })) {
      ids.add(data.id);
      if (kind === 'activity' && data.sessionId) ids.add(data.sessionId);
    }
    return [...ids];
  }

  const own = (marker: string, ip: string): RegExp =>
    new RegExp(`${marker}|${ip.replaceAll('.', String.raw`\.`)}`, 'i');

  it('has nothing of a user who was erased, also of what was done before the login', async () => {
    const gone = await visit('vanished', '203.0.113.77');
    const left = await visit('remaining', '198.51.100.5');
    await askEverything();
    const ids = await idsOf(gone);
    expect(ids.length).toBeGreaterThanOrEqual(6 + 2 + 1);
    const before = await dumpOf(host.dataSource);
    expect(before).toMatch(own('vanished', gone.ip));
    for (const id of ids) expect(before).toContain(id);

    expect(await host.activities.erase({ user: gone.id })).toBe(6);

    const dump = await dumpOf(host.dataSource);
    expect(dump).not.toMatch(own('vanished', gone.ip));
    for (const id of ids) expect(dump).not.toContain(id);
    for (const id of await idsOf(left)) expect(dump).toContain(id);
    expect(await stats.overview(EVER)).toMatchObject({ activities: { value: 6 }, visits: { value: 2 } });
  });

  it('does not say who did what was anonymised, and has what was done', async () => {
    const gone = await visit('vanished', '203.0.113.77');
    const left = await visit('remaining', '198.51.100.5');
    await host.activities.track({
      path: '/robots',
      userAgent: BOT,
      session: 'robot',
      visit: 'robot-visit',
      ip: gone.ip,
    });
    await askEverything();
    const { visits, views, activities, bounceRate, visitDuration } = await stats.overview(EVER);
    const paths = await stats.top('path', { ...EVER, limit: 20 });
    const sessions = new Set<string>();
    for await (const { kind, data } of host.activities.export({ user: gone.id }))
      if (kind === 'session') sessions.add(data.id);
    expect(sessions.size).toBe(1);

    expect(await host.activities.anonymise({ user: gone.id }, { properties: ['note'] })).toBe(6);
    expect(await host.activities.anonymise({ session: 'robot' })).toBe(1);
    // Nothing is left to be done.
    expect(await host.activities.anonymise({ user: gone.id }, { properties: ['note'] })).toBe(0);
    expect(await host.activities.anonymise({ to: '2100-01-01' }, { properties: ['note'] })).toBe(6);

    const dump = await dumpOf(host.dataSource);
    for (const trace of [gone.id, gone.name, gone.agent, gone.ip, 'vanished-note', ...sessions])
      expect(dump).not.toContain(trace);
    expect(dump).toContain('vanished-page');
    // A customer is no person: its id stays, and its name, which may have a person's, does not.
    expect(dump).toContain('company:17');
    expect(dump).not.toContain('and Sons');
    expect(dump).not.toContain(left.id);
    expect(await stats.overview(EVER)).toMatchObject({
      visits,
      views,
      activities,
      bounceRate,
      visitDuration,
    });
    expect(await stats.top('path', { ...EVER, limit: 20 })).toMatchObject({ items: paths.items });
    expect((await host.stored()).filter(({ path }) => path === '/vanished-page')).toMatchObject([
      { properties: { plan: 'pro' }, userId: null, groupId: 'company:17', groupName: null, session: null },
      { properties: { plan: 'pro' }, userId: null, session: null },
    ]);
    expect(await stats.overview({ ...EVER, path: '/robots' })).toMatchObject({ activities: { value: 0 } });
  });

  it('has only what an export of the user has', async () => {
    const person = await visit('vanished', '203.0.113.77');
    await visit('remaining', '198.51.100.5');
    await askEverything();
    const records: PersonalRecord[] = [];
    for await (const record of host.activities.export({ user: person.id })) records.push(record);
    const counts = records.map(({ kind }) => kind).sort();
    expect(counts.filter((kind) => kind === 'activity')).toHaveLength(6);
    expect(counts.filter((kind) => kind === 'visit')).toHaveLength(2);
    const text = JSON.stringify(records);
    for (const trace of [
      person.id,
      person.name,
      person.agent,
      person.ip,
      'vanished-landing',
      'vanished-note',
      'vanished-source',
    ])
      expect(text).toContain(trace);
    expect(text).not.toContain('remaining');
  });
});
