import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { djaffarEntities } from '../../lib/index.js';
import { Activity } from '../../lib/activity/activity.js';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import {
  dirtyRangesForDelete,
  dirtyRangesForInsert,
  type NewDirtyRange,
} from '../../lib/store/typeorm/statistics/rollup/dirty-ranges.js';
import { loadState } from '../../lib/store/typeorm/statistics/rollup/rollup-state.js';
import { RollupStep, type StepResult } from '../../lib/store/typeorm/statistics/rollup/rollup-step.js';
import { DirtyRange } from '../../lib/store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import {
  Path,
  NameRollup,
  PathRollup,
} from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { RollupState } from '../../lib/store/typeorm/statistics/rollup/tables/rollup-state.entity.js';
import { Visit } from '../../lib/store/typeorm/statistics/rollup/tables/visit.entity.js';
import { LARGE_VISIT } from '../../lib/store/typeorm/statistics/rollup/visit-builder.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { byText } from '../support/statistics/order.js';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 86_400_000;
const DAY_START = Date.UTC(2026, 10, 1);

/** Minutes after the start of the day. */
const at = (minute: number): Date => new Date(DAY_START + minute * MINUTE);

interface Options {
  compactedUntil?: number;
  frozenUntil?: number;
  mayDefer?: boolean;
}

describe.each(FOUND)('a step of the rollup on %s', (name) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createMigratedDatabase(name);
    dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
    await loadState(dataSource);
  });

  afterAll(async () => {
    await dataSource?.destroy();
    await database?.drop();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const entity of [Activity, DirtyRange, Visit, NameRollup, PathRollup, Path])
      await dataSource.createQueryBuilder().delete().from(entity).execute();
  });

  async function store(minute: number, path: string, visitId: string | null = 'v'): Promise<Activity> {
    const activity = Object.assign(new Activity(), {
      id: randomUUID(),
      date: at(minute),
      receivedAt: at(minute),
      name: 'view',
      path,
      visitId,
    });
    await dataSource.manager.save(activity);
    return activity;
  }

  async function erase(activity: Activity): Promise<NewDirtyRange[]> {
    await dataSource.manager.delete(Activity, { id: activity.id });
    return dirtyRangesForDelete([activity]);
  }

  /** Does a step, and commits it. */
  async function recompute(ranges: NewDirtyRange[], options: Options = {}): Promise<StepResult> {
    const { compactedUntil = 0, frozenUntil = 0, mayDefer = false } = options;
    const dirty = ranges.map((range) => ({ ...range, createdAt: at(0) }));
    const step = new RollupStep(dataSource.manager, frozenUntil);
    const result = await step.recompute(dirty, compactedUntil, mayDefer);
    await commit(result.statements);
    return result;
  }

  async function commit(statements: StepResult['statements']): Promise<void> {
    const guard = dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ version: () => 'version + 1' })
      .getQueryAndParameters();
    await dialectOf(dataSource).transact(dataSource, guard, statements);
  }

  const visits = async (): Promise<[id: string, activities: number][]> =>
    (await dataSource.manager.find(Visit, { order: { id: 'ASC' } })).map(({ id, activities }) => [
      id,
      activities,
    ]);

  /** The buckets of names: minutes after the start of the day, and activities. */
  const names = async (): Promise<[minute: number, activities: number][]> =>
    (await dataSource.manager.find(NameRollup, { order: { startedAt: 'ASC' } })).map(
      ({ startedAt, activities }) => [(+startedAt - DAY_START) / MINUTE, activities],
    );

  /** The inserted rows as text, with their table. */
  const rowsOf = (statements: StepResult['statements']): string[] =>
    statements.flatMap((statement) =>
      'rows' in statement ? statement.rows.map((row) => `${statement.table} ${row.map(String).join()}`) : [],
    );

  const pages = async (): Promise<string[]> =>
    (await dataSource.manager.find(Path)).map(({ path }) => path).toSorted();

  /** The buckets of paths: minutes after the start of the day, path and activities. */
  async function paths(): Promise<[minute: number, path: string, activities: number][]> {
    const known = new Map((await dataSource.manager.find(Path)).map(({ id, path }) => [id, path]));
    const found = await dataSource.manager.find(PathRollup);
    return found
      .map(({ startedAt, path, activities }): [number, string, number] => [
        (+startedAt - DAY_START) / MINUTE,
        known.get(path) ?? '',
        activities,
      ])
      .toSorted(([minute, path], [other, otherPath]) => minute - other || byText(path, otherPath));
  }

  async function storeVisit(id: string, activities: number): Promise<void> {
    await dataSource.manager.insert(Visit, {
      id,
      startedAt: at(0),
      endedAt: at(1),
      duration: 60,
      activities,
      views: activities,
      bounced: false,
      bot: false,
      mixed: false,
      entry: 1,
      exit: 1,
    });
  }

  it('computes the visits of its ranges, and the quarters of an hour that they lie in', async () => {
    const changed = [await store(0, '/a'), await store(14, '/b'), await store(31, '/a')];
    await store(20, '/between', 'w');
    const result = await recompute(dirtyRangesForInsert(changed));
    expect(await visits()).toEqual([['v', 3]]);
    expect(await names()).toEqual([
      [0, 2],
      [30, 1],
    ]);
    expect(await paths()).toEqual([
      [0, '/a', 1],
      [0, '/b', 1],
      [30, '/a', 1],
    ]);
    expect(result).toMatchObject({
      days: new Set([DAY_START]),
      maxVisitDuration: 31 * MINUTE,
      deferred: 0,
      hasLarge: false,
    });
  });

  it('computes all visits that have activities in a range without visits of its own', async () => {
    await store(5, '/a', 'v');
    await store(6, '/a', 'w');
    await store(QUARTER / MINUTE, '/a', 'x');
    const [range] = dirtyRangesForInsert([{ date: at(0), visitId: null }]);
    if (!range) throw new Error('no range');
    await recompute([{ ...range, visits: null, until: at(6) }]);
    expect(await visits()).toEqual([['v', 1]]);
    await recompute([
      { ...range, visits: null, until: at(6) },
      { ...range, visits: null, since: at(6), until: at(16) },
    ]);
    expect(await visits()).toEqual([
      ['v', 1],
      ['w', 1],
      ['x', 1],
    ]);
  });

  it('inserts nothing without rows, which MariaDB would refuse', async () => {
    const { statements } = await recompute(dirtyRangesForInsert([await store(0, '/a')]));
    const inserts = statements.filter((statement) => 'rows' in statement);
    expect(inserts.length).toBeGreaterThan(0);
    expect(inserts.filter(({ rows }) => rows.length === 0)).toEqual([]);
  });

  it('says on which days counts have changed: those of its ranges, and those on which its visits begin', async () => {
    await store(-10, '/a');
    await store(10, '/a');
    const last = await store(2 * 1440, '/b', null);
    const { days } = await recompute(dirtyRangesForInsert([{ date: at(10), visitId: 'v' }, last]));
    expect([...days].toSorted((a, b) => a - b)).toEqual([DAY_START - DAY, DAY_START, DAY_START + 2 * DAY]);
  });

  describe('of past days', () => {
    const compactedUntil = DAY_START + DAY;

    it('counts paths by days: only those that have activities in the minutes of the ranges', async () => {
      const [first] = [await store(0, '/a'), await store(10, '/b'), await store(600, '/a')];
      await store(1440, '/a');
      await recompute(dirtyRangesForInsert([first]), { compactedUntil });
      expect(await paths()).toEqual([[0, '/a', 2]]);
      expect(await names()).toEqual([[0, 2]]);
    });

    it('counts all paths of a day on which activities were erased', async () => {
      await store(0, '/a');
      const erased = await store(10, '/b');
      await store(600, '/c');
      await recompute(await erase(erased), { compactedUntil });
      expect(await paths()).toEqual([
        [0, '/a', 1],
        [0, '/c', 1],
      ]);
    });

    it('counts all paths of a day if a range has all visits of its time', async () => {
      const first = await store(0, '/a');
      await store(600, '/c');
      await recompute(
        dirtyRangesForInsert([first]).map((range) => ({ ...range, visits: null })),
        { compactedUntil },
      );
      expect(await paths()).toEqual([
        [0, '/a', 1],
        [0, '/c', 1],
      ]);
    });

    it('counts all paths of one day, and some of another', async () => {
      const erased = await store(10, '/b');
      const first = await store(0, '/a');
      await store(600, '/c');
      const other = await store(-1440, '/a', 'w');
      await store(-1000, '/c', 'w');
      const { statements } = await recompute(
        [...(await erase(erased)), ...dirtyRangesForInsert([first, other])],
        { compactedUntil },
      );
      const written = rowsOf(statements);
      expect(new Set(written).size).toBe(written.length);
      expect(await paths()).toEqual([
        [-1440, '/a', 1],
        [0, '/a', 1],
        [0, '/c', 1],
      ]);
    });

    it('counts what is at the limit by quarters of an hour, and what is a minute earlier by its day', async () => {
      const changed = [await store(1440, '/a'), await store(1439, '/a')];
      await store(1460, '/a');
      await recompute(dirtyRangesForInsert(changed), { compactedUntil });
      expect(await paths()).toEqual([
        [0, '/a', 1],
        [1440, '/a', 1],
      ]);
      await commit(
        await new RollupStep(dataSource.manager).resize({ since: DAY_START, until: compactedUntil }, QUARTER),
      );
      expect(await paths()).toEqual([
        [1425, '/a', 1],
        [1440, '/a', 1],
      ]);
    });
  });

  describe('after an erasure', () => {
    it('removes visits, counts, and pages that no activity has any more', async () => {
      const erased = await store(0, '/gone');
      const left = await store(20, '/left', 'w');
      await recompute(dirtyRangesForInsert([erased, left]));
      await recompute(await erase(erased));
      expect(await visits()).toEqual([['w', 1]]);
      expect(await names()).toEqual([[15, 1]]);
      expect(await paths()).toEqual([[15, '/left', 1]]);
      expect(await pages()).toEqual(['/left']);
    });

    it('removes such pages also if activities were added elsewhere', async () => {
      const erased = await store(0, '/gone');
      await recompute(dirtyRangesForInsert([erased]));
      const added = await store(20, '/added', 'w');
      await recompute([...(await erase(erased)), ...dirtyRangesForInsert([added])]);
      expect(await pages()).toEqual(['/added']);
    });

    it.each([0, DAY_START + DAY])(
      'removes pages that no visit has (past days until %i)',
      async (compactedUntil) => {
        const erased = await store(0, '/gone', null);
        await recompute(dirtyRangesForInsert([erased]), { compactedUntil });
        expect(await pages()).toEqual(['/gone']);
        await recompute(await erase(erased), { compactedUntil });
        expect(await paths()).toEqual([]);
        expect(await pages()).toEqual([]);
      },
    );

    it('looks for such pages only then', async () => {
      const first = await store(0, '/gone');
      await recompute(dirtyRangesForInsert([first]));
      await erase(first);
      await recompute(dirtyRangesForInsert([first]));
      expect(await visits()).toEqual([]);
      expect(await pages()).toEqual(['/gone']);
    });
  });

  describe('of frozen days', () => {
    const frozenUntil = DAY_START;

    it('leaves what began before, and computes what began then', async () => {
      const changed = [await store(-1, '/a', 'old'), await store(0, '/b', 'new')];
      const { days } = await recompute(dirtyRangesForInsert(changed), { frozenUntil });
      expect(await visits()).toEqual([['new', 1]]);
      expect(await names()).toEqual([[0, 1]]);
      expect(await paths()).toEqual([[0, '/b', 1]]);
      expect(days).toEqual(new Set([DAY_START]));
    });

    it('leaves a visit that began before, although it goes on', async () => {
      await recompute(dirtyRangesForInsert([await store(-1, '/a')]));
      expect(await visits()).toEqual([['v', 1]]);
      await recompute(dirtyRangesForInsert([await store(0, '/b')]), { frozenUntil });
      expect(await visits()).toEqual([['v', 1]]);
    });
  });

  describe('with visits of very many activities', () => {
    const large = LARGE_VISIT + 1;

    beforeEach(async () => {
      await storeVisit('large', large);
      await storeVisit('small', LARGE_VISIT);
    });

    async function change(): Promise<NewDirtyRange[]> {
      return dirtyRangesForInsert([await store(0, '/a', 'large'), await store(0, '/b', 'small')]);
    }

    it('defers these, and computes the others', async () => {
      const { deferred } = await recompute(await change(), { mayDefer: true });
      expect(deferred).toBe(1);
      expect(await visits()).toEqual([
        ['large', large],
        ['small', 1],
      ]);
      expect(await paths()).toEqual([
        [0, '/a', 1],
        [0, '/b', 1],
      ]);
      expect(await dataSource.manager.find(DirtyRange)).toMatchObject([
        { since: at(0), until: at(1), visits: 'large', deferred: true, createdAt: at(0) },
      ]);
    });

    it('computes these if they may not be deferred', async () => {
      const { deferred } = await recompute(await change());
      expect(deferred).toBe(0);
      expect(await visits()).toEqual([
        ['large', 1],
        ['small', 1],
      ]);
      expect(await dataSource.manager.count(DirtyRange)).toBe(0);
    });

    it('computes those of which activities were erased, also if others were added', async () => {
      const erased = await store(0, '/a', 'large');
      const added = await store(5, '/a', 'large');
      const ranges = [...(await erase(erased)), ...dirtyRangesForInsert([added])];
      const { deferred } = await recompute(ranges, { mayDefer: true });
      expect(deferred).toBe(0);
      expect(await visits()).toEqual([
        ['large', 1],
        ['small', LARGE_VISIT],
      ]);
    });

    it('computes those that have activities in a range without visits of its own', async () => {
      const ranges = (await change()).map((range) => ({ ...range, visits: null }));
      const { deferred } = await recompute(ranges, { mayDefer: true });
      expect(deferred).toBe(0);
      expect(await visits()).toEqual([
        ['large', 1],
        ['small', 1],
      ]);
    });

    it('computes those that have activities in such a range, also if another range names them', async () => {
      const [unnamed] = (await change()).map((range) => ({ ...range, visits: null }));
      if (!unnamed) throw new Error('no range');
      const named = dirtyRangesForInsert([await store(5, '/a', 'large')]);
      const { deferred } = await recompute([unnamed, ...named], { mayDefer: true });
      expect(deferred).toBe(0);
      expect(await visits()).toEqual([
        ['large', 2],
        ['small', 1],
      ]);
    });

    it('does not look into what is frozen', async () => {
      const { deferred } = await recompute(await change(), { mayDefer: true, frozenUntil: DAY_START + DAY });
      expect(deferred).toBe(0);
      expect(await dataSource.manager.count(DirtyRange)).toBe(0);
    });
  });

  it('says how long it took to count a quarter of an hour that all of its ranges share', async () => {
    const now = monotonicClock.now.bind(monotonicClock);
    let asked = 0;
    jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + (asked += 1) * DAY);
    const ofMinutes = async (...minutes: number[]): Promise<number> => {
      const { sharedTime } = await recompute(
        dirtyRangesForInsert(minutes.map((minute) => ({ date: at(minute), visitId: null }))),
      );
      return Math.floor(sharedTime / DAY);
    };
    expect(await ofMinutes(0, 14)).toBe(1);
    expect(await ofMinutes(0, 30)).toBe(0);
    expect(await ofMinutes(0, 15)).toBe(0);
  });
});
