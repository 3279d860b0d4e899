import { randomUUID } from 'node:crypto';
import type { Activity } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const guards = [{ canActivate: () => true }];
const COUNT = 7;

/** The last three have the same date, so that their ids decide. */
const dateOf = (i: number): string => `2026-02-0${Math.min(i, 4) + 1}T10:00:00.000Z`;

describe.each(FOUND)('GET /djaffar/activities/export on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database, djaffar: { api: { guards } } });
    for (let i = 0; i < COUNT; i++)
      await host.activities.track({
        id: randomUUID(),
        date: dateOf(i),
        path: i === 0 ? '=1+1' : `/${i}`,
        session: 'a',
        visit: 'v',
        userAgent: 'Firefox',
      });
  });

  afterAll(() => host.close());

  const get = (query: string): Promise<Response> => host.fetch(`/djaffar/activities/export?${query}`);
  const textOf = async (query: string): Promise<string> => {
    const response = await get(query);
    expect(response.status).toBe(200);
    // `text()` drops the byte order mark.
    return Buffer.from(await response.arrayBuffer()).toString();
  };
  const stored = async (): Promise<Activity[]> => (await host.activities.find({}, { order: 'asc' })).items;

  it('sends all as lines of JSON, as an array, and as CSV, the oldest first', async () => {
    const expected: unknown = JSON.parse(JSON.stringify(await stored()));
    const lines = (await textOf('format=ndjson')).trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(expected);
    expect(JSON.parse(await textOf('format=json'))).toEqual(expected);
    const csv = await textOf('format=csv');
    expect(csv).toMatch(/^\uFEFFid,date,/);
    expect(csv).toContain("'=1+1");
    expect(csv.trimEnd().split('\r\n')).toHaveLength(1 + COUNT);
  });

  it('sends raw CSV, and CSV without a byte order mark', async () => {
    const raw = await textOf('format=csv&raw=true&bom=false');
    expect(raw).toMatch(/^id,date,/);
    expect(raw).toContain(',=1+1,');
  });

  it.each(['ndjson', 'csv', 'csv&raw=true'])(
    'resumes %s behind any activity that arrived',
    async (format) => {
      const whole = (await textOf(`format=${format}`)).trimEnd().split('\n');
      const rows = format.startsWith('csv') ? whole.slice(1) : whole;
      for (const [i, { id }] of (await stored()).entries()) {
        const rest = await textOf(`format=${format}&after=${id.toUpperCase()}`);
        expect(
          rest
            .split('\n')
            .filter(Boolean)
            .map((row) => row.trimEnd()),
        ).toEqual(rows.slice(i + 1).map((row) => row.trimEnd()));
      }
    },
  );

  it('resumes with the cursor of a page, and with a whole array of what is left', async () => {
    const { next } = await host.activities.find({}, { order: 'asc', limit: 5 });
    const rest: unknown = JSON.parse(await textOf(`format=json&after=${next}`));
    expect(rest).toEqual(JSON.parse(JSON.stringify((await stored()).slice(5))));
  });

  it('answers 400 if it cannot resume', async () => {
    for (const after of [randomUUID(), 'there']) {
      const response = await get(`format=ndjson&after=${after}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: { after: [expect.any(String)] } });
    }
  });
});
