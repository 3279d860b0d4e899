import { randomUUID } from 'node:crypto';
import { DataSource, type ObjectLiteral } from 'typeorm';
import { type ActivityFilter, djaffarEntities } from '../../lib/index.js';
import { Activity } from '../../lib/activity/activity.js';
import { parseFilter } from '../../lib/activity/activity.filter.js';
import { Session } from '../../lib/activity/session.js';
import { chunks } from '../../lib/database/chunks.js';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import type { ErasureSelection } from '../../lib/store/erasure.types.js';
import { type Change, countToErase, Erasure, splitSelection } from '../../lib/store/typeorm/erasure.js';
import { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { CookielessVisit } from '../../lib/store/typeorm/tables/cookieless.entity.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 1, 12);

const all = (filter: ActivityFilter = { from: new Date(0) }): ErasureSelection => ({
  filter: parseFilter(filter),
  keepAnonymous: false,
});
const ERASE: Change = { kind: 'erase' };
const anonymise = (...properties: string[]): Change => ({ kind: 'anonymise', properties });

describe.each(FOUND)('an erasure on %s', (name) => {
  let database: TestDatabase;
  let dataSource: DataSource;
  /** Milliseconds of each step. */
  let steps: number[];

  beforeAll(async () => {
    database = await createMigratedDatabase(name);
    dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
  });

  afterAll(async () => {
    await dataSource?.destroy();
    await database?.drop();
  });

  beforeEach(() => {
    steps = [];
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const entity of [Activity, Session, DirtyRange, CookielessVisit])
      await dataSource.createQueryBuilder().delete().from(entity).execute();
  });

  function activityOf(minute: number, given: Partial<Activity> = {}): Activity {
    const date = new Date(START + minute * MINUTE);
    return Object.assign(new Activity(), {
      id: randomUUID(),
      date,
      receivedAt: date,
      name: 'view',
      path: `/${minute}`,
      ...given,
    });
  }

  const sessionOf = (id: string, bot = false): Session =>
    Object.assign(new Session(), { id, startedAt: new Date(START), bot });

  async function store(activities: Activity[], sessions: Session[] = []): Promise<void> {
    for (const some of chunks(activities)) await dataSource.manager.insert<ObjectLiteral>(Activity, some);
    await dataSource.manager.save(sessions);
  }

  const stored = (): Promise<Activity[]> => dataSource.manager.find(Activity, { order: { date: 'ASC' } });
  const paths = async (): Promise<string[]> => (await stored()).map(({ path }) => path);
  const sessions = async (): Promise<string[]> =>
    (await dataSource.manager.find(Session)).map(({ id }) => id).toSorted();

  const run = (
    selection: ErasureSelection,
    change: Change = ERASE,
    afterStep?: () => Promise<void>,
  ): Promise<number> =>
    new Erasure(
      dataSource,
      async (took) => {
        steps.push(took);
        await afterStep?.();
      },
      change,
    ).run(selection);

  /** Calls a function once when the next transaction begins. */
  function beforeNextTransaction(work: () => Promise<unknown>): void {
    const dialect = dialectOf(dataSource);
    const transact = dialect.transact.bind(dialect);
    jest.spyOn(dialect, 'transact').mockImplementationOnce(async (...given) => {
      await work();
      return transact(...given);
    });
  }

  it('erases what is selected, in the number that it returns, and marks its minutes dirty', async () => {
    await store([activityOf(1, { visitId: 'v1' }), activityOf(2), activityOf(3, { name: 'kept' })]);
    const selection = all({ name: 'view' });
    expect(await countToErase(dataSource, selection, ERASE)).toBe(2);
    expect(await run(selection)).toBe(2);
    expect(await paths()).toEqual(['/3']);
    const dirty = await dataSource.manager.find(DirtyRange, { order: { since: 'ASC' } });
    expect(dirty.map(({ since, visits, erased }) => [(+since - START) / MINUTE, visits, erased])).toEqual([
      [1, 'v1', true],
      [2, '', true],
    ]);
    expect(await countToErase(dataSource, selection, ERASE)).toBe(0);
  });

  it('does nothing if nothing is selected', async () => {
    await store([activityOf(1)]);
    expect(await run(all({ name: 'other' }))).toBe(0);
    expect(steps).toEqual([]);
    expect(await paths()).toEqual(['/1']);
  });

  it('marks nothing dirty if the counts are to stay', async () => {
    await store([activityOf(1, { sessionId: 's1' })], [sessionOf('s1')]);
    expect(await run(all(), { kind: 'erase-frozen' })).toBe(1);
    expect(await stored()).toEqual([]);
    expect(await sessions()).toEqual([]);
    expect(await dataSource.manager.count(DirtyRange)).toBe(0);
  });

  it('erases sessions that have no activities left, with their cookieless visits, and no others', async () => {
    await store(
      [
        activityOf(1, { sessionId: 'gone' }),
        activityOf(2, { sessionId: 'left' }),
        activityOf(3, { sessionId: 'left', name: 'kept' }),
      ],
      ['gone', 'left', 'other'].map((id) => sessionOf(id)),
    );
    await dataSource.manager.insert(
      CookielessVisit,
      ['gone', 'left'].map((sessionId) => ({
        sessionId,
        visitId: 'v',
        startedAt: new Date(START),
        lastSeen: new Date(START),
        user: '',
        version: 1,
      })),
    );
    await run(all({ name: 'view' }));
    expect(await sessions()).toEqual(['left', 'other']);
    expect((await dataSource.manager.find(CookielessVisit)).map(({ sessionId }) => sessionId)).toEqual([
      'left',
    ]);
  });

  it('reports the milliseconds of each step, also of one that fails', async () => {
    await store([activityOf(1)]);
    jest.spyOn(dialectOf(dataSource), 'transact').mockRejectedValueOnce(new Error('no answer'));
    await expect(run(all())).rejects.toThrow('no answer');
    expect(await run(all())).toBe(1);
    expect(steps).toHaveLength(2);
    for (const took of steps) {
      expect(took).toBeGreaterThanOrEqual(0);
      expect(took).toBeLessThan(60_000);
    }
  });

  it('takes several steps for many activities, and none of those that arrive later', async () => {
    await store(Array.from({ length: 1000 }, (_, i) => activityOf(i % 500)));
    let arrived = 0;
    const count = await run(all(), undefined, async () => {
      arrived += 1;
      await store([activityOf(499 + arrived)]);
    });
    expect(count).toBe(1000);
    expect(steps).toHaveLength(Math.ceil(1000 / dialectOf(dataSource).erasedAtOnce));
    expect(await stored()).toHaveLength(arrived);
  });

  it('erases the oldest first', async () => {
    const { erasedAtOnce } = dialectOf(dataSource);
    await store(Array.from({ length: erasedAtOnce + 1 }, (_, i) => activityOf(i)));
    const stopped = run(all(), undefined, () => Promise.reject(new Error('stopped')));
    await expect(stopped).rejects.toThrow('stopped');
    expect(await paths()).toEqual([`/${erasedAtOnce}`]);
  });

  it('restores a session for which an activity was being written at the same moment', async () => {
    await store([activityOf(1, { sessionId: 's1' })], [sessionOf('s1', true)]);
    const dialect = dialectOf(dataSource);
    const transact = dialect.transact.bind(dialect);
    jest.spyOn(dialect, 'transact').mockImplementationOnce(async (...given) => {
      const changed = await transact(...given);
      await store([activityOf(2, { sessionId: 's1' })]);
      return changed;
    });
    expect(await run(all())).toBe(1);
    expect(await dataSource.manager.find(Session)).toMatchObject([{ id: 's1', bot: true }]);
  });

  describe('of a user', () => {
    const before = { visitId: 'v1', path: '/before' };
    const own = { visitId: 'v1', userId: 'u', path: '/own' };

    it('takes what nobody did in the same visits, but not what others did', async () => {
      await store([
        activityOf(1, before),
        activityOf(2, own),
        activityOf(3, { visitId: 'v1', userId: 'other', path: '/other' }),
        activityOf(4, { visitId: 'v2', path: '/elsewhere' }),
        activityOf(5, { path: '/without a visit' }),
        activityOf(6, { userId: 'u', path: '/own without a visit' }),
      ]);
      expect(await countToErase(dataSource, all({ user: 'u' }), ERASE)).toBe(3);
      expect(await run(all({ user: 'u' }))).toBe(3);
      expect(await paths()).toEqual(['/other', '/elsewhere', '/without a visit']);
    });

    it('leaves what nobody did if that is to stay', async () => {
      await store([activityOf(1, before), activityOf(2, own)]);
      const selection = { ...all({ user: 'u' }), keepAnonymous: true };
      expect(splitSelection(selection, ERASE)).toHaveLength(1);
      expect(await run(selection)).toBe(1);
      expect(await paths()).toEqual(['/before']);
    });

    it('takes what becomes the activity of the user while it runs', async () => {
      const claimed = activityOf(1, { visitId: 'v2', path: '/claimed' });
      await store([claimed, activityOf(2, own)]);
      const claim = (): Promise<unknown> =>
        dataSource.manager.update(Activity, { id: claimed.id }, { userId: 'u' });
      beforeNextTransaction(claim);
      expect(await run(all({ user: 'u' }))).toBe(2);
      expect(await stored()).toEqual([]);
    });
  });

  describe('that anonymises', () => {
    const who = {
      userId: 'u',
      userName: 'User',
      groupId: 'company:1',
      groupName: 'Company',
      ipAddress: '192.0.2.1',
      sessionId: 's1',
    };

    it('removes who it was, and the session', async () => {
      await store([activityOf(1, { ...who, visitId: 'v1' })], [sessionOf('s1')]);
      expect(await countToErase(dataSource, all(), anonymise())).toBe(1);
      expect(await run(all(), anonymise())).toBe(1);
      expect(await stored()).toMatchObject([
        {
          path: '/1',
          visitId: 'v1',
          userId: null,
          userName: null,
          groupId: 'company:1',
          groupName: null,
          ipAddress: null,
          sessionId: null,
        },
      ]);
      expect(await sessions()).toEqual([]);
      expect(steps).toHaveLength(1);
      expect(await countToErase(dataSource, all(), anonymise())).toBe(0);
      expect(await run(all(), anonymise())).toBe(0);
      expect(steps).toHaveLength(1);
    });

    it('keeps the session of a bot', async () => {
      await store(
        [
          activityOf(1, who),
          activityOf(2, { sessionId: 'robot' }),
          activityOf(3, { ...who, sessionId: 'robot' }),
        ],
        [sessionOf('s1'), sessionOf('robot', true)],
      );
      expect(await countToErase(dataSource, all(), anonymise())).toBe(2);
      expect(await run(all(), anonymise())).toBe(2);
      expect((await stored()).map(({ sessionId, userId }) => [sessionId, userId])).toEqual([
        [null, null],
        ['robot', null],
        ['robot', null],
      ]);
      expect(await sessions()).toEqual(['robot']);
      expect(await run(all(), anonymise())).toBe(0);
    });

    it.each(['userId', 'userName', 'groupName', 'ipAddress', 'sessionId'] as const)(
      'changes an activity that has only the %s',
      async (column) => {
        await store(
          [activityOf(1, { [column]: who[column] }), activityOf(2)],
          [sessionOf('s1'), sessionOf('robot', true)],
        );
        expect(await countToErase(dataSource, all(), anonymise('phone'))).toBe(1);
        expect(await run(all(), anonymise('phone'))).toBe(1);
        expect(await stored()).toMatchObject([{ [column]: null }, {}]);
      },
    );

    it('removes properties, also from activities of nobody, and leaves the others', async () => {
      await store([
        activityOf(1, { properties: { phone: '1', plan: 'pro', street: '2' } }),
        activityOf(2, { properties: { phone: '1' } }),
        activityOf(3, { properties: { plan: 'phone' } }),
        activityOf(4, { properties: { deep: { phone: '1' } } }),
      ]);
      expect(await run(all(), anonymise('phone', 'street'))).toBe(2);
      expect((await stored()).map(({ properties }) => properties)).toEqual([
        { plan: 'pro' },
        null,
        { plan: 'phone' },
        { deep: { phone: '1' } },
      ]);
      expect(steps).toHaveLength(1);
    });

    it('removes a session that is missing', async () => {
      await store([activityOf(1, { sessionId: 'missing' })]);
      expect(await run(all(), anonymise())).toBe(1);
      expect(await stored()).toMatchObject([{ sessionId: null }]);
    });

    it('changes nothing that is not selected', async () => {
      await store([
        activityOf(1, { ...who, properties: { phone: '1' } }),
        activityOf(2, { userId: 'other', properties: { phone: '2' } }),
      ]);
      expect(await run(all({ user: 'u' }), anonymise('phone'))).toBe(1);
      expect((await stored()).map(({ userId, properties }) => [userId, properties])).toEqual([
        [null, null],
        ['other', { phone: '2' }],
      ]);
    });

    it('finds what has a property after very many that only look like it', async () => {
      const similar = Array.from({ length: 1001 }, (_, i) =>
        activityOf(i, { properties: { plan: 'phone' } }),
      );
      await store([...similar, activityOf(1001, { properties: { phone: '1' } })]);
      expect(await run(all(), anonymise('phone'))).toBe(1);
      expect((await stored()).at(-1)?.properties).toBeNull();
    });

    it.each(['a%b', 'a_b', 'a!b', 'a"b', String.raw`a\b`])(
      'finds the property %s, and no similar one',
      async (key) => {
        await store([
          activityOf(1, { properties: { [key]: 1 } }),
          activityOf(2, { properties: { axb: 1 } }),
          activityOf(3, { properties: { ab: 1 } }),
        ]);
        expect(await countToErase(dataSource, all(), anonymise(key))).toBe(1);
        expect(await run(all(), anonymise(key))).toBe(1);
        expect((await stored()).map(({ properties }) => properties)).toEqual([null, { axb: 1 }, { ab: 1 }]);
      },
    );

    it('keeps a property that is added at the same moment', async () => {
      const activity = activityOf(1, { properties: { phone: '1' } });
      await store([activity]);
      beforeNextTransaction(() =>
        dataSource.manager.update(Activity, { id: activity.id }, { properties: { phone: '1', plan: 'pro' } }),
      );
      expect(await run(all(), anonymise('phone'))).toBe(1);
      expect(await stored()).toMatchObject([{ properties: { plan: 'pro' } }]);
      expect(steps).toHaveLength(2);
    });

    it('gives up if the properties do not stop to change', async () => {
      const activity = activityOf(1, { properties: { phone: '1' } });
      await store([activity]);
      let changes = 0;
      const change = async (): Promise<void> => {
        changes += 1;
        await dataSource.manager.update(
          Activity,
          { id: activity.id },
          { properties: { phone: String(changes) } },
        );
      };
      await expect(run(all(), anonymise('phone'), change)).rejects.toThrow('have changed 50 times');
      expect(changes).toBe(51);
    });
  });
});
