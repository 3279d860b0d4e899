import fc from 'fast-check';
import { uuidv7 } from '../../lib/activity/random.js';
import { STORES } from '../support/databases.js';
import { type Ran, runWith } from '../support/command.js';
import { anActivity } from '../support/statistics/arbitrary-activities.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

/** From each store to the next, and from the last one to the first. */
const WAYS = STORES.map((name, i) => ({ source: name, target: STORES.at((i + 1) % STORES.length) ?? name }));

const RANGE = { from: '2020-01-01', to: '2027-01-01', bots: true };

describe.each(WAYS)('djaffar copy, from $source to $target', (way) => {
  let source: StoreDatabase;
  let target: StoreDatabase;
  let from: StoreHost;
  let to: StoreHost;

  beforeAll(async () => {
    source = await createStore(way.source);
    target = await createStore(way.target);
    from = await source.start();
  });

  afterAll(async () => {
    for (const host of [from, to]) await host?.close();
    for (const database of [source, target]) await database?.drop();
  });

  const run = (): Promise<Ran> =>
    runWith(
      async (url) => (url.endsWith('target.js') ? target : source).exported(),
      ['copy', '--to', 'target.js'],
    );

  it('copies what is there, and the next time only the days that changed', async () => {
    const [activities = []] = fc.sample(
      fc.array(anActivity, { minLength: 150, maxLength: 150, size: 'max' }),
      1,
    );
    await Promise.all(activities.map((activity) => from.activities.track(activity)));
    const stored = await from.stored();
    const days = new Set(stored.map(({ date }) => date.toISOString().slice(0, 10))).size;
    const first = await run();
    expect(first).toMatchObject({
      stdout: `${days} days with ${stored.length} activities: 0 were the same, ${days} copied\n`,
      stderr: '',
      code: 0,
    });

    to = await target.start();
    expect(await to.stored()).toEqual(
      stored.map((activity) => ({ ...activity, receivedAt: expect.any(Date) })),
    );
    const overview = await from.stats.overview(RANGE);
    expect(await to.stats.overview(RANGE)).toEqual({ ...overview, asOf: expect.any(String) });
    const keysOf = ({ store }: StoreHost): Promise<unknown> => store.loadSigningKeys(() => undefined, 60_000);
    expect(await keysOf(to)).toEqual(await keysOf(from));
    expect(await to.store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });

    expect((await run()).stdout).toContain(`: ${days} were the same, 0 copied`);
    const [changed] = stored;
    await from.activities.track({ path: '/late', date: changed?.date });
    expect((await run()).stdout).toContain(`: ${days - 1} were the same, 1 copied`);
    expect(await to.activities.count({ path: '/late' })).toBe(1);
  });

  it('lists the days that still differ', async () => {
    await to.activities.track({ path: '/other', date: '2026-01-01T12:00Z' });
    const more = await run();
    expect(more.code).toBe(1);
    expect(more.stderr).toContain('others were there before');
    const id = uuidv7();
    await from.activities.track({ id, path: '/own', date: '2026-01-01T12:00Z' });
    await to.activities.track({ id, path: '/changed', date: '2026-01-01T12:00Z' });
    const different = await run();
    expect(different.code).toBe(1);
    const [other] = (await to.activities.find({ path: '/other' })).items;
    expect(different.stderr).toBe(
      `djaffar: these days still differ: 2026-01-01 (1 only in target.js, such as ${other?.id}, 1 with other values, such as ${id}); ` +
        'if activities were erased from the source, erase them from target.js too; erase those with other values from target.js, and copy again\n',
    );
  });
});
