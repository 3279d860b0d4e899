import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions, DefaultNamingStrategy } from 'typeorm';
import {
  Activity,
  ActivityService,
  djaffarEntities,
  djaffarMigrations,
  DjaffarModule,
} from '../../lib/index.js';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';

const TABLES = [
  'djaffar_activity',
  'djaffar_session',
  'djaffar_dirty_range',
  'djaffar_signing_key',
  'djaffar_retention',
  'djaffar_salt',
  'djaffar_cookieless_visit',
  'djaffar_outcome',
  'djaffar_outbox',
  'djaffar_subscription',
  'djaffar_path',
  'djaffar_visit',
  'djaffar_name_rollup',
  'djaffar_path_rollup',
  'djaffar_daily_count',
  'djaffar_rollup_state',
];

/** As many hosts have it: `receivedAt` is in the column `received_at`. */
class SnakeNamingStrategy extends DefaultNamingStrategy {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return custom ?? snake(super.columnName(property, '', prefixes));
  }

  override joinColumnName(relation: string, referenced: string): string {
    return snake(super.joinColumnName(relation, referenced));
  }
}

/** It rewrites the names that an entity gives, too. */
class RewritingNamingStrategy extends DefaultNamingStrategy {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return snake(super.columnName(property, custom ?? '', prefixes));
  }
}

/** It rewrites the names of tables alone. */
class UpperCaseTables extends DefaultNamingStrategy {
  override tableName(target: string, custom: string | undefined): string {
    return super.tableName(target, custom).toUpperCase();
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

describe.each(FOUND)('the migrations on %s', (name) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeEach(async () => {
    database = await createDatabase(name);
  });

  afterEach(async () => {
    if (dataSource.isInitialized) await dataSource.destroy();
    await database.drop();
  });

  async function connect(options: Partial<DataSourceOptions> = {}): Promise<DataSource> {
    const all = { ...database.options, ...options, entities: djaffarEntities, migrations: djaffarMigrations };
    dataSource = await new DataSource(all as DataSourceOptions).initialize();
    return dataSource;
  }

  /** What `migration:generate` would write. */
  async function generated(): Promise<string[]> {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  }

  /** What would make the tables as the entities are, without the indexes and the column that only the migrations know. */
  async function differences(): Promise<string[]> {
    // TypeORM looks generated columns up in it.
    if (name === 'mariadb')
      await dataSource.query(
        'CREATE TABLE IF NOT EXISTS typeorm_metadata (type text, `database` text, `schema` text, `table` text, name text, value text)',
      );
    for (const metadata of dataSource.entityMetadatas) metadata.synchronize = true;
    try {
      const own = /^DROP INDEX|DROP COLUMN `timestamp`$|FROM `typeorm_metadata`/;
      // SQLite numbers rows only in a column of the type `integer`, which is too small elsewhere.
      const isOwn = (query: string): boolean =>
        own.test(query) || (name === 'sqlite' && query.includes('djaffar_outbox'));
      return (await generated()).filter((query) => !isOwn(query));
    } finally {
      for (const metadata of dataSource.entityMetadatas) metadata.synchronize = false;
    }
  }

  async function tables(): Promise<string[]> {
    const runner = dataSource.createQueryRunner();
    try {
      const found: string[] = [];
      for (const table of TABLES) if (await runner.hasTable(table)) found.push(table);
      return found;
    } finally {
      await runner.release();
    }
  }

  it.each([1, 2, 5, 9, 12, 14, 17, 20])(
    'can be run again after they were broken off before statement %i that defines something',
    async (place) => {
      await connect();
      const runner = dataSource.createQueryRunner();
      const query = runner.query.bind(runner);
      let left = place;
      jest.spyOn(runner, 'query').mockImplementation((sql: string, ...rest: []) => {
        if (/^(?:CREATE|ALTER)/.test(sql) && (left -= 1) === 0) throw new Error('the connection is gone');
        return query(sql, ...rest);
      });
      // On MariaDB each statement is committed all the same.
      await runner.startTransaction();
      const broken = (async () => {
        for (const Migration of djaffarMigrations) await new Migration().up(runner);
      })();
      await expect(broken).rejects.toThrow('the connection is gone');
      await runner.rollbackTransaction();
      await runner.release();
      await dataSource.runMigrations();
      expect(await tables()).toEqual(TABLES);
      expect(await differences()).toEqual([]);
      const indexes: { name: string }[] = await dataSource.query(dialectOf(dataSource).indexNames);
      expect(indexes.map(({ name: index }) => index)).toEqual(
        expect.arrayContaining(['djaffar_activity_date', 'djaffar_path_text']),
      );
    },
  );

  it('run on an empty database, and make the tables of the entities', async () => {
    await connect();
    expect(await tables()).toEqual([]);
    expect((await differences())[0]).toMatch(/^CREATE TABLE/);
    const run = await dataSource.runMigrations();
    expect(run.map((migration) => migration.name)).toEqual(djaffarMigrations.map((each) => each.name));
    expect(await tables()).toEqual(TABLES);
    expect(await differences()).toEqual([]);
    expect(await dataSource.runMigrations()).toEqual([]);
  });

  it('leave no table of Djaffar after a revert, and run again', async () => {
    await connect();
    await dataSource.runMigrations();
    for (const _ of djaffarMigrations) await dataSource.undoLastMigration();
    expect(await tables()).toEqual([]);
    await dataSource.runMigrations();
    expect(await tables()).toEqual(TABLES);
    expect(await differences()).toEqual([]);
  });

  it('are all that makes or changes these tables', async () => {
    await connect();
    expect(await generated()).toEqual([]);
    await dataSource.runMigrations();
    expect(await generated()).toEqual([]);
    await dataSource.synchronize();
    expect(await tables()).toEqual(TABLES);
    expect(await dataSource.query('SELECT * FROM djaffar_activities')).toEqual([]);
  });

  it('run when the app starts if TypeORM synchronizes its tables, and count as run', async () => {
    const start = async (): Promise<INestApplicationContext> => {
      @Module({
        imports: [
          TypeOrmModule.forRoot({
            ...database.options,
            autoLoadEntities: true,
            synchronize: true,
            retryAttempts: 0,
          }),
          DjaffarModule.forRoot(),
        ],
      })
      class HostModule {}

      return NestFactory.createApplicationContext(HostModule, { logger: false, abortOnError: false });
    };
    // A rolling start: each sees that others make the same tables.
    for (const app of await Promise.all([start(), start(), start()])) await app.close();
    for (const count of [1, 2]) {
      const app = await start();
      try {
        const activities = app.get(ActivityService, { strict: false });
        await activities.track({ path: `/${count}`, date: new Date(count) });
        expect(await activities.count({})).toBe(count);
        expect(await app.get(DataSource).query('SELECT path FROM djaffar_activities')).toHaveLength(count);
      } finally {
        await app.close();
      }
    }
    await connect();
    expect(await dataSource.runMigrations()).toEqual([]);
    expect(await differences()).toEqual([]);
  });

  it('do not change the tables of the host', async () => {
    await connect();
    await dataSource.query('CREATE TABLE host (id integer)');
    await dataSource.runMigrations();
    for (const _ of djaffarMigrations) await dataSource.undoLastMigration();
    expect(await dataSource.query('SELECT * FROM host')).toEqual([]);
  });

  it('create tables that store emoji and distinguish case, accents and trailing spaces, whatever the default charset is', async () => {
    await connect();
    if (name === 'mariadb') {
      await dataSource.query('ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci');
      await dataSource.destroy();
      await connect();
    }
    await dataSource.runMigrations();
    expect(await differences()).toEqual([]);
    const repository = dataSource.getRepository(Activity);
    const names = ['🦋', '🐛', 'ж', 'a', 'A', 'a ', 'á', '日本'];
    await repository.insert(
      names.map((text, i) => ({
        id: `00000000-0000-4000-8000-00000000000${i}`,
        date: new Date(i),
        receivedAt: new Date(i),
        name: text,
        path: text,
        userId: text,
        referer: text,
        userName: text,
        groupId: `company:${text}`,
        groupName: text,
        properties: { [text]: text },
      })),
    );
    for (const text of names) {
      for (const where of [
        { name: text },
        { path: text },
        { userId: text },
        { groupId: `company:${text}` },
      ]) {
        expect(await repository.find({ where })).toMatchObject([
          {
            name: text,
            path: text,
            userId: text,
            userName: text,
            groupName: text,
            referer: text,
            properties: { [text]: text },
          },
        ]);
      }
    }
  });

  describe('serve a host whose data source has', () => {
    let app: INestApplicationContext;
    let opened: DataSource | undefined;

    // An app that does not start leaves it open.
    afterEach(async () => {
      if (opened?.isInitialized) await opened.destroy();
    });

    async function startWith(options: Partial<DataSourceOptions>): Promise<ActivityService> {
      await connect(options);
      await dataSource.runMigrations();
      const all = { ...database.options, ...options, autoLoadEntities: true, retryAttempts: 0 };

      @Module({
        imports: [
          TypeOrmModule.forRootAsync({
            useFactory: () => all as TypeOrmModuleOptions,
            dataSourceFactory: async (given = database.options) =>
              (opened = await new DataSource(given).initialize()),
          }),
          DjaffarModule.forRoot(),
        ],
      })
      class HostModule {}

      app = await NestFactory.createApplicationContext(HostModule, { logger: false, abortOnError: false });
      return app.get(ActivityService, { strict: false });
    }

    it.each([
      [new RewritingNamingStrategy(), '"djaffar_activity.receivedAt" to "received_at" (and '],
      [new UpperCaseTables(), '"djaffar_activity" to "DJAFFAR_ACTIVITY" (and '],
    ])('no names of its own for ours, and the error says so: %p', async (namingStrategy, texts) => {
      const error = await startWith({ namingStrategy }).then(() => app.close(), String);
      expect(error).toContain(`Djaffar: the naming strategy ${namingStrategy.constructor.name}`);
      expect(error).toContain(`renames ${texts}`);
      expect(error).toContain('return customName || …');
    });

    const settings: [string, Partial<DataSourceOptions>][] = [
      ['a naming strategy of its own', { namingStrategy: new SnakeNamingStrategy() }],
      ['a prefix for its tables', { entityPrefix: 'app_' }],
    ];
    if (name === 'postgres') settings.push(['a schema of its own', { schema: 'app' }]);

    it.each(settings)('%s', async (_, options) => {
      if ('schema' in options) {
        await (await connect()).query('CREATE SCHEMA app');
        await dataSource.destroy();
      }
      const activities = await startWith(options);
      try {
        await activities.track({ path: '/', user: { id: 1, name: 'jeff' }, session: 's', userAgent: 'x' });
        expect((await activities.find({ path: '/*', user: '1' })).items).toMatchObject([
          { path: '/', userName: 'jeff', sessionId: 's', session: { userAgent: 'x' } },
        ]);
        expect(await activities.erase({ user: '1' })).toBe(1);
        expect(await activities.count()).toBe(0);
        expect(await differences()).toEqual([]);
      } finally {
        await app.close();
      }
    });
  });
});
