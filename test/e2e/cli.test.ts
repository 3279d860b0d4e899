import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DataSource } from 'typeorm';
import { defaultPage, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { NameRollup } from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { createDatabase, type DatabaseName, dumpOf, FOUND, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import {
  emptyDatabase,
  FROM_SOURCE,
  output,
  outputOfProcess,
  run,
  runProcess,
  runWith,
} from '../support/command.js';
import { compiled } from '../support/compiled.js';

const NOVEMBER = { from: '2026-11-01T00:00Z', to: '2026-12-01T00:00Z' };
const RANGE = ['--from', NOVEMBER.from, '--to', NOVEMBER.to];

async function startWithVisits(database: DatabaseName): Promise<Host> {
  const host = await startHost({ adapter: 'express', database });
  for (const [i, path] of ['/', '/pricing', '/', '/pricing', '/'].entries()) {
    await host.activities.track({
      path,
      date: new Date(Date.UTC(2026, 10, 2 + (i >> 1), 12, i)),
      name: i === 3 ? 'bought' : 'view',
      properties: { plan: i > 2 ? 'pro' : 'free', i },
      user: { id: i >> 1 },
      session: `s${i >> 1}`,
      visit: `v${i >> 1}`,
    });
  }
  return host;
}

describe.each(FOUND)('djaffar on %s', (name) => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithVisits(name);
  });

  afterAll(() => host.close());

  it('stats answers as ActivityStats does', async () => {
    const overview = JSON.parse(
      await outputOfProcess(host.database, ['stats', 'overview', ...RANGE]),
    ) as unknown;
    expect(overview).toMatchObject({ visits: { value: 3 }, users: { value: 3 }, views: { value: 4 } });
  });

  it('check says which visits and rollups are wrong, and --rebuild recomputes them', async () => {
    const fine = 'visits and rollups match the activities\n';
    expect(await output(host.database, ['check'])).toBe(fine);
    await host.dataSource.getRepository(NameRollup).update({ name: 'bought' }, { activities: 5 });
    expect(await runProcess(host.database, ['check'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'djaffar: 0 visits, 1 rollup rows and 0 pages are wrong; run with --rebuild\n',
    });
    await output(host.database, ['check', '--rebuild']);
    expect(await output(host.database, ['check'])).toBe(fine);
  });

  it('erase deletes what the filter matches, and returns how many', async () => {
    expect(await output(host.database, ['erase', '--user', '0', '--yes'])).toBe('2 erased\n');
    expect((await host.stored()).map(({ userId }) => userId)).toEqual(['1', '1', '2']);
  });
});

describe.each(FOUND)('djaffar erase on %s', (name) => {
  it('leaves nothing of a user in any table, also not in those of the statistics', async () => {
    const host = await startHost({ adapter: 'express', database: name });
    try {
      await host.activities.track({
        path: '/vanished-page',
        name: 'vanished-name',
        date: '2026-11-02T12:00Z',
        properties: { plan: 'vanished-plan' },
        user: { id: 'vanished', name: 'Vanished Person' },
        session: 'vanished-session',
        visit: 'vanished-visit',
      });
      await host.activities.track({ path: '/', date: '2026-11-02T12:00Z', user: { id: 'left' } });
      for (const question of ['user', 'path --measure visits', 'name', 'property --property plan'])
        await output(host.database, ['stats', 'top', ...question.split(' '), ...RANGE]);
      const before = await dumpOf(host.dataSource);
      for (const table of ['djaffar_activity', 'djaffar_path', 'djaffar_name_rollup', 'djaffar_visit'])
        expect(before).toMatch(new RegExp(`${table}\\W.*vanished`));
      expect(await output(host.database, ['erase', '--user', 'vanished', '--yes'])).toBe('1 erased\n');
      const after = await dumpOf(host.dataSource);
      expect(after).not.toMatch(/vanished/i);
      expect(after).toContain('left');
    } finally {
      await host.close();
    }
  });
});

describe('djaffar stats', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithVisits('sqlite');
  });

  afterAll(() => host.close());

  it.each<[string[], unknown]>([
    [
      ['overview', ...RANGE, '--compare-to', '2026-10-01T00:00Z..2026-11-01T00:00Z', '--user', '1'],
      { visits: { value: 1, compared: 0 } },
    ],
    [
      [
        'series',
        'visits',
        'day',
        '--from',
        '2026-11-02T00:00Z',
        '--to',
        '2026-11-04T00:00Z',
        '--time-zone',
        'UTC',
      ],
      { points: [{ value: 1 }, { value: 1 }] },
    ],
    [
      ['top', 'path', ...RANGE, '--limit', '1', '--measure', 'activities'],
      { items: [{ value: '/', count: 3 }] },
    ],
    [
      ['top', 'property', ...RANGE, '--property', 'plan', '--properties', 'plan=pro'],
      { items: [{ value: 'pro', count: 2 }] },
    ],
    [
      ['overview', ...RANGE, '--entry', '/*', '--exit', '/pricing', '--user', '0', '--utm-source', ''],
      { visits: { value: 1 } },
    ],
    [['overview', ...RANGE, '--user', ''], { visits: { value: 0 } }],
    [['measure', 'max(i)', ...RANGE, '--path', '/'], { value: 4, count: 3 }],
    [['top', 'route', ...RANGE, '--measure', 'sum(i)'], { items: [] }],
    [
      ['overview', ...RANGE, '--properties', 'plan!=free', '--properties', 'plan^=p'],
      { activities: { value: 2 } },
    ],
    [
      ['overview', ...RANGE, '--properties', 'plan=free', '--properties', 'plan=x'],
      { activities: { value: 3 } },
    ],
    [['overview', ...RANGE, '--properties', 'plan>=1'], { activities: { value: 0 } }],
    [['overview', ...RANGE, '--filter', '{"name":{"not":"view"}}'], { activities: { value: 1 } }],
    [['live', '--minutes', '1', '--bots'], { sessions: 0, visitors: [] }],
    [
      ['funnel', ...RANGE, '--step', 'path=/', '--step', 'name=bought', '--within', '3600000'],
      { steps: [{ visitors: 3 }, { visitors: 1 }] },
    ],
    [
      ['funnel', ...RANGE, '--step', 'path=/a?b=c', '--step', 'name=a=b'],
      { steps: [{ step: { path: '/a?b=c' } }, { step: { name: 'a=b' } }] },
    ],
    [['retention', ...RANGE, '--period', 'month', '--by', 'session'], { cohorts: [{ size: 3 }] }],
    [
      ['journeys', ...RANGE, '--start', '/', '--depth', '2'],
      { nodes: [{ path: '/' }, { path: '/pricing' }] },
    ],
    [['visits', ...RANGE, '--limit', '2', '--order', 'asc'], { items: [{ id: 'v0' }, { id: 'v1' }] }],
  ])('answers %j', async (args, expected) => {
    expect(JSON.parse(await output(host.database, ['stats', ...args]))).toMatchObject(Object(expected));
  });

  it.each([
    [['series', 'visits', 'eon'], /^error: .*'eon' is invalid.*minute, hour, day, week, month/],
    [['overview', '--time-zone', 'Mars'], /^djaffar: timeZone must be an IANA time zone/],
    [['overview', '--entry', ''], /^djaffar: entry must be a text that is not empty/],
    [['funnel', '--step', 'color=red'], /^error: .*path=…, route=… or name=…/],
    [['funnel'], /^error: required option '--step/],
    [['overview', '--colour', 'red'], /^error: unknown option '--colour'/],
    [['overview', '--properties', 'plan'], /^error: .*KEY=VALUE/],
    [['overview', '--properties', 'n>=x'], /^error: .*x is not a number/],
    [['overview', '--properties', 'n=1', '--properties', 'n>=1'], /^djaffar: .*cannot be combined/],
    [['overview', '--filter', '[]'], /^error: .*JSON object/],
    [['overview', '--path', '/', '--filter', '{"path":"/"}'], /^djaffar: path must not be given twice/],
    [['top', 'path', '--limit', 'x'], /^djaffar: limit must be a whole number/],
  ])('says in a line what is wrong with %j', async (args, message) => {
    const { code, stdout, stderr } = await run(host.database, ['stats', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe('djaffar erase', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithVisits('sqlite');
  });

  afterAll(() => host.close());

  it.each([
    [['--yes'], 'an empty filter would erase everything; add a filter, such as --user 17'],
    [['--user', '1'], 'there is no terminal to ask for confirmation; use --yes'],
    [['--user', '', '--yes'], 'user must be a text that is not empty'],
  ])('refuses %j', async (args, reason) => {
    expect(await runProcess(host.database, ['erase', ...args])).toEqual({
      code: 1,
      stdout: '',
      stderr: `djaffar: ${reason}\n`,
    });
    expect(await host.stored()).toHaveLength(5);
  });
});

describe('djaffar', () => {
  it.each([
    ['--version', 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    ['exprot', 1, /^$/, /unknown command 'exprot'\n\(Did you mean export\?\)/],
    ['stats foo', 1, /^$/, /unknown command 'foo'\nAllowed choices are overview, series, measure, top, /],
    ['stats series', 1, /^$/, /missing required argument 'measure'\nAllowed choices are users, sessions, /],
    ['stats measure', 1, /^$/, /missing required argument 'measure'\nAllowed choices are sum\(KEY\), /],
    ['stats series users', 1, /^$/, /missing required argument 'interval'\nAllowed choices are minute, /],
    ['export --form 2026-11-01', 1, /^$/, /unknown option '--form'\n\(Did you mean (one of )?--from/],
  ])('%s ends with %d', async (args, code, stdout, stderr) => {
    const database = await emptyDatabase('sqlite');
    try {
      expect(await run(database, args.split(' '))).toEqual({
        code,
        stdout: expect.stringMatching(stdout) as string,
        stderr: expect.stringMatching(stderr) as string,
      });
    } finally {
      await database.drop();
    }
  });
});

describe('the exit code', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await emptyDatabase('sqlite');
  });

  afterAll(() => database.drop());

  const retention = { keep: '3 years' };

  it.each([
    ['export', 0],
    ['import -', 0],
    ['stats overview', 0],
    ['check', 0],
    ['check --rebuild', 0],
    ['erase --user 17 --yes', 0],
    ['retain', 0],
    ['retain --dry-run', 0],
    ['migrate', 0],
    ['export --format xml', 1],
    ['import nowhere.ndjson', 1],
    ['stats overview --from tomorrow', 1],
    ['check --repair', 1],
    ['erase --yes', 1],
    ['retain --keep', 1],
    ['migrate --down', 1],
    ['copy', 1],
  ])('of %s is %d', async (args, code) => {
    const dataSource = new DataSource({
      ...database.options,
      entities: djaffarEntities,
      migrations: [...djaffarMigrations],
    });
    const ran = await runWith(async () => ({ dataSource, page: defaultPage, retention }), args.split(' '));
    expect([ran.code, code === 0 ? '' : ran.stdout]).toEqual([code, '']);
  });
});

describe('the data source file', () => {
  const library = JSON.stringify(compiled('library'));
  const typeorm = `import { DataSource } from ${JSON.stringify(resolve('node_modules/typeorm/index.mjs'))};
    console.log('what the host says when it is loaded');
    import { djaffarEntities } from ${library};
    import { databaseOptions } from ${JSON.stringify(compiled('database'))};
    const options = { ...databaseOptions(process.env.DATABASE_URL), entities: djaffarEntities };`;
  let folder: string;
  let host: Host;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-cli-'));
    host = await startWithVisits('sqlite');
  });

  afterAll(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function exportWith(
    content: string,
    database: TestDatabase = host.database,
  ): ReturnType<typeof runProcess> {
    const dataSource = join(folder, 'data-source.mjs');
    writeFileSync(dataSource, content);
    return runProcess(database, ['export', '--visit', 'v2', '--format', 'json'], { dataSource });
  }

  it.each([
    ['by default', 'export default new DataSource(options)'],
    ['by a name, and by default', 'export const database = new DataSource(options); export default database'],
    ['as a promise', 'export const database = Promise.resolve(new DataSource(options))'],
    ['connected already', 'export default new DataSource(options).initialize()'],
    ['within what CommonJS exports', 'export default { default: new DataSource(options) }'],
    ['logging', 'export default new DataSource({ ...options, logging: true })'],
  ])('may export it %s', async (_, exported) => {
    const { code, stdout } = await exportWith(`${typeorm} ${exported};`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ path: '/', visitId: 'v2' }]);
  });

  it('may be TypeScript, if Node has a loader for it', async () => {
    const options = { dataSource: 'ormconfig.ts', command: FROM_SOURCE };
    const { code, stdout, stderr } = await runProcess(host.database, ['export', '--visit', 'v2'], options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ path: '/', visitId: 'v2' });
  });

  it('in TypeScript without a loader is answered with what to do', async () => {
    const { code, stderr } = await runProcess(host.database, ['export'], { dataSource: 'ormconfig.ts' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^djaffar: ormconfig\.ts cannot be loaded without a loader for TypeScript: .* -d ormconfig\.js, .*--import tsx/,
    );
  });

  it('does not change the schema, whatever the host does when it starts', async () => {
    const empty = await createDatabase('sqlite');
    const started = '{ ...options, synchronize: true, dropSchema: true, migrationsRun: true }';
    try {
      const { code, stdout, stderr } = await exportWith(
        `${typeorm} export default new DataSource(${started});`,
        empty,
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /\ndjaffar: a table or a column is missing; run the migrations: .*no such table.*\n$/,
      );
    } finally {
      await empty.drop();
    }
  });

  it.each([
    ['exports none', 'export const a = 1', 'exports no DataSource of TypeORM'],
    [
      'exports two',
      `${typeorm} export const a = new DataSource(options), b = new DataSource(options)`,
      'exports more than one DataSource of TypeORM',
    ],
    ['fails', 'throw new Error("of its own\\nin two lines")', 'cannot be loaded: of its own in two lines'],
  ])('is named where it %s', async (_, content, reason) => {
    const { code, stdout, stderr } = await exportWith(content);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n').at(-2)).toBe(`djaffar: ${join(folder, 'data-source.mjs')} ${reason}`);
  });

  it('has to know djaffarEntities', async () => {
    const { code, stderr } = await exportWith(
      `${typeorm} export default new DataSource({ ...options, entities: [] });`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /\ndjaffar: .*data-source\.mjs has no djaffarEntities: add them to its entities\n$/,
    );
  });

  it('may be the option "store" of the app in place of a data source', async () => {
    const store = '{ close: async () => {}, classifyError() {}, async *pages() {} }';
    const { code, stdout } = await exportWith(`export const store = { create: () => (${store}) };`);
    expect({ code, exported: JSON.parse(stdout) }).toEqual({ code: 0, exported: [] });
  });

  it('is not asked for its pages by a check that finds nothing wrong', async () => {
    const dataSource = join(folder, 'data-source.mjs');
    writeFileSync(dataSource, `${typeorm} export default new DataSource(options);`);
    const { code, stderr } = await runProcess(host.database, ['check'], { dataSource });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'what the host says when it is loaded\n' });
  });

  it('may have a database without a write-ahead log, which stops nobody', async () => {
    const dataSource = join(folder, 'data-source.mjs');
    const memory = "{ ...options, database: ':memory:', enableWAL: false }";
    const migrate = `const source = new DataSource({ ...${memory}, migrations: djaffarMigrations }); await source.initialize(); await source.runMigrations();`;
    writeFileSync(
      dataSource,
      `${typeorm} import { djaffarMigrations } from ${library}; ${migrate} export default source;`,
    );
    const { code, stderr } = await runProcess(host.database, ['stats', 'overview'], { dataSource });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'what the host says when it is loaded\n' });
  });

  it('is asked for its pages by check --rebuild, which says that it uses the default ones', async () => {
    const args = ['check', '--rebuild'];
    const dataSource = join(folder, 'data-source.mjs');
    const stderrWith = async (exported: string): Promise<string> => {
      writeFileSync(dataSource, `${typeorm} export default new DataSource(options); ${exported}`);
      const { code, stderr } = await runProcess(host.database, args, { dataSource });
      expect(code).toBe(0);
      return stderr.replace('what the host says when it is loaded\n', '');
    };
    expect(await stderrWith('')).toMatch(
      /^djaffar: .*data-source\.mjs exports no "page", so the default pages are used; [^\n]*\n$/,
    );
    expect(await stderrWith(`export { defaultPage as page } from ${library};`)).toBe('');
  });

  it('exports what is too old for retain, which erases it', async () => {
    const dataSource = join(folder, 'data-source.mjs');
    const retain = async (exported: string, ...args: string[]): Promise<string> => {
      writeFileSync(dataSource, `${typeorm} export default new DataSource(options); ${exported}`);
      const { stdout, stderr } = await runProcess(host.database, ['retain', ...args], { dataSource });
      return (stdout + stderr).replace('what the host says when it is loaded\n', '');
    };
    const old = { date: '2020-01-01T00:00Z', path: '/old' };
    await host.activities.track(old);
    await host.activities.track({ ...old, user: { id: 'old' } });
    expect(await retain('')).toMatch(
      /exports no "retention": export the option "retention" of the app there/,
    );
    expect(await retain(`export const retention = { keep: 'long' };`)).toMatch(
      /"retention" that is wrong: option "retention.keep" is 'long'; allowed: days, weeks, months or years/,
    );
    const retention = `export const retention = { keep: '3 years' };`;
    expect(await retain(retention, '--dry-run')).toBe('2 activities would be erased, 0 anonymised\n');
    expect(await retain(retention)).toBe('2 activities erased, 0 anonymised\n');
    expect(await host.activities.count({ path: '/old' })).toBe(0);
  });

  it('has to be there', async () => {
    const { code, stderr } = await runProcess(host.database, ['export'], { dataSource: 'nowhere.js' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^djaffar: nowhere\.js cannot be loaded: .*\n$/),
    });
  });
});
