import { type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ActivityService, ActivityStats, createDataSource, DjaffarModule } from '../../lib/index.js';
import type { DatabaseOptions } from '../../lib/index.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';

describe.each(FOUND)('a host without TypeORM, with the option `database` on %s', (name) => {
  let database: TestDatabase;
  const apps: INestApplication[] = [];

  beforeEach(async () => {
    database = await createDatabase(name);
  });

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await database.drop();
  });

  const options = (): DatabaseOptions => (name === 'sqlite' ? database.options : { url: database.url });

  async function start(): Promise<INestApplication> {
    const module = await Test.createTestingModule({
      imports: [DjaffarModule.forRootAsync({ useFactory: () => ({ database: options() }) })],
    }).compile();
    const app = await module.createNestApplication({ logger: ['error'] }).init();
    apps.push(app);
    return app;
  }

  it('creates the tables, keeps activities after a restart, and gives the command a data source', async () => {
    const first = await start();
    await first.listen(0, '127.0.0.1');
    const body = JSON.stringify({ date: new Date().toISOString(), path: '/' });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${await first.getUrl()}/djaffar/track/`, { method: 'POST', headers, body });
    expect(response.status).toBe(204);
    expect((await first.get(ActivityStats).overview({ bots: true })).views.value).toBe(1);
    await first.close();
    const second = await start();
    expect(await second.get(ActivityService).count()).toBe(1);
    const dataSource = createDataSource(options());
    await dataSource.initialize();
    expect(await dataSource.showMigrations()).toBe(false);
    expect(await dataSource.query('SELECT name FROM djaffar_activity')).toEqual([{ name: 'view' }]);
    await dataSource.destroy();
  });

  it('creates the tables once if several instances start at the same moment', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    await first?.get(ActivityService).track({ path: '/' });
    expect(await second?.get(ActivityService).count()).toBe(1);
  });
});

describe('the option `database`', () => {
  it.each<[object, string]>([
    [
      { url: 'mongodb://user:secret@localhost' },
      `allowed: an object with a url that begins with 'postgres:'`,
    ],
    [{}, 'allowed: an object with a url'],
  ])('%j is refused', (database, message) => {
    const register = (): unknown => DjaffarModule.forRoot({ database: Object.assign({ url: '' }, database) });
    expect(register).toThrow(message);
    expect(register).not.toThrow('secret');
  });

  it('excludes the option `store`', () => {
    const store = { create: () => Promise.reject(new Error('not opened')) };
    expect(() => DjaffarModule.forRoot({ database: { url: 'postgres://localhost' }, store })).toThrow(
      'options "database" and "store" are both given; allowed: one of them',
    );
  });
});
