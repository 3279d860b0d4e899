import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  type Activity,
  type ActivityFilter,
  consentCookie,
  type PersonalRecord,
  type ServerActivity,
} from '../../lib/index.js';
import type { SigningKey } from '../../lib/privacy/signing-key.js';
import { Scrubber } from '../../lib/activity/scrubber.js';
import { assignVisits } from '../../lib/tracking/visitor.js';
import { STORES } from '../support/databases.js';
import { cookieOf } from '../support/host.js';
import { runs } from '../support/property.js';
import {
  anActivity,
  IPS,
  NAMES,
  PATHS,
  SESSIONS,
  SUBJECTS,
  USERS,
  VISITS,
} from '../support/statistics/arbitrary-activities.js';
import { aRoute, matching, someProperties } from '../support/statistics/arbitrary-filters.js';
import { isOnPage, matches, matchesActivity } from '../support/statistics/filter.js';
import { byText } from '../support/statistics/order.js';
import { pageOf } from '../support/statistics/sources.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Milliseconds. */
const TIMEOUT = 60_000;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

/** Texts that careless SQL, JSON or patterns change. */
const TEXT = `a'b"c\\d\\\\ %_*?{x:String}\n\t\r ä🦋 --`;

describe.each(STORES)('a store on %s', (name) => {
  let database: StoreDatabase;
  let host: StoreHost;
  /** Another instance of the app. */
  let other: StoreHost;

  beforeAll(async () => {
    database = await createStore(name);
    host = await database.start();
    other = await database.start();
  });

  afterAll(async () => {
    await other?.close();
    await host?.close();
    await database?.drop();
  });

  afterEach(() => host.activities.erase({ from: new Date(0) }));

  const track = (...activities: ServerActivity[]): Promise<void[]> =>
    Promise.all(activities.map((activity) => host.activities.track(activity)));

  it('tells whether a user has been in another session', async () => {
    await track(
      { path: '/', user: { id: 'one' }, session: 'a' },
      { path: '/', user: { id: 'one' } },
      { path: '/', user: { id: TEXT }, session: 'a' },
      { path: '/', user: { id: TEXT }, session: 'b' },
    );
    expect(await host.store.isUserInOtherSession('one', 'a')).toBe(false);
    expect(await host.store.isUserInOtherSession('one', 'b')).toBe(true);
    expect(await host.store.isUserInOtherSession(TEXT, 'a')).toBe(true);
    expect(await host.store.isUserInOtherSession('nobody', 'a')).toBe(false);
  });

  it('adds up what each instance has counted by hour, an hour ahead of its clock as the current one', async () => {
    const hour = Date.now() - (Date.now() % HOUR);
    const ago = (hours: number): number => hour - hours * HOUR;
    await host.store.addOutcomes([{ hour: ago(2), cause: 'one', count: 3 }], TIMEOUT);
    await other.store.addOutcomes(
      [
        { hour: ago(2), cause: 'one', count: 4 },
        { hour: ago(2), cause: 'other', count: 1 },
        { hour: ago(31 * 24), cause: 'third', count: 9 },
        { hour: ago(-5), cause: 'third', count: 2 },
      ],
      TIMEOUT,
    );
    const found = await host.store.findOutcomes(ago(30 * 24));
    const counts = found.filter(({ cause }) => ['one', 'other', 'third'].includes(cause));
    expect(counts.toSorted((a, b) => byText(a.cause, b.cause))).toEqual([
      { hour: ago(2), cause: 'one', count: 7 },
      { hour: ago(2), cause: 'other', count: 1 },
      // The database's clock may be in the next hour.
      { hour: expect.any(Number), cause: 'third', count: 2 },
    ]);
  });

  it('finds its tables, and says how far statistics are behind', async () => {
    const findings = await host.store.inspect();
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(findings).toContainEqual({ level: 'ok', text: expect.stringMatching(/tables.* are there/) });
    await track({ path: '/' });
    await other.stats.overview();
    const { lag, now } = await host.store.findLag();
    expect(lag).toBeGreaterThanOrEqual(0);
    expect(lag).toBeLessThan(240_000);
    expect(Math.abs(now - Date.now())).toBeLessThan(240_000);
  });

  describe('stores', () => {
    it('each property as it was given, and the session with the first user agent', async () => {
      const given = {
        id: randomUUID(),
        date: new Date('2026-11-01T12:34:56.789Z'),
        name: 'bought',
        path: Array.from(`/${TEXT}${'🦋'.repeat(2048)}`)
          .slice(0, 2048)
          .join(''),
        referer: `https://example.org/${TEXT}`,
        route: `/${TEXT}`,
        user: { id: TEXT, name: TEXT },
        group: { type: 'company', id: TEXT, name: TEXT },
        session: 'session-1',
        visit: 'visit-1',
        subject: `order:${TEXT}`,
        interactive: false,
        ip: '2001:db8::1',
        userAgent: FIREFOX,
        country: 'de',
        language: 'en-us',
        properties: {
          text: TEXT,
          [TEXT]: 1.5,
          deep: { list: [1, null, true, ''] },
          empty: '',
          none: null,
        },
      } satisfies ServerActivity;
      const before = Date.now();
      await track(given);
      await track({ path: '/later', session: 'session-1', userAgent: CHROME, country: 'FR', language: 'fr' });
      const { items } = await other.activities.find({ session: 'session-1' }, { order: 'asc' });
      const [stored, later] = items;
      expect(stored).toMatchObject({
        id: given.id,
        date: given.date,
        name: given.name,
        path: given.path,
        referer: given.referer,
        route: given.route,
        userId: TEXT,
        userName: TEXT,
        groupId: `company:${TEXT}`,
        groupName: TEXT,
        sessionId: given.session,
        visitId: given.visit,
        subject: given.subject,
        interactive: false,
        ipAddress: given.ip,
        properties: given.properties,
        session: {
          id: given.session,
          userAgent: FIREFOX,
          browser: 'Firefox',
          system: 'Linux',
          device: 'desktop',
          country: 'DE',
          language: 'en-US',
          bot: false,
        },
      });
      expect(stored?.receivedAt.getTime()).toBeGreaterThanOrEqual(before - 2000);
      expect(later).toMatchObject({
        visitId: null,
        userId: null,
        groupId: null,
        groupName: null,
        properties: null,
        interactive: null,
        session: stored?.session,
      });
    });

    it('an id once, and keeps the first version', async () => {
      const id = randomUUID();
      const date = new Date('2026-11-01T12:00Z');
      // The start of a visit of this form is not looked up in the database, which could change the order of simultaneous activities.
      const visit = assignVisits(undefined, [{ date: date.getTime() }], undefined).visits[0] ?? '';
      const first = { id, path: '/first', date, visit, session: 's1' };
      // With one transaction at a time, the first is stored first, in the same batch or before the second.
      const single = await database.start({ writer: { concurrency: 1 } });
      jest.spyOn(Scrubber.prototype, 'scrub').mockImplementationOnce((path) => {
        // Takes longer to prepare than the second.
        const end = performance.now() + 20;
        while (performance.now() < end);
        return path;
      });
      await Promise.all([
        single.activities.track(first),
        single.activities.track({ ...first, path: '/same batch' }),
      ]);
      jest.restoreAllMocks();
      await single.close();
      for (const instance of [host, other])
        await instance.activities.track({
          ...first,
          path: '/second',
          date: '2026-03-01T12:00Z',
          visit: 'v2',
          session: 's2',
        });
      expect(await other.activities.count()).toBe(1);
      const [stored] = await host.stored();
      expect(stored).toMatchObject({ id, path: '/first', visitId: visit, date });
    });

    it('an id once if two instances are given it at the same moment, in other visits', async () => {
      for (let round = 0; round < 5; round += 1) {
        const ids = Array.from({ length: 20 }, () => randomUUID());
        await Promise.all(
          [host, other].flatMap(({ activities }, i) =>
            ids.map((id) =>
              activities.track({
                id,
                path: `/${i}`,
                date: '2026-11-01T12:00Z',
                visit: `v${i}`,
                session: `s${i}`,
              }),
            ),
          ),
        );
        expect(await host.activities.count()).toBe(20 * (round + 1));
        expect(new Set((await other.stored()).map(({ id }) => id)).size).toBe(20 * (round + 1));
        expect(await other.stored()).toHaveLength(20 * (round + 1));
      }
      const range = { from: '2026-11-01', to: '2026-11-01' };
      const stored = await host.stored();
      const { visits, activities } = await other.stats.overview(range);
      expect(activities.value).toBe(100);
      expect(visits.value).toBe(new Set(stored.map(({ visitId }) => visitId)).size);
      expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('what belongs together in one batch, however far apart its dates are', async () => {
      const activities = Array.from({ length: 100 }, (_, i) => ({
        path: `/${i}`,
        date: new Date(i * 200 * DAY),
      }));
      await track(...activities);
      expect((await host.stored()).map(({ path }) => path)).toEqual(activities.map(({ path }) => path));
    });
  });

  describe('finds', () => {
    let stored: Activity[];

    const aFilter: fc.Arbitrary<ActivityFilter> = fc
      .record({
        user: matching(fc.constantFrom(...USERS)),
        session: matching(fc.constantFrom(...SESSIONS)),
        visit: matching(fc.constantFrom(...VISITS)),
        path: matching(fc.constantFrom(...PATHS, '/*', '/p*', '/a%*', '/a_*', '/🦋*', '*')),
        page: matching(fc.constantFrom(...PATHS, '/*', '/p*')),
        route: matching(aRoute),
        subject: matching(fc.constantFrom(...SUBJECTS)),
        name: matching(fc.constantFrom(...NAMES)),
        ip: matching(fc.constantFrom(...IPS)),
        properties: someProperties,
        from: fc.constantFrom('2024-10-01', '2025-03-09T07:00Z', new Date('2025-10-26T01:00Z')),
        to: fc.constantFrom('2025-11-02', '2025-10-26T01:00:01Z', '9999-12-31'),
      })
      .chain((filter) => fc.subarray(Object.entries(filter), { maxLength: 3 }))
      .map((entries) => Object.fromEntries(entries));

    async function fill(): Promise<void> {
      for (const activities of fc.sample(
        fc.array(anActivity, { minLength: 100, maxLength: 100, size: 'max' }),
        2,
      ))
        await track(...activities);
      await track(
        { path: '/orders/1', date: '2026-11-01T12:00Z', route: '/orders/:id', subject: ['order', 1] },
        { path: '/orders/12', date: '2026-11-01T12:01Z', route: '/orders/:id/pay', subject: 'order:12' },
      );
      stored = await host.stored();
    }

    it('what matches a filter, in pages of the order of date and id', async () => {
      await fill();
      expect(stored).toEqual(stored.toSorted((a, b) => +a.date - +b.date || byText(a.id, b.id)));
      await fc.assert(
        fc.asyncProperty(
          aFilter,
          fc.constantFrom('asc', 'desc'),
          fc.constantFrom(3, 50, 1000),
          async (filter, order, limit) => {
            const expected = stored.filter((activity) => isMatch(activity, filter));
            const found: Activity[] = [];
            let after: string | undefined;
            do {
              const { items, next } = await other.activities.find(filter, { order, limit, after });
              found.push(...items);
              after = next ?? undefined;
            } while (after !== undefined && found.length < 60);
            expect(found).toEqual(
              (order === 'asc' ? expected : expected.toReversed()).slice(0, found.length),
            );
            expect(found.length === expected.length).toBe(after === undefined);
            expect(await host.activities.count(filter)).toBe(expected.length);
          },
        ),
        runs(40),
      );
      const paths = async (filter: ActivityFilter): Promise<string[]> =>
        (await host.activities.find(filter, { order: 'asc' })).items.map(({ path }) => path);
      expect(await paths({ route: '/orders/:id' })).toEqual(['/orders/1']);
      expect(await paths({ route: '/orders/:id*' })).toEqual(['/orders/1', '/orders/12']);
      expect(await paths({ subject: ['order', 12] })).toEqual(['/orders/12']);
      expect(await host.activities.count({ subject: ['order', 2] })).toBe(0);
    });

    it('activities after a cursor, for a resumed export', async () => {
      await fill();
      const middle = stored[100];
      const place = await host.store.findCursor(middle?.id ?? '', {});
      expect(place).toEqual({ date: middle?.date.getTime(), id: middle?.id });
      const ids: string[] = [];
      for await (const rows of host.store.pages({}, place)) ids.push(...rows.map(({ id }) => id));
      expect(ids).toEqual(stored.slice(101).map(({ id }) => id));
      expect(await host.store.findCursor(randomUUID(), {})).toBeUndefined();
    });

    it('what was received lately, without what is known', async () => {
      const ids = [randomUUID(), randomUUID(), randomUUID()];
      for (const id of ids)
        await host.activities.track({ id, path: '/', date: new Date(0), session: 's1', userAgent: FIREFOX });
      const all = await other.store.findReceived(60_000, 10, new Set(), {});
      expect(all.ids.toSorted()).toEqual(ids.toSorted());
      expect(all.activities.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      expect(all.activities[0]?.session?.browser).toBe('Firefox');
      const { activities } = await other.store.findReceived(60_000, 10, new Set(ids.slice(0, 2)), {});
      expect(activities.map(({ id }) => id)).toEqual(ids.slice(2));
    });

    it('the feed, the sessions and the last activity of a user', async () => {
      const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 1, 12, minute));
      const user = { id: TEXT };
      await track(
        { path: '/a', date: at(1), user, session: 's1', userAgent: FIREFOX, country: 'DE', language: 'de' },
        { path: '/a', date: at(2), user, session: 's2', userAgent: CHROME },
        { path: '/b', date: at(3), user, session: 's2', userAgent: CHROME },
        { path: '/b', date: at(4), user, name: 'engagement', session: 's2', userAgent: CHROME },
        { path: '/c', date: at(5), user: { id: 'another' }, session: 's2', userAgent: CHROME },
      );
      expect(await other.activities.feed({ user: TEXT })).toMatchObject([
        { path: '/b', count: 1, date: at(3) },
        { path: '/a', count: 2, date: at(2), since: at(1) },
      ]);
      expect(await host.activities.lastSeen([TEXT, 'another', 'nobody'])).toEqual(
        new Map([
          [TEXT, at(4)],
          ['another', at(5)],
        ]),
      );
      expect(await host.activities.sessions(TEXT, 's1')).toEqual([
        expect.objectContaining({
          id: 's2',
          browser: 'Chrome',
          country: null,
          language: null,
          firstSeen: at(2),
          lastSeen: at(4),
          current: false,
        }),
        expect.objectContaining({
          id: 's1',
          browser: 'Firefox',
          country: 'DE',
          language: 'de',
          firstSeen: at(1),
          lastSeen: at(1),
          current: true,
        }),
      ]);
    });

    it('how many ids are stored', async () => {
      await track({ path: '/', date: new Date(1000) }, { path: '/', date: new Date(2000) });
      const ids = (await host.activities.find()).items.map(({ id }) => id);
      expect(ids).toHaveLength(2);
      expect(await other.store.countStored([...ids, randomUUID()])).toBe(2);
      expect(await other.store.countStored([])).toBe(0);
    });

    it('when visits began and ended', async () => {
      await track(
        { path: '/', date: new Date(1000), visit: 'v1' },
        { path: '/', date: new Date(3000), visit: 'v1' },
        { path: '/', date: new Date(2000), visit: 'v2' },
      );
      const spans = await other.store.findVisitSpans(['v1', 'v2', 'v3']);
      expect(spans.toSorted((a, b) => byText(a.id, b.id))).toEqual([
        { id: 'v1', first: 1000, last: 3000 },
        { id: 'v2', first: 2000, last: 2000 },
      ]);
    });
  });

  describe('erases', () => {
    const date = new Date('2026-11-01T12:00Z');

    it('what matches, with sessions that have nothing left, from activities and statistics', async () => {
      await track(
        { path: '/a', date, session: 'e1', visit: 'v1', userAgent: FIREFOX },
        { path: '/b', date, session: 'e1', visit: 'v1', userAgent: FIREFOX },
        { path: '/a', date, session: 'e2', visit: 'v2', userAgent: CHROME },
      );
      const range = { from: '2026-11-01', to: '2026-11-01' };
      expect((await other.stats.overview(range)).visits.value).toBe(2);
      expect(await host.activities.countToErase({ path: '/a' })).toBe(2);
      expect(await host.activities.erase({ path: '/a' })).toBe(2);
      for (const { activities, stats } of [host, other]) {
        expect((await activities.find()).items).toMatchObject([
          { path: '/b', session: { browser: 'Firefox' } },
        ]);
        expect(await stats.overview(range)).toMatchObject({
          visits: { value: 1 },
          sessions: { value: 1 },
          activities: { value: 1 },
          bounceRate: { value: 1 },
        });
      }
      expect(await host.activities.erase({ path: '/a' })).toBe(0);
      // The session is new again.
      await other.activities.track({ path: '/c', session: 'e2', userAgent: FIREFOX });
      expect((await host.activities.find({ session: 'e2' })).items[0]?.session?.browser).toBe('Firefox');
      expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('what a user did before the login in the same visit, unless it is to be kept', async () => {
      const fill = (): Promise<void[]> =>
        track(
          { path: '/before', date, visit: 'v1' },
          { path: '/after', date, visit: 'v1', user: { id: 'u' } },
          { path: '/someone', date, visit: 'v1', user: { id: 'other' } },
          { path: '/another visit', date, visit: 'v2' },
        );
      await fill();
      expect(await host.activities.erase({ user: 'u' }, { keepAnonymous: true })).toBe(1);
      await fill();
      expect(await host.activities.countToErase({ user: 'u' })).toBe(3);
      expect(await host.activities.erase({ user: 'u' })).toBe(3);
      expect((await host.stored()).map(({ path }) => path)).not.toContain('/before');
    });

    it('and stores an erased id again, if it is sent again', async () => {
      const activity = { id: randomUUID(), path: '/', date };
      await track(activity);
      await host.activities.erase({ path: '/' });
      await track(activity);
      expect(await host.activities.count()).toBe(1);
    });

    it('and restores a session that has activities of another instance', async () => {
      const activity = { path: '/', session: 's1', userAgent: FIREFOX, visit: 'v1' };
      await track(activity);
      await other.activities.erase({ session: 's1' });
      // This instance knows the session, and does not store it again at once.
      await track(activity);
      const session = {
        id: 's1',
        row: () => ({
          id: 's1',
          userAgent: FIREFOX,
          startedAt: date,
          browser: 'Firefox',
          system: 'Linux',
          device: 'desktop',
          country: 'DE',
          language: 'de',
          bot: false,
          consent: true,
        }),
      };
      const unknown = { ...session, id: 's2' };
      await host.store.restoreSessions([session, unknown]);
      expect((await other.stored())[0]?.session?.browser).toBe('Firefox');
      expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });
  });

  it('streams what an erasure of a user would erase: sessions, visits and activities', async () => {
    const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 1, 12, minute));
    const common = { session: 's1', visit: 'v1', userAgent: FIREFOX, country: 'DE', language: 'de' };
    const details = { ip: '192.0.2.1', properties: { text: TEXT }, referer: 'https://a.example/' };
    await track(
      { ...common, ...details, path: '/before?utm_source=news', date: at(1) },
      { ...common, path: '/own', date: at(3), user: { id: TEXT, name: TEXT } },
      { ...common, path: '/of another', date: at(4), user: { id: 'another' } },
      { path: '/elsewhere', date: at(5), user: { id: TEXT } },
      { path: '/nobody', date: at(6), session: 's2', visit: 'v2', userAgent: CHROME },
    );
    await other.stats.overview();
    const read = async (keepAnonymous: boolean): Promise<PersonalRecord[]> => {
      const records: PersonalRecord[] = [];
      for await (const record of other.activities.export({ user: TEXT }, { keepAnonymous }))
        records.push(record);
      return records;
    };
    const records = await read(false);
    expect(records.filter(({ kind }) => kind !== 'activity')).toEqual([
      {
        kind: 'session',
        data: expect.objectContaining({ id: 's1', userAgent: FIREFOX, country: 'DE' }),
      },
      {
        kind: 'visit',
        data: {
          id: 'v1',
          sessionId: 's1',
          userId: 'another',
          startedAt: at(1),
          endedAt: at(4),
          duration: 180,
          activities: 3,
          views: 3,
          bounced: false,
          browser: 'Firefox',
          system: 'Linux',
          device: 'desktop',
          country: 'DE',
          language: 'de',
          referrer: 'a.example',
          utmSource: 'news',
          utmMedium: null,
          utmCampaign: null,
          utmTerm: null,
          utmContent: null,
        },
      },
    ]);
    const activities = records.flatMap((record) => (record.kind === 'activity' ? [record.data] : []));
    const stored = await host.stored();
    expect(activities).toEqual(
      stored
        .filter(({ path, userId }) => userId === TEXT || path.startsWith('/before'))
        .map((activity) => ({ ...activity, session: undefined })),
    );
    expect(activities).toHaveLength(await host.activities.countToErase({ user: TEXT }));
    expect((await read(true)).flatMap(({ kind, data }) => (kind === 'activity' ? data.path : []))).toEqual([
      '/own',
      '/elsewhere',
    ]);
  });

  it('erases what is too old', async () => {
    const day = Date.UTC(2026, 10, 1);
    await track(
      { path: '/old', date: new Date(day - 1), visit: 'v1' },
      { path: '/left', date: new Date(day + 1), name: 'engagement', visit: 'v2' },
      { path: '/new', date: new Date(day + 1), visit: 'v2' },
    );
    const names = [{ name: 'engagement', before: day + 2 }];
    const plan = { eraseBefore: day, figures: 'erase' as const, names, properties: [] };
    expect(await other.store.previewRetention(plan)).toEqual({ erased: 2, anonymised: 0 });
    const before = await host.store.retainedAt();
    expect(await host.store.retain(plan, async () => {})).toEqual({ erased: 2, anonymised: 0 });
    expect((await host.stored()).map(({ path }) => path)).toEqual(['/new']);
    expect((await other.store.retainedAt()).doneAt).toBeGreaterThanOrEqual(before.now);
    expect(await other.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });

  it('anonymises what is too old, once', async () => {
    const day = Date.UTC(2026, 10, 1);
    const who = { user: { id: 'u', name: 'User' }, session: 's1', properties: { phone: '1', plan: 'pro' } };
    await track(
      { ...who, path: '/older', date: new Date(day - 2), visit: 'v1' },
      { ...who, path: '/old', date: new Date(day - 1), visit: 'v2' },
      { path: '/nobody', date: new Date(day) },
      { ...who, path: '/new', date: new Date(day + 1), visit: 'v2' },
    );
    const plan = {
      eraseBefore: day - 1,
      figures: 'erase' as const,
      names: [],
      anonymiseBefore: day,
      properties: ['phone'],
    };
    expect(await other.store.previewRetention(plan)).toEqual({ erased: 1, anonymised: 1 });
    expect(await host.store.retain(plan, async () => {})).toEqual({ erased: 1, anonymised: 1 });
    expect((await other.stored()).map(({ path, userId, properties }) => [path, userId, properties])).toEqual([
      ['/old', null, { plan: 'pro' }],
      ['/nobody', null, null],
      ['/new', 'u', who.properties],
    ]);
    expect(await host.store.previewRetention(plan)).toEqual({ erased: 0, anonymised: 0 });
    expect(await other.store.retain(plan, async () => {})).toEqual({ erased: 0, anonymised: 0 });
    expect(await other.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });

  describe('anonymises', () => {
    const date = new Date('2026-11-01T12:00Z');
    const range = { from: '2026-11-01', to: '2026-11-01' };
    const who = {
      user: { id: 'u', name: 'User' },
      group: { type: 'company', id: '1', name: 'Company' },
      ip: '192.0.2.1',
      userAgent: FIREFOX,
    };

    it('what matches: removes who it was, keeps what was done, and the counts', async () => {
      await track(
        { ...who, path: '/a?utm_source=news', date, session: 's1', visit: 'v1' },
        { ...who, path: '/b', date, session: 's1', visit: 'v1' },
        { ...who, path: '/c', date, session: 's2', visit: 'v2' },
        { ...who, path: '/d', date, session: 's2', visit: 'v2', user: { id: 'another', name: 'Another' } },
        { path: '/nobody', date, visit: 'v3' },
      );
      const before = await other.stats.overview(range);
      const paths = await other.stats.top('path', range);
      expect(await host.activities.anonymise({ user: 'u' })).toBe(3);
      for (const instance of [host, other]) {
        const { activities, stats } = instance;
        expect(await activities.count({ user: 'u' })).toBe(0);
        expect(await activities.count({ session: 's1' })).toBe(0);
        const own = (await instance.stored()).filter(({ path }) => /^\/[abc]/.test(path));
        expect(own).toHaveLength(3);
        for (const activity of own)
          expect(activity).toMatchObject({
            userId: null,
            userName: null,
            groupId: 'company:1',
            groupName: null,
            ipAddress: null,
            sessionId: null,
            session: null,
          });
        expect((await instance.stored()).find(({ path }) => path === '/d')).toMatchObject({
          userId: 'another',
          ipAddress: who.ip,
          session: { id: 's2', browser: 'Firefox' },
        });
        const { visits, views, activities: counted, visitDuration } = before;
        expect(await stats.overview(range)).toMatchObject({
          visits,
          views,
          activities: counted,
          visitDuration,
          users: { value: 1 },
        });
        expect((await stats.top('path', range)).items).toEqual(paths.items);
        expect((await stats.top('user', range)).items).toEqual([
          { value: 'another', count: 1, name: 'Another' },
        ]);
      }
      expect(await host.activities.anonymise({ user: 'u' })).toBe(0);
      expect(await host.activities.anonymise({ path: '/a*' })).toBe(0);
      expect(await other.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      // The session is new again.
      await other.activities.track({ path: '/e', session: 's1', userAgent: CHROME });
      expect((await host.activities.find({ session: 's1' })).items[0]?.session?.browser).toBe('Chrome');
    });

    it('what a user did before the login in the same visit, unless it is to be kept', async () => {
      await track(
        { path: '/before', date, session: 's1', visit: 'v1' },
        { path: '/after', date, session: 's1', visit: 'v1', user: { id: 'u' } },
        { path: '/kept', date, session: 's2', visit: 'v2' },
        { path: '/of u2', date, session: 's2', visit: 'v2', user: { id: 'u2' } },
      );
      expect(await host.activities.anonymise({ user: 'u' })).toBe(2);
      expect(await host.activities.anonymise({ user: 'u2' }, { keepAnonymous: true })).toBe(1);
      expect(
        (await other.stored()).flatMap(({ path, sessionId }) => (sessionId === null ? [] : [path])),
      ).toEqual(['/kept']);
    });

    it('what bots did, and keeps their sessions', async () => {
      const bot = { ...who, userAgent: 'Googlebot/2.1', session: 'robot', visit: 'v1' };
      await track(
        { ...bot, path: '/a', date },
        { path: '/b', date, userAgent: bot.userAgent, session: 'robot', visit: 'v1' },
        { path: '/c', date, session: 's1', visit: 'v2' },
      );
      expect(await host.activities.anonymise({ ...range })).toBe(2);
      expect(
        (await other.stored()).map(({ userId, ipAddress, session }) => [userId, ipAddress, session?.bot]),
      ).toEqual([
        [null, null, true],
        [null, null, true],
        [null, null, undefined],
      ]);
      expect((await other.stats.overview(range)).visits.value).toBe(1);
      expect(await host.activities.anonymise({ ...range })).toBe(0);
      expect(await other.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it.each(['phone', 'a%b', 'a_b', `a"b'c`, String.raw`a\b`, 'ä🦋', '1'])(
      'the property %s, and leaves the others as they were',
      async (key) => {
        const others = {
          text: TEXT,
          [TEXT]: [1.5, null, { [key]: 1 }],
          aXb: 0.1,
          empty: '',
          small: 5e-324,
          integer: Number.MAX_SAFE_INTEGER,
          precise: -123_456_789.123_456_78,
        };
        await track(
          { path: '/1', date: new Date(1), properties: { ...others, [key]: 'secret' } },
          { path: '/2', date: new Date(2), properties: { [key]: { deep: 'secret' } } },
          { path: '/3', date: new Date(3), properties: others },
          { path: '/4', date: new Date(4), properties: { plan: key, deep: { [key]: 1 } } },
          { ...who, path: '/5', date: new Date(5), properties: { [key]: null }, visit: 'v', session: 's' },
        );
        const selection = { filter: {}, keepAnonymous: false };
        expect(await host.store.anonymise(selection, [key, 'another'], () => {})).toBe(3);
        expect((await other.stored()).map(({ properties }) => properties)).toEqual([
          others,
          null,
          others,
          { plan: key, deep: { [key]: 1 } },
          null,
        ]);
        expect((await other.stored()).at(-1)).toMatchObject({ userId: null, sessionId: null, session: null });
        expect(await host.store.anonymise(selection, [key, 'another'], () => {})).toBe(0);
      },
    );

    it('different properties at the same moment', async () => {
      const keys = ['phone', 'street', 'city'];
      const secret = { phone: '1', street: '2', city: '3' };
      const activities = Array.from({ length: 40 }, () => ({
        path: '/',
        date,
        properties: { ...secret, plan: 'pro' },
      }));
      await track(...activities);
      await Promise.all(
        keys.map((key, i) =>
          (i === 0 ? host : other).activities.anonymise({ path: '/' }, { properties: [key] }),
        ),
      );
      const left = new Set((await host.stored()).map(({ properties }) => JSON.stringify(properties)));
      expect(left).toEqual(new Set(['{"plan":"pro"}']));
    });

    it('in steps, after each of which it reports', async () => {
      await track({ ...who, path: '/', date, session: 's1', visit: 'v1' });
      const step = jest.fn();
      const selection = { filter: { user: 'u' }, keepAnonymous: false };
      await host.store.anonymise(selection, [], step);
      expect(step.mock.calls.length).toBeGreaterThan(0);
      step.mockClear();
      await host.store.anonymise(selection, [], step);
      expect(step).not.toHaveBeenCalled();
    });
  });

  it('shows a scope nothing of what is outside', async () => {
    const shop = (number: number): Partial<ServerActivity> => ({
      properties: { shop: number },
      date: '2026-11-01T12:00Z',
    });
    await track(
      { path: '/a', session: 's1', visit: 'v1', user: { id: 'u', name: 'One' }, ...shop(1) },
      { path: '/b', session: 's1', visit: 'v1', ...shop(1) },
      { path: '/a', session: 's2', visit: 'v2', ...shop(1) },
      { path: '/secret', session: 's2', visit: 'v2', user: { id: 'u', name: 'Two' }, ...shop(2) },
      { path: '/secret', session: 's3', visit: 'v3', date: '2026-11-01T13:00Z' },
    );
    const scope = { properties: { shop: 1 } };
    const range = { from: '2026-11-01', to: '2026-11-01' };
    const activities = other.activities.scoped(scope);
    const stats = other.stats.scoped(scope);
    expect((await activities.find({}, { order: 'asc' })).items.map(({ path }) => path).toSorted()).toEqual([
      '/a',
      '/a',
      '/b',
    ]);
    expect(await activities.count({ path: '/secret' })).toBe(0);
    expect(await stats.overview(range)).toMatchObject({
      activities: { value: 3 },
      visits: { value: 1 },
      users: { value: 1 },
    });
    expect((await stats.top('path', range)).items).toEqual([
      { value: '/a', count: 2 },
      { value: '/b', count: 1 },
    ]);
    expect((await stats.top('user', range)).items).toEqual([{ value: 'u', count: 1, name: 'One' }]);
    expect((await stats.top('user', { ...range, search: 'two' })).items).toEqual([]);
    expect((await stats.visits(range)).items.map(({ id }) => id)).toEqual(['v1']);
    expect(await activities.erase({ session: 's2' })).toBe(1);
    expect(await host.activities.count({ path: '/secret' })).toBe(2);
  });

  describe('with an option of privacy', () => {
    let own: StoreHost;

    afterEach(() => own.close());

    const agreed = { Cookie: 'djaffar_consent=1' };
    async function view(headers: Record<string, string> = {}): Promise<string> {
      const response = await fetch(`${own.url}/djaffar/track/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'User-Agent': FIREFOX, ...headers },
        body: JSON.stringify({ date: new Date().toISOString(), path: '/' }),
      });
      expect(response.status).toBe(204);
      return cookieOf(response);
    }
    const asJeff = { user: () => ({ id: 'jeff', name: 'Jeff' }) };

    it('cnil, knows no user and no whole address, but the session', async () => {
      own = await database.start({ privacy: 'cnil', ...asJeff });
      const cookie = await view();
      await view({ Cookie: cookie });
      await own.activities.track({ path: '/server', user: { id: 'jeff', name: 'Jeff' }, ip: '192.0.2.17' });
      const [first, second, ofServer] = await host.stored();
      expect(first).toMatchObject({ userId: null, userName: null, ipAddress: '127.0.0.0' });
      expect(second).toMatchObject({ sessionId: first?.sessionId, visitId: first?.visitId });
      expect(first?.session).toMatchObject({ browser: 'Firefox', consent: null });
      expect(ofServer).toMatchObject({ userId: null, userName: null, ipAddress: '192.0.2.0' });
    });

    it('consent, stores nothing without it, and who it was with it', async () => {
      own = await database.start({ consent: consentCookie, withoutConsent: 'nothing', ...asJeff });
      expect(await view()).toBe('');
      expect(await view({ Cookie: 'djaffar_consent=0' })).toBe('');
      expect(await host.stored()).toEqual([]);
      expect(await view(agreed)).toMatch(/^djaffar_session=/);
      expect(await host.stored()).toMatchObject([
        { userId: 'jeff', ipAddress: '127.0.0.1', session: { consent: true } },
      ]);
    });

    it('consent and cnil, stores no user either', async () => {
      own = await database.start({
        privacy: 'cnil',
        consent: consentCookie,
        withoutConsent: 'nothing',
        ...asJeff,
      });
      await view();
      await view(agreed);
      expect(await host.stored()).toMatchObject([{ userId: null, session: { consent: true } }]);
    });

    it.each(['keep', 'erase'] as const)('consent that is withdrawn: %s', async (onWithdrawal) => {
      own = await database.start({ consent: consentCookie, withoutConsent: 'nothing', onWithdrawal });
      const cookie = await view(agreed);
      await view({ Cookie: `${cookie}; ${agreed.Cookie}` });
      await view(agreed);
      const sessions = (await host.stored()).map(({ sessionId }) => sessionId);
      expect(new Set(sessions).size).toBe(2);
      expect(await Promise.all([1, 2, 3].map(() => view({ Cookie: cookie })))).toEqual(
        Array.from({ length: 3 }, () => 'djaffar_session='),
      );
      const left = (await host.stored()).map(({ sessionId }) => sessionId);
      expect(left).toEqual(onWithdrawal === 'keep' ? sessions : sessions.slice(2));
      expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('consent that is withdrawn, erases no session of the time before it was asked for', async () => {
      own = await database.start();
      const cookie = await view();
      await own.close();
      own = await database.start({
        consent: consentCookie,
        withoutConsent: 'nothing',
        onWithdrawal: 'erase',
      });
      expect(await view({ Cookie: cookie })).toBe('djaffar_session=');
      expect((await host.stored()).map(({ session }) => session?.consent)).toEqual([null]);
    });
  });

  it('gives all instances the same keys', async () => {
    let made = 0;
    const next = (secret: string) => (newest: SigningKey | undefined) => {
      made += 1;
      return newest && newest.number >= 2 ? undefined : { number: 2, createdAt: new Date(1000), secret };
    };
    const load = (): Promise<SigningKey[][]> =>
      Promise.all([host, other].map(({ store }, i) => store.loadSigningKeys(next(`secret ${i}`), 60_000)));
    await load();
    const [first, second] = await load();
    expect(first).toHaveLength(2);
    expect(first).toEqual(second);
    expect(made).toBe(4);
  });

  it('adds user agents to sessions later', async () => {
    await track({ path: '/', session: 's1', visit: 'v1', date: '2026-11-01T12:00Z' });
    const range = { from: '2026-11-01', to: '2026-11-01', browser: 'Firefox' };
    expect((await host.stats.overview(range)).visits.value).toBe(0);
    expect(
      await host.store.addUserAgents(
        new Map([
          ['s1', FIREFOX],
          ['unknown', CHROME],
        ]),
      ),
    ).toBe(1);
    expect(await host.store.addUserAgents(new Map([['s1', CHROME]]))).toBe(0);
    expect((await other.stored())[0]?.session).toMatchObject({ browser: 'Firefox', userAgent: FIREFOX });
    expect((await other.stats.overview(range)).visits.value).toBe(1);
  });

  it('computes what is derived from the activities again', async () => {
    for (const activities of fc.sample(
      fc.array(anActivity, { minLength: 50, maxLength: 50, size: 'max' }),
      1,
    ))
      await track(...activities);
    await host.store.rebuild();
    expect(await host.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
  });
});

function isMatch(
  activity: Activity,
  { from, to, page, path, session, visit, ...filter }: ActivityFilter,
): boolean {
  const instant = (at: Date | string, end: number): number =>
    at instanceof Date ? at.getTime() : Date.parse(at) + (/^[\d-]{10}$/.test(at) ? end : 0);
  return (
    matchesActivity({ stored: activity, page: pageOf(activity.path) }, { ...filter, path: page }) &&
    matches(activity.sessionId, session) &&
    matches(activity.visitId, visit) &&
    matches(activity.path, path, isOnPage) &&
    (from === undefined || activity.date.getTime() >= instant(from, 0)) &&
    (to === undefined || activity.date.getTime() < instant(to, DAY))
  );
}
