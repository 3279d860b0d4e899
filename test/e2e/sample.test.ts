import { DataSource } from 'typeorm';
import { Activity, djaffarEntities, type Overview, type Series } from '../../lib/index.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { FROM_SOURCE, type Sample, startSample } from '../support/sample.js';

const DAY = 86_400_000;

describe.each(FOUND)('the sample, on %s,', (name) => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase(name);
  });

  afterEach(() => database.drop());

  async function during<T>(
    environment: Record<string, string>,
    look: (sample: Sample) => Promise<T>,
  ): Promise<T> {
    const sample = await startSample({ DATABASE_URL: database.url, ...environment });
    try {
      return await look(sample);
    } finally {
      await sample.end('SIGTERM');
    }
  }

  async function stored(): Promise<Activity[]> {
    const dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
    try {
      return await dataSource.getRepository(Activity).find({ relations: { session: true } });
    } finally {
      await dataSource.destroy();
    }
  }

  /** As ada, and as of now: on a busy machine the statistics may take longer than the sample waits. */
  async function ask<T extends { asOf: string }>({ url }: Sample, question: string): Promise<T> {
    const login = new URLSearchParams({ username: 'ada', password: 'lovelace' });
    const token = await fetch(`${url}/auth/token`, { method: 'POST', body: login });
    const { accessToken } = (await token.json()) as { accessToken: string };
    const headers = { Authorization: `Bearer ${accessToken}` };
    const from = new Date(Date.now() - 50 * DAY).toISOString();
    const begun = Date.now();
    for (;;) {
      const response = await fetch(`${url}/djaffar/stats/${question}&from=${from}`, { headers });
      const answer = (await response.json()) as T;
      if (Date.parse(answer.asOf) >= begun) return answer;
    }
  }

  it('makes up six weeks of activity at its first start, and never again', async () => {
    const [people, all, days] = await during({ SEED: 'true', LOG_LEVEL: 'log' }, async (sample) => {
      expect(sample.output).toContain('generating six weeks of activities (disable with SEED=false)');
      expect(sample.output).toMatch(/generated 1\d,\d{3} activities in [\d.]+ s/);
      return [
        await ask<Overview>(sample, 'overview?bots=false'),
        await ask<Overview>(sample, 'overview?bots=true'),
        await ask<Series>(sample, 'series?measure=visits&interval=day'),
      ];
    });
    const activities = await stored();
    expect(activities.length).toBeGreaterThan(12_000);
    expect(activities.length).toBeLessThan(20_000);
    expect(all.activities.value).toBe(activities.length);
    expect(all.visits.value).toBeGreaterThan(1500);
    expect(all.visits.value).toBeLessThan(2500);
    expect(people.visits.value).toBeLessThan(all.visits.value ?? 0);
    expect(people.users.value).toBeGreaterThan(40);
    expect(people.bounceRate.value).toBeGreaterThan(0.3);
    expect(people.bounceRate.value).toBeLessThan(0.5);
    expect(days.points.filter(({ value }) => value).length).toBeGreaterThan(35);
    expect(activities.some(({ session }) => session?.bot)).toBe(true);

    const saidAgain = await during({ SEED: 'true', LOG_LEVEL: 'log' }, async ({ output }) => output);
    expect(saidAgain).not.toContain('seed');
    expect((await stored()).length).toBe(activities.length);
  });

  it('generates nothing if there are activities, or if that is turned off', async () => {
    const track = async ({ url }: Sample): Promise<number> => {
      const body = JSON.stringify({ date: '2026-02-03T04:05:06Z', path: '/' });
      return (await fetch(`${url}/djaffar/track/`, { method: 'POST', body })).status;
    };
    expect(await during({ SEED: 'false' }, track)).toBe(204);
    expect(await during({ SEED: 'true' }, track)).toBe(204);
    expect((await stored()).map(({ path }) => path)).toEqual(['/', '/']);
  });
});

it('the sample starts from source, as `npm start` starts it', async () => {
  const database = await createDatabase('sqlite');
  const sample = await startSample({ DATABASE_URL: database.url }, FROM_SOURCE);
  try {
    const page = await fetch(sample.url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('tracker.js')]);
  } finally {
    expect(await sample.end('SIGTERM')).toBe(0);
    await database.drop();
  }
});

it.each([
  ['SEED', 'maybe', 'true, false'],
  ['LOG_LEVEL', 'loud', 'fatal, error, warn, log, debug, verbose'],
  ['HTTP_ADAPTER', 'koa', 'express, fastify'],
])('the sample does not start with a wrong %s', async (setting, value, allowed) => {
  await expect(startSample({ [setting]: value })).rejects.toThrow(
    `${setting} is "${value}"; allowed: ${allowed}`,
  );
});
