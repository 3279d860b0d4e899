import { DataSource } from 'typeorm';
import { defaultPage, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { NameRollup } from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { type DatabaseName, dumpOf, FOUND, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { emptyDatabase, output, run, runWith } from '../support/command.js';

const NOVEMBER = { from: '2026-11-01T00:00Z', to: '2026-12-01T00:00Z' };
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
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
    const overview = await output(host.database, ['stats', 'overview', ...RANGE]);
    expect(JSON.parse(overview)).toMatchObject({
      visits: { value: 3 },
      users: { value: 3 },
      views: { value: 4 },
    });
  });

  it('check says which visits and rollups are wrong, and --rebuild recomputes them', async () => {
    const fine = 'visits and rollups match the activities\n';
    expect(await output(host.database, ['check'])).toBe(fine);
    await host.dataSource.getRepository(NameRollup).update({ name: 'bought' }, { activities: 5 });
    expect(await run(host.database, ['check'])).toEqual({
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
    [['overview', ...RANGE, '--user', ''], { visits: { value: 0 } }],
    [
      ['overview', ...RANGE, '--properties', 'plan!=free', '--filter', '{"name":{"not":"view"}}'],
      { activities: { value: 1 } },
    ],
    [
      ['series', 'visits', 'day', '--from', '2026-11-02', '--to', '2026-11-03', '--time-zone', 'UTC'],
      { points: [{ value: 1 }, { value: 1 }] },
    ],
    [['measure', 'max(i)', ...RANGE, '--path', '/'], { value: 4, count: 3 }],
    [
      ['top', 'path', ...RANGE, '--limit', '1', '--measure', 'activities'],
      { items: [{ value: '/', count: 3 }] },
    ],
    [['live', '--minutes', '1', '--bots'], { sessions: 0, visitors: [] }],
    [
      ['funnel', ...RANGE, '--step', 'path=/', '--step', 'name=bought', '--within', '3600000'],
      { steps: [{ visitors: 3 }, { visitors: 1 }] },
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
    [['overview', '--properties', 'n=1', '--properties', 'n>=1'], /^djaffar: .*cannot be combined/],
    [['overview', '--time-zone', 'Mars'], /^djaffar: timeZone must be an IANA time zone/],
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
    expect(await run(host.database, ['erase', ...args])).toEqual({
      code: 1,
      stdout: '',
      stderr: `djaffar: ${reason}\n`,
    });
    expect(await host.stored()).toHaveLength(5);
  });

  const QUESTION = 'Erase 2 activities for good? [y/N] ';

  it.each([
    ['Enter', '\r'],
    ['n', 'n\r'],
    ['yeah', 'yeah\r'],
    ['Ctrl+C', '\u0003'],
    ['Ctrl+D', '\u0004'],
  ])('erases nothing if its question on a terminal is answered with %s', async (_, input) => {
    const { code, stdout, stderr } = await run(host.database, ['erase', '--user', '0'], {
      input,
      isTerminal: true,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(QUESTION);
    expect(stderr).toMatch(/djaffar: nothing was erased\n$/);
    expect(await host.stored()).toHaveLength(5);
  });

  it.each(['y', 'yes', ' YES '])('erases if it is answered with %j', async (answer) => {
    const user = { id: `erased with ${answer}` };
    for (const path of ['/a', '/b']) await host.activities.track({ path, user });
    const input = `${answer}\r`;
    const ran = await run(host.database, ['erase', '--user', user.id], { input, isTerminal: true });
    expect(ran).toEqual({
      code: 0,
      stdout: '2 erased\n',
      stderr: expect.stringContaining(QUESTION) as string,
    });
    expect(await host.activities.count({ user: user.id })).toBe(0);
  });
});

describe('an interruption', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithVisits('sqlite');
  });

  afterAll(() => host.close());

  it.each([
    ['check', 'nothing was changed'],
    ['check --rebuild', 'the days so far are right'],
  ])('of %s says how far it was, and restores the terminal', async (args, advice) => {
    const { code, stdout, stderr } = await run(host.database, args.split(' '), {
      isTerminal: true,
      interruptAt: '| 0 of 3 days |',
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr.split(SHOW_CURSOR)).toHaveLength(2);
    expect(stderr.split(SHOW_CURSOR)[0]).toContain(HIDE_CURSOR);
    expect(stderr).toMatch(new RegExp(`djaffar: interrupted after \\d of 3 days; ${advice}; run it again`));
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
