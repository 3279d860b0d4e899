import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { defaultPage, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { type Ran, runProcess, runWith, TYPESCRIPT_LOADER } from '../support/command.js';
import { compiled } from '../support/compiled.js';
import { createDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

async function startWithVisit(): Promise<Host> {
  const host = await startHost({ adapter: 'express', database: 'sqlite' });
  await host.activities.track({ path: '/', date: '2026-11-03T12:00Z', session: 's2', visit: 'v2' });
  return host;
}

describe('what the data source file exports', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithVisit();
  });

  afterAll(() => host.close());

  const newDataSource = (options: Partial<DataSourceOptions> = {}, database = host.database): DataSource =>
    new DataSource(Object.assign({ ...database.options, entities: djaffarEntities }, options));

  /** Runs a command with a file `data-source.js` of these exports. */
  const runExporting = (exported: object, ...args: string[]): Promise<Ran> =>
    runWith(async () => exported, args);

  it.each<[string, () => object]>([
    ['by default', () => ({ default: newDataSource() })],
    [
      'by a name, and by default',
      () => {
        const database = newDataSource();
        return { database, default: database };
      },
    ],
    ['as a promise', () => ({ database: Promise.resolve(newDataSource()) })],
    ['connected already', () => ({ default: newDataSource().initialize() })],
    ['within what CommonJS exports', () => ({ default: { default: newDataSource() } })],
  ])('may be a data source %s', async (_, exported) => {
    const { code, stdout } = await runExporting(exported(), 'export', '--visit', 'v2', '--format', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ path: '/', visitId: 'v2' }]);
  });

  it('may be the option "store" of the app in place of a data source', async () => {
    const store = { close: async () => {}, classifyError() {}, async *pages() {} };
    const { code, stdout } = await runExporting(
      { store: { create: () => store } },
      'export',
      '--format',
      'json',
    );
    expect({ code, exported: JSON.parse(stdout) }).toEqual({ code: 0, exported: [] });
  });

  it.each<[string, () => object, string]>([
    ['is none', () => ({ a: 1 }), 'data-source.js exports no DataSource of TypeORM'],
    [
      'are two data sources',
      () => ({ a: newDataSource(), b: newDataSource() }),
      'data-source.js exports more than one DataSource of TypeORM',
    ],
    [
      'does not know djaffarEntities',
      () => ({ default: newDataSource({ entities: [] }) }),
      'the data source of data-source.js has no djaffarEntities: add them to its entities',
    ],
  ])('is named if it %s', async (_, exported, reason) => {
    expect(await runExporting(exported(), 'export')).toEqual({
      code: 1,
      stdout: '',
      stderr: `djaffar: ${reason}\n`,
    });
  });

  it('does not change the schema, whatever the host does when it starts', async () => {
    const empty = await createDatabase('sqlite');
    try {
      const started = { synchronize: true, dropSchema: true, migrationsRun: true };
      const { code, stdout, stderr } = await runExporting(
        { default: newDataSource(started, empty) },
        'export',
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /^djaffar: a table or a column is missing; run the migrations: .*no such table/m,
      );
    } finally {
      await empty.drop();
    }
  });

  it('may have a database without a write-ahead log, which stops nobody', async () => {
    const memory = { database: ':memory:', enableWAL: false, migrations: [...djaffarMigrations] };
    const dataSource = await newDataSource(memory).initialize();
    await dataSource.runMigrations();
    const { code, stderr } = await runExporting({ default: dataSource }, 'stats', 'overview');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('has to be the pages if check --rebuild should use others than the default ones', async () => {
    const stderrOf = async (exported: object, ...args: string[]): Promise<string> => {
      const { code, stderr } = await runExporting(
        { default: newDataSource(), ...exported },
        'check',
        ...args,
      );
      expect(code).toBe(0);
      return stderr;
    };
    expect(await stderrOf({}, '--rebuild')).toMatch(
      /^djaffar: data-source\.js exports no "page", so the default pages are used; [^\n]*\n$/,
    );
    expect(await stderrOf({ page: defaultPage }, '--rebuild')).toBe('');
    // A check that finds nothing wrong does not need them.
    expect(await stderrOf({})).toBe('');
  });

  it('is what is too old for retain, which erases it', async () => {
    const retain = async (exported: object, ...args: string[]): Promise<string> => {
      const { stdout, stderr } = await runExporting(
        { default: newDataSource(), ...exported },
        'retain',
        ...args,
      );
      return stdout + stderr;
    };
    const old = { date: '2020-01-01T00:00Z', path: '/old' };
    await host.activities.track(old);
    await host.activities.track({ ...old, user: { id: 'old' } });
    expect(await retain({})).toMatch(
      /exports no "retention": export the option "retention" of the app there/,
    );
    expect(await retain({ retention: { keep: 'long' } })).toMatch(
      /"retention" that is wrong: option "retention.keep" is 'long'; allowed: days, weeks, months or years/,
    );
    const retention = { keep: '3 years' };
    expect(await retain({ retention }, '--dry-run')).toBe('2 activities would be erased, 0 anonymised\n');
    expect(await retain({ retention })).toBe('2 activities erased, 0 anonymised\n');
    expect(await host.activities.count({ path: '/old' })).toBe(0);
  });
});

describe('the data source file of a process', () => {
  const typeorm = `import { DataSource } from ${JSON.stringify(resolve('node_modules/typeorm/index.mjs'))};
    console.log('what the host says when it is loaded');
    import { djaffarEntities } from ${JSON.stringify(compiled('library'))};
    import { databaseOptions } from ${JSON.stringify(compiled('database'))};
    const options = { ...databaseOptions(process.env.DATABASE_URL), entities: djaffarEntities };`;
  let folder: string;
  let host: Host;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-cli-'));
    host = await startWithVisit();
  });

  afterAll(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** @param loader arguments of Node */
  function exportWith(file: string, content: string, loader: string[] = []): Promise<Ran> {
    const dataSource = join(folder, file);
    writeFileSync(dataSource, content);
    const command = [...loader, compiled('command')];
    return runProcess(host.database, ['export', '--visit', 'v2'], { dataSource, command });
  }

  it('may log, which is no data', async () => {
    const content = `${typeorm} export default new DataSource({ ...options, logging: true });`;
    const { code, stdout, stderr } = await exportWith('logging.mjs', content);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'what the host says when it is loaded\n' });
    expect(JSON.parse(stdout)).toMatchObject({ path: '/', visitId: 'v2' });
  });

  it('may be TypeScript, if Node has a loader for it', async () => {
    const content = `${typeorm} export const dataSource: DataSource = new DataSource(options);`;
    const { code, stdout } = await exportWith('data-source.mts', content, TYPESCRIPT_LOADER);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ path: '/', visitId: 'v2' });
  });

  it('in TypeScript without a loader is answered with what to do', async () => {
    const { code, stderr } = await runProcess(host.database, ['export'], { dataSource: 'ormconfig.ts' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^djaffar: ormconfig\.ts cannot be loaded without a loader for TypeScript: .* -d ormconfig\.js, .*--import tsx/,
    );
  });

  it('may not be waited for forever: the command fails if nothing keeps it running', async () => {
    expect(await exportWith('never.mjs', 'export const dataSource = new Promise(() => {});')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'djaffar: the command cannot finish, because it waits for something that never happens\n',
    });
  });

  it('is named if it fails', async () => {
    const content = 'throw new Error("of its own\\nin two lines")';
    expect(await exportWith('failing.mjs', content)).toEqual({
      code: 1,
      stdout: '',
      stderr: `djaffar: ${join(folder, 'failing.mjs')} cannot be loaded: of its own in two lines\n`,
    });
  });

  it('has to be there', async () => {
    const { code, stderr } = await runProcess(host.database, ['export'], { dataSource: 'nowhere.js' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^djaffar: nowhere\.js cannot be loaded: .*\n$/),
    });
  });
});
