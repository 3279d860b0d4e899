import { type INestApplication, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ActivityService, ActivityStats, createDataSource, DjaffarModule } from '../../lib/index.js';
import type { DatabaseOptions } from '../../lib/index.js';
import { createDatabase, type DatabaseName, FOUND, type TestDatabase } from '../support/databases.js';
import { TcpProxy } from '../support/tcp-proxy.js';

afterEach(() => {
  jest.restoreAllMocks();
});

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
      imports: [
        DjaffarModule.forRootAsync({
          // Also on a slow machine, an answer counts what was stored before.
          useFactory: () => ({ database: options(), statistics: { maxWait: 240_000, timeout: 240_000 } }),
        }),
      ],
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

const SERVERS = FOUND.filter((name) => name !== 'sqlite');
const ofServers =
  SERVERS.length > 0 ? describe.each(SERVERS) : describe.skip.each<DatabaseName>(['postgres']);

ofServers('a host without TypeORM, whose database on %s starts after it,', (name) => {
  it('starts when the database does', async () => {
    const database = await createDatabase(name);
    const proxy = await TcpProxy.start(database.url);
    await proxy.close();
    const url = Object.assign(new URL(database.url), { port: String(proxy.port) }).toString();
    const failed = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const tried = new Promise((resolve) => failed.mockImplementation(resolve));
    const starting = Test.createTestingModule({ imports: [DjaffarModule.forRoot({ database: { url } })] })
      .compile()
      .then((module) => module.createNestApplication({ logger: false }).init());
    await tried;
    const started = await TcpProxy.start(database.url, proxy.port);
    const app = await starting;
    expect(failed.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringMatching(
        /^Unable to connect to the database \(djaffar\)\. Message: .*ECONNREFUSED.*Retrying \(1\)/,
      ),
    ]);
    await app.get(ActivityService).track({ path: '/' });
    expect(await app.get(ActivityService).count()).toBe(1);
    await app.close();
    await started.close();
    await database.drop();
  });

  it('does not start with a wrong password, and does not try again', async () => {
    const database = await createDatabase(name);
    const url = new URL(database.url);
    url.username = 'nobody';
    url.password = 'wrong';
    const failed = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    await expect(
      Test.createTestingModule({
        imports: [DjaffarModule.forRoot({ database: { url: url.toString() } })],
      }).compile(),
    ).rejects.toThrow(/nobody/);
    expect(failed).not.toHaveBeenCalled();
    await database.drop();
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
