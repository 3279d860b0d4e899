import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { runFleet } from '../support/fleet/fleet.js';

const describeOnPostgres = FOUND.includes('postgres') ? describe : describe.skip;

// `npm run bench:instances` does the same for five minutes.
describeOnPostgres('four instances on PostgreSQL', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase('postgres');
  });

  afterAll(() => database.drop());

  it('store once what is acknowledged, and answer exactly, while some are killed and all are replaced', async () => {
    const result = await runFleet({ database, duration: 20_000, killEvery: 5000, perSecond: 20 });
    expect(result).toMatchObject({
      wrong: [],
      missing: 0,
      remaining: 0,
      acknowledged: result.tracked,
      visits: result.stored,
      mismatches: { visits: 0, sums: 0, pages: 0 },
      deployed: 4,
    });
    expect(result.killed).toBeGreaterThanOrEqual(2);
    expect(result.questions).toBeGreaterThan(10);
    expect(result.erasures).toBeGreaterThan(2);
  });
});
