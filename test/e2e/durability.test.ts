import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Activity, djaffarEntities } from '../../lib/index.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { startSample } from '../support/sample.js';

describe.each(FOUND)('what is acknowledged, on %s,', (name) => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase(name);
  });

  afterEach(() => database.drop());

  async function storedIds(): Promise<string[]> {
    const dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
    try {
      return (await dataSource.getRepository(Activity).find()).map(({ id }) => id);
    } finally {
      await dataSource.destroy();
    }
  }

  async function post(url: string, id: string): Promise<boolean> {
    const body = JSON.stringify({ id, date: new Date().toISOString(), path: '/' });
    const response = await fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    return response.status === 204;
  }

  it('is there after a SIGKILL at the moment of the 204', async () => {
    const sample = await startSample({ DATABASE_URL: database.url });
    const id = randomUUID();
    expect(await post(sample.url, id)).toBe(true);
    await sample.end('SIGKILL');
    expect(await storedIds()).toEqual([id]);
  });

  it('is there, once, after a SIGKILL under load', async () => {
    const sample = await startSample({ DATABASE_URL: database.url, HTTP_ADAPTER: 'fastify' });
    const acknowledged: string[] = [];
    const client = async (): Promise<void> => {
      for (;;) {
        const id = randomUUID();
        if (!(await post(sample.url, id))) throw new Error('not acknowledged');
        acknowledged.push(id);
        if (acknowledged.length === 500) sample.process.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: 16 }, client));
    const stored = await storedIds();
    expect(acknowledged.length).toBeGreaterThanOrEqual(500);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
  });

  it('is there after a SIGTERM, which stops the host cleanly', async () => {
    const sample = await startSample({ DATABASE_URL: database.url });
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const answers = await Promise.all(ids.map((id) => post(sample.url, id)));
    expect(answers).not.toContain(false);
    expect(await sample.end('SIGTERM')).toBe(0);
    expect((await storedIds()).sort()).toEqual(ids.sort());
  });
});
