import { randomUUID } from 'node:crypto';
import { In, DataSource } from 'typeorm';
import { Activity, djaffarEntities } from '../../lib/index.js';
import { output } from '../support/command.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import {
  fetchAsAda,
  FIREFOX,
  type Sample,
  setClock,
  startSample,
  withSettableClock,
} from '../support/sample.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** More than any wait is meant to take, for a machine that is busy. */
const PATIENCE = 20_000;

describe.each(FOUND)('two instances with clocks of their own, on %s', (name) => {
  let database: TestDatabase;
  let one: Sample;
  let other: Sample;

  beforeAll(async () => {
    database = await createMigratedDatabase(name);
    const environment = { DATABASE_URL: database.url };
    [one, other] = await Promise.all([
      startSample(environment, withSettableClock()),
      startSample(environment, withSettableClock()),
    ]);
  });

  afterEach(() => setClock(one, 0));

  afterAll(async () => {
    for (const each of [one, other]) await each.end('SIGKILL');
    await database.drop();
  });

  /** A browser with a clock that is right. */
  function browser(): (sample: Sample, path?: string, age?: number) => Promise<string> {
    let cookie = '';
    return async ({ url }, path = '/', age = 0) => {
      const id = randomUUID();
      const now = Date.now();
      const response = await fetch(`${url}/djaffar/track/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'User-Agent': FIREFOX, Cookie: cookie },
        body: JSON.stringify({
          sentAt: new Date(now).toISOString(),
          activities: [{ id, date: new Date(now - age).toISOString(), path }],
        }),
        signal: AbortSignal.timeout(PATIENCE),
      });
      expect(response.status).toBe(204);
      cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0] ?? cookie;
      return id;
    };
  }

  async function visitsOf(ids: string[]): Promise<(string | null)[]> {
    const dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
    const stored = await dataSource.getRepository(Activity).findBy({ id: In(ids) });
    await dataSource.destroy();
    expect(stored).toHaveLength(ids.length);
    return [...new Set(stored.map(({ visitId }) => visitId))];
  }

  async function overview(sample: Sample): Promise<{ activities: { value: number } }> {
    const to = new Date(Date.now() + 2 * 365 * 24 * HOUR).toISOString();
    const response = await fetchAsAda(sample, `stats/overview?from=2020-01-01T00:00:00Z&to=${to}`, {
      signal: AbortSignal.timeout(PATIENCE),
    });
    expect(response.status).toBe(200);
    return response.json() as Promise<{ activities: { value: number } }>;
  }

  it.each([
    ['-1 h', -HOUR],
    ['-40 min', -40 * MINUTE],
    ['+1 h', HOUR],
    ['+1 year', 365 * 24 * HOUR],
  ])('a jump of %s on one of them leaves nothing behind', async (_, ahead) => {
    const earlier = (await overview(other)).activities.value;
    const view = browser();
    const before = [await view(one), await view(other)];
    expect(await visitsOf(before)).toHaveLength(1);
    await setClock(one, ahead);
    const during: string[] = [];
    for (const sample of [one, other, one, other]) during.push(await view(sample));
    await overview(one);
    await setClock(one, 0);
    const after: string[] = [];
    for (const sample of [one, other, one, other]) after.push(await view(sample));
    expect(await visitsOf(after)).toHaveLength(1);
    const all = [...before, ...during, ...after];
    expect((await overview(other)).activities.value).toBe(earlier + all.length);
    expect((await overview(one)).activities.value).toBe(earlier + all.length);
    expect(await output(database, ['check'])).toBe('visits and rollups match the activities\n');
  });

  // SQLite's instances are on one machine, and have one clock.
  const apart = name === 'sqlite' ? [] : [-90_000, 45 * MINUTE];
  it.each([0, ...apart])(
    'what one stores %s ms off is live on the other, also what is late',
    async (ahead) => {
      const paths = { now: `/now${ahead}`, offline: `/offline${ahead}`, own: `/own${ahead}` };
      await setClock(one, ahead);
      const response = await fetchAsAda(other, 'dashboard/data/stream');
      const { body } = response;
      if (!body) throw new Error('no stream');
      const texts = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
      const until = async (path: string): Promise<string> => {
        let text = '';
        while (!text.includes(`"path":"${path}"`)) {
          const { value, done } = await texts.next();
          if (done) throw new Error('the stream has ended');
          text += value;
        }
        return text;
      };
      const view = browser();
      await view(one, paths.now);
      expect(await until(paths.now)).toContain(paths.now);
      await view(one, paths.offline, 3 * HOUR);
      expect(await until(paths.offline)).toContain(paths.offline);
      await view(other, paths.own);
      expect(await until(paths.own)).toContain(paths.own);
      await texts.return?.();
    },
  );
});
