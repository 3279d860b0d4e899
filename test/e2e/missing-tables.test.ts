import { Test } from '@nestjs/testing';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityService, DjaffarModule } from '../../lib/index.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';

describe.each(FOUND)('a host on %s whose migrations have not been run', (name) => {
  let database: TestDatabase;
  let app: INestApplication;
  const errors: unknown[] = [];

  beforeAll(async () => {
    database = await createDatabase(name);
    const logger: LoggerService = { log() {}, warn() {}, error: (line: unknown) => void errors.push(line) };
    const module = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ ...database.options, autoLoadEntities: true, retryAttempts: 0 }),
        DjaffarModule.forRoot(),
      ],
    })
      .setLogger(logger)
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it('says so in one line of the log at start-up', () => {
    expect(errors).toEqual([expect.stringMatching(/djaffar_signing_key.*is missing: run the migrations/)]);
  });

  it('does not reveal table names to a browser, and explains the problem to server code', async () => {
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    const answer = await fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      body: new URLSearchParams({ date: new Date().toISOString(), path: '/' }),
    });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      message: 'the database refuses this request; the log of the application says why',
    });
    await expect(app.get(ActivityService).track({ path: '/', user: { id: 1 } })).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringMatching(/djaffar_.*is missing: run the migrations/),
    });
  });
});
