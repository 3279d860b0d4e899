import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { ObjectLiteral } from 'typeorm';
import {
  Activity,
  type ActivityFilter,
  ActivityStats,
  djaffarEntities,
  InvalidActivityError,
  InvalidFilterError,
  Session,
  type ServerActivity,
} from '../../lib/index.js';

import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { SigningKeys } from '../../lib/privacy/signing-keys.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

describe.each(FOUND)('ActivityService on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database });
  });

  afterAll(() => host.close());

  beforeEach(eraseAll);

  async function eraseAll(): Promise<void> {
    await host.activities.erase({ from: '1970-01-01T00:00Z' });
  }

  async function sessions(): Promise<string[]> {
    return (await host.dataSource.getRepository(Session).find()).map(({ id }) => id).sort();
  }

  /** All that is kept for statistics. */
  async function derived(): Promise<string> {
    const rows: unknown[] = [];
    for (const entity of djaffarEntities)
      if (entity !== Activity && entity !== Session)
        rows.push(await host.dataSource.getRepository<ObjectLiteral>(entity).find());
    return JSON.stringify(rows);
  }

  async function paths(): Promise<string[]> {
    return (await host.stored()).map(({ path }) => path).sort();
  }

  describe('tracks', () => {
    it('only a path, as an anonymous view of now', async () => {
      const before = Date.now();
      await host.activities.track({ path: '/' });
      const after = Date.now();
      const [activity, ...others] = await host.stored();
      expect(others).toEqual([]);
      expect(activity).toMatchObject({
        path: '/',
        name: 'view',
        referer: null,
        properties: null,
        userId: null,
        userName: null,
        sessionId: null,
        visitId: null,
        ipAddress: null,
        session: null,
      });
      expect(activity?.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      for (const date of [activity?.date, activity?.receivedAt]) {
        expect(date?.getTime()).toBeGreaterThanOrEqual(before);
        expect(date?.getTime()).toBeLessThanOrEqual(after);
      }
      expect(await sessions()).toEqual([]);
    });

    it('all properties that server code can give', async () => {
      const given = { path: '/a', referer: 'https://example.org/', name: 'bought', properties: { sum: 1.5 } };
      const id = '01890A5D-AC96-774B-BCCE-B302099A8057';
      const date = new Date('2026-02-03T04:05:06.789Z');
      await host.activities.track({
        ...given,
        id,
        date,
        user: { id: 17, name: 'jeff' },
        session: 'browser-1',
        visit: 'visit_1',
        ip: '::ffff:203.0.113.7',
        userAgent: FIREFOX,
      });
      expect(await host.stored()).toMatchObject([
        {
          ...given,
          id: id.toLowerCase(),
          date,
          userId: '17',
          userName: 'jeff',
          sessionId: 'browser-1',
          visitId: 'visit_1',
          ipAddress: '203.0.113.7',
          session: { id: 'browser-1', userAgent: FIREFOX, browser: 'Firefox', system: 'Linux', bot: false },
        },
      ]);
    });

    it('no activity in a visit that would last for 24 hours or longer, whatever its id is', async () => {
      const other = await startHost({ adapter: 'fastify', database: host.database });
      const visitOf = async (date: string, by = host, visit = 'job'): Promise<unknown> => {
        const id = randomUUID();
        await by.activities.track({ id, path: '/', date, visit });
        return (await host.stored()).find((activity) => activity.id === id)?.visitId;
      };
      try {
        expect(await visitOf('2025-11-02T12:00Z')).toBe('job');
        expect(await visitOf('2025-11-03T11:59:59.999Z')).toBe('job');
        expect(await visitOf('2025-11-03T12:00Z')).toBeNull();
        expect(await visitOf('2025-11-02T11:59Z')).toBeNull();
        expect(await visitOf('1970-01-01T00:00Z')).toBeNull();
        // Another instance, which has seen none of it.
        expect(await visitOf('2026-01-01T00:00Z', other)).toBeNull();
        expect(await visitOf('2025-11-02T18:00Z', other)).toBe('job');
        expect(await visitOf('1970-01-01T00:00Z', host, 'other')).toBe('other');
        await host.activities.erase({ visit: 'job' });
        expect(await visitOf('2024-01-01T00:00Z')).toBe('job');
      } finally {
        await other.close();
      }
    });

    it.each([
      ['a bigint', 9007199254740993n, '9007199254740993'],
      ['0', 0, '0'],
      ['a text', 'ö', 'ö'],
    ])('a user whose id is %s', async (_, id, userId) => {
      await host.activities.track({ path: '/', user: { id } });
      expect(await host.stored()).toMatchObject([{ userId, userName: null }]);
    });

    it('strangers without an id as nobody, or not at all, so that they are not one user', async () => {
      const strangers = ['', undefined, null] as string[];
      await Promise.allSettled(strangers.map((id) => host.activities.track({ path: '/', user: { id } })));
      const users = (await host.stored()).map(({ userId }) => userId);
      expect(users.filter((userId) => userId !== null)).toEqual([]);
    });

    it.each([
      ['2026-02-03T04:05:06.789', '2026-02-03T04:05:06.789Z'],
      ['2026-02-03T04:05:06.789+02:00', '2026-02-03T02:05:06.789Z'],
    ])('the date %s as %s', async (date, instant) => {
      await host.activities.track({ path: '/', date });
      expect(await host.stored()).toMatchObject([{ date: new Date(instant) }]);
    });

    it('the same id once, the first time', async () => {
      const id = randomUUID();
      await host.activities.track({ path: '/1', id });
      await host.activities.track({ path: '/2', id: id.toUpperCase() });
      await Promise.all(Array.from({ length: 10 }, () => host.activities.track({ path: '/3', id })));
      expect(await paths()).toEqual(['/1']);
    });

    it('the first user agent of a session', async () => {
      for (const userAgent of [FIREFOX, 'curl/8.5.0']) {
        await host.activities.track({ path: '/', session: 's', userAgent });
      }
      expect((await host.stored()).map(({ session }) => session?.userAgent)).toEqual([FIREFOX, FIREFOX]);
    });

    it.each<[string, object, string[]]>([
      ['no path', {}, ['path']],
      ['an empty path', { path: '' }, ['path']],
      ['a path of 2,049 characters', { path: 'x'.repeat(2049) }, ['path']],
      ['a path with NUL', { path: '\0' }, ['path']],
      ['a path that is a number', { path: 5 }, ['path']],
      ['a referer with a lone surrogate', { path: '/', referer: '\ud800' }, ['referer']],
      ['a name of 65 characters', { path: '/', name: 'x'.repeat(65) }, ['name']],
      ['properties over 4 KiB', { path: '/', properties: { a: 'x'.repeat(4096) } }, ['properties']],
      ['properties of 4 levels', { path: '/', properties: { a: { b: { c: {} } } } }, ['properties']],
      ['an id that is no UUID', { path: '/', id: '17' }, ['id']],
      ['no date of the calendar', { path: '/', date: '2026-02-30T00:00:00Z' }, ['date']],
      ['an invalid Date', { path: '/', date: new Date(Number.NaN) }, ['date']],
      ['a date before 1970', { path: '/', date: new Date(-1) }, ['date']],
      ['a date more than a day ahead', { path: '/', date: new Date(Date.now() + 90_000_000) }, ['date']],
      ['a session that is no key', { path: '/', session: 'a b' }, ['session']],
      ['a session of 65 characters', { path: '/', session: 'x'.repeat(65) }, ['session']],
      ['a visit of 17 characters', { path: '/', visit: 'x'.repeat(17) }, ['visit']],
      ['an unknown property', { path: '/', userId: '1' }, ['userId']],
      ['all at once', { path: 5, name: 5, id: 5, session: '' }, ['path', 'name', 'id', 'session']],
    ])('nothing that has %s', async (_, activity, wrong) => {
      const error: unknown = await host.activities
        .track(activity as ServerActivity)
        .catch((thrown) => thrown);
      expect(error).toBeInstanceOf(InvalidActivityError);
      const { errors } = error as InvalidActivityError;
      expect(Object.keys(errors).sort()).toEqual([...wrong].sort());
      for (const property of wrong) expect(errors[property]?.join()).toContain(property);
      expect(await host.stored()).toEqual([]);
      expect(await sessions()).toEqual([]);
    });

    it('no user whose id is too long to be unique', async () => {
      const track = host.activities.track({ path: '/', user: { id: 'x'.repeat(256) } });
      await expect(track).rejects.toThrow('255');
      expect(await host.stored()).toEqual([]);
    });
  });

  describe('erases', () => {
    it('the activities of a user and the sessions that have none left', async () => {
      for (const [id, session] of [
        ['jeff', 'a'],
        ['jeff', 'b'],
        ['ada', 'b'],
        ['ada', 'c'],
      ] as const) {
        await host.activities.track({ path: `/${id}`, user: { id }, session });
      }
      await host.activities.track({ path: '/jeff', user: { id: 'jeff' } });
      expect(await host.activities.erase({ user: 'jeff' })).toBe(3);
      expect(await paths()).toEqual(['/ada', '/ada']);
      expect(await sessions()).toEqual(['b', 'c']);
      expect(await host.activities.erase({ user: 'jeff' })).toBe(0);
    });

    it('more than a step takes, and keeps the session of the one that is left', async () => {
      const tracks = Array.from({ length: 1501 }, (_, i) =>
        host.activities.track({ path: `/${i}`, name: i === 700 ? 'kept' : 'erased', session: `s${i % 2}` }),
      );
      await Promise.all(tracks);
      expect(await host.activities.erase({ name: 'erased' })).toBe(1500);
      expect(await paths()).toEqual(['/700']);
      expect(await sessions()).toEqual(['s0']);
    });

    it('what a user did before logging in during the same visit, unless that is to stay', async () => {
      const activity = async (path: string, visit: string, user?: string): Promise<void> =>
        host.activities.track({ path, visit, session: visit, ...(user && { user: { id: user } }) });
      await activity('/before', 'a');
      await activity('/jeff', 'a', 'jeff');
      await activity('/after', 'a');
      await activity('/stranger', 'b');
      await activity('/ada', 'c', 'ada');
      expect(await host.activities.erase({ user: 'jeff', path: '/before' }, { keepAnonymous: true })).toBe(0);
      expect(await host.activities.erase({ user: 'jeff', path: '/before' })).toBe(1);
      expect(await host.activities.erase({ user: 'jeff' })).toBe(2);
      expect(await paths()).toEqual(['/ada', '/stranger']);
      await host.activities.erase({ user: 'ada' }, { keepAnonymous: true });
      expect(await paths()).toEqual(['/stranger']);
      expect(await sessions()).toEqual(['b']);
    });

    it('with all that statistics keep of it, before it returns', async () => {
      const secrets = ['jeff-id', '/jeff-path', 'jeff-name', 'jeff-value'];
      const [user, path, name, value] = secrets as [string, string, string, string];
      const when = ['2025-11-10T10:00Z', new Date()];
      for (const [i, date] of when.entries()) {
        const visit = `v${i}`;
        await host.activities.track({ path: '/kept', date, visit: 'kept', session: 'kept' });
        await host.activities.track({ path: `${path}?utm_source=jeff-source`, date, visit, session: visit });
        await host.activities.track({
          path,
          date,
          name,
          visit,
          session: visit,
          user: { id: user, name: user },
          properties: { p: value },
        });
      }
      const stats = host.app.get(ActivityStats, { strict: false });
      const november = { from: '2025-11-01T00:00Z', to: '2025-12-01T00:00Z' };
      for (const dimension of ['user', 'entry', 'utmSource', 'path', 'name'] as const)
        await stats.top(dimension, { ...november, measure: 'visits' });
      await stats.top('property', { ...november, property: 'p' });
      expect(await derived()).toEqual(expect.stringContaining('jeff'));
      expect(await host.activities.erase({ user })).toBe(4);
      const left = await derived();
      expect(left).not.toContain('jeff');
      expect(left).toContain('/kept');
    });

    it('what statistics still know after an erasure that failed, if it is called again', async () => {
      await host.activities.track({ path: '/gone', visit: 'v', session: 's', user: { id: 'jeff' } });
      await host.app.get(ActivityStats, { strict: false }).overview({
        from: '2025-11-01T00:00Z',
        to: '2100-01-01T00:00Z',
      });
      const failing = jest.spyOn(host.rollup, 'recomputeErased').mockRejectedValueOnce(new Error('failed'));
      await expect(host.activities.erase({ user: 'jeff' })).rejects.toThrow('failed');
      failing.mockRestore();
      expect(await derived()).toContain('jeff');
      expect(await host.activities.erase({ user: 'jeff' })).toBe(0);
      expect(await derived()).not.toContain('jeff');
    });

    it('and has statistics look again if the answer to the commit was lost', async () => {
      await host.activities.track({ path: '/gone', user: { id: 'jeff' } });
      const dialect = dialectOf(host.dataSource);
      const transact = dialect.transact.bind(dialect);
      const lost = jest.spyOn(dialect, 'transact').mockImplementation(async (...given) => {
        const [, [sql]] = given;
        const changed = await transact(...given);
        // The statistics may be updated meanwhile.
        if (sql.startsWith('DELETE')) throw new Error('lost');
        return changed;
      });
      const store = host.store;
      const { changes } = store;
      await expect(host.activities.erase({ user: 'jeff' })).rejects.toThrow('lost');
      lost.mockRestore();
      expect(await host.activities.count({ user: 'jeff' })).toBe(0);
      expect(store.changes).toBeGreaterThan(changes);
    });

    it('what was there when it was called, while more of it arrives', async () => {
      const track = (): Promise<void> =>
        host.activities.track({ path: '/', name: 'erased', session: 's', visit: 'v' });
      await Promise.all(Array.from({ length: 1001 }, track));
      const done = new AbortController();
      let tracked = 0;
      const client = async (): Promise<void> => {
        while (!done.signal.aborted) {
          await track();
          tracked += 1;
        }
      };
      const clients = [client(), client()];
      const erased = await host.activities.erase({ name: 'erased' });
      done.abort();
      await Promise.all(clients);
      expect(erased).toBeGreaterThanOrEqual(1001);
      expect(await paths()).toHaveLength(1001 + tracked - erased);
      // Whatever was written during the erasure, the activities that are left have their session.
      await track();
      expect((await host.stored()).filter(({ session }) => session?.id !== 's')).toEqual([]);
    });

    it.each<[string, object]>([
      ['an empty filter', {}],
      ['a filter with undefined', { user: undefined }],
      ['a filter that is undefined in part', { user: 'jeff', session: undefined }],
      ['a filter with null', { user: null }],
      ['an empty user', { user: '' }],
      ['an unknown property', { userId: 'jeff' }],
      ['a property that every object has', { constructor: 'jeff' }],
    ])('nothing for %s', async (_, filter) => {
      await host.activities.track({ path: '/', user: { id: 'jeff' }, session: 's' });
      await expect(host.activities.erase(filter as ActivityFilter)).rejects.toThrow(InvalidFilterError);
      expect(await paths()).toEqual(['/']);
      expect(await sessions()).toEqual(['s']);
    });

    it('exactly what the filter matches', async () => {
      const some = fc.constantFrom('a', 'A', 'b', "' OR ''='");
      const key = fc.constantFrom('a', 'A', 'b');
      const anActivity = fc.record(
        { name: some, user: fc.record({ id: some }), session: key, visit: key },
        { requiredKeys: ['name'] },
      );
      const aFilter = fc
        .record({ user: some, session: key, visit: key, name: some }, { requiredKeys: [] })
        .filter((filter) => Object.keys(filter).length > 0);
      await fc.assert(
        fc.asyncProperty(fc.array(anActivity, { maxLength: 20 }), aFilter, async (activities, filter) => {
          await Promise.all(activities.map((each) => host.activities.track({ path: '/', ...each })));
          const before = await host.stored();
          const left = before.filter((activity) => !matches(activity, filter, before));
          expect(await host.activities.erase(filter)).toBe(before.length - left.length);
          expect(await host.stored()).toEqual(left);
          expect(await sessions()).toEqual(
            [...new Set(left.flatMap(({ sessionId }) => sessionId ?? []))].sort(),
          );
          await eraseAll();
        }),
        runs(30),
      );
    });
  });

  it('and the tracking route have the same sessions', async () => {
    await host.post({ date: new Date().toISOString(), path: '/1' });
    const session = (await host.stored())[0]?.sessionId ?? '';
    await host.activities.track({ path: '/2', session });
    expect((await host.activities.find({ session })).items).toHaveLength(2);
    expect(await sessions()).toEqual([session]);
  });

  it('finds all of the requests that came first at once, in one session', async () => {
    const keys = host.app.get(SigningKeys, { strict: false }).current;
    const [session, date] = ['s'.repeat(15), new Date()];
    const since = (+date).toString(36);
    const cookie = `djaffar_session=${keys?.sign(`${session}.${'v'.repeat(15)}.0..${since}`, +date)}`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => host.post({ date, path: `/${i}` }, { Cookie: cookie })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
    expect((await host.activities.find({ session })).items).toHaveLength(20);
    expect(await sessions()).toEqual([session]);
  });
});

function matches(
  { userId, sessionId, visitId, name }: Activity,
  filter: Pick<ActivityFilter, 'user' | 'session' | 'visit' | 'name'>,
  all: Activity[],
): boolean {
  const isInVisitOfUser =
    visitId !== null && all.some((other) => other.visitId === visitId && other.userId === filter.user);
  const values: Required<typeof filter> = {
    user: userId ?? ((isInVisitOfUser && filter.user) || ''),
    session: sessionId ?? '',
    visit: visitId ?? '',
    name,
  };
  return Object.entries(filter).every(([key, value]) => values[key as keyof typeof filter] === value);
}
