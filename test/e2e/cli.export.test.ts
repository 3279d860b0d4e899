import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { TypeOrmStore } from '../../lib/store/typeorm/typeorm.store.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { uuidv7 } from '../../lib/activity/random.js';
import { AdaGuard, asAda } from '../support/dashboard.js';
import { type DatabaseName, FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { output, type Ran, run, runProcess, start } from '../support/command.js';
import { CAN_MOUNT, SmallDisk } from '../support/small-disk.js';
import { compiled } from '../support/compiled.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

const HEADER =
  'id,date,receivedAt,name,path,route,referer,properties,subject,userId,userName,groupId,groupName,sessionId,visitId,ipAddress,interactive,' +
  'session.userAgent,session.startedAt,session.browser,session.system,session.device,session.country,session.language,session.bot,session.consent';

const HOSTILE = [
  'comma, "quotes" and ; semicolon',
  'line\r\nbreak\nand\rreturn',
  '🦋 fullwidth and   blanks ',
  '"',
  '\\"\\\\',
  '</script><!--',
  '\u2028\u2029\uFEFF\u0001\u007f',
];

/** Reads CSV as RFC 4180 has it. */
function readCsv(csv: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let row: string[] = [];
  while (cell.lastIndex < csv.length) {
    const at = cell.lastIndex;
    const match = cell.exec(csv);
    if (!match) throw new Error(`no cell at ${at}: ${csv.slice(at, at + 40)}`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

async function storedIn(host: Host): Promise<unknown[]> {
  return JSON.parse(JSON.stringify(await host.stored())) as unknown[];
}

function lines(ndjson: string): unknown[] {
  return ndjson
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

async function startWithActivities(database: DatabaseName): Promise<Host> {
  const host = await startHost({ adapter: 'express', database });
  await host.activities.track({
    path: '/shop/1',
    date: '2026-02-03T04:05:06.007Z',
    name: 'bought',
    referer: 'https://example.com/',
    properties: { plan: 'pro', deep: { list: [1, null, 'é'] } },
    route: '/shop/:id',
    subject: ['order', 17],
    interactive: false,
    user: { id: 17, name: 'jeff' },
    session: 's1',
    visit: 'v1',
    ip: '203.0.113.7',
    userAgent: FIREFOX,
  });
  for (const [i, hostile] of HOSTILE.entries()) {
    await host.activities.track({
      path: hostile,
      date: new Date(Date.UTC(2026, 2, 1 + i)),
      referer: hostile,
      properties: { [hostile]: hostile },
      user: { id: hostile, name: hostile },
      session: `h${i}`,
      userAgent: hostile,
    });
  }
  await host.activities.track({ path: '/', date: '2025-01-01T00:00Z' });
  return host;
}

describe.each(FOUND)('djaffar export on %s', (name) => {
  let host: Host;

  beforeAll(async () => {
    host = await startWithActivities(name);
  });

  afterAll(() => host.close());

  it('writes all of each activity with its session as NDJSON, the oldest first', async () => {
    const rows = lines(await output(host.database, ['export']));
    expect(rows).toEqual(await storedIn(host));
    expect(rows).toHaveLength(HOSTILE.length + 2);
  });

  it('writes the same as one JSON array, also without activities', async () => {
    expect(JSON.parse(await output(host.database, ['export', '--format', 'json']))).toEqual(
      await storedIn(host),
    );
    const none = await output(host.database, ['export', '--format', 'json', '--name', 'nothing']);
    expect(JSON.parse(none)).toEqual([]);
  });

  it('writes the same as CSV of RFC 4180, with the session in columns of its own', async () => {
    const [header, ...rows] = readCsv(await output(host.database, ['export', '--format', 'csv', '--raw']));
    expect(header?.join(',')).toBe(HEADER);
    const cells = (await host.stored()).map((activity) => [
      activity.id,
      activity.date.toISOString(),
      activity.receivedAt.toISOString(),
      activity.name,
      activity.path,
      activity.route ?? '',
      activity.referer ?? '',
      activity.properties ? JSON.stringify(activity.properties) : '',
      activity.subject ?? '',
      activity.userId ?? '',
      activity.userName ?? '',
      activity.groupId ?? '',
      activity.groupName ?? '',
      activity.sessionId ?? '',
      activity.visitId ?? '',
      activity.ipAddress ?? '',
      activity.interactive === null ? '' : String(activity.interactive),
      activity.session?.userAgent ?? '',
      activity.session?.startedAt.toISOString() ?? '',
      activity.session?.browser ?? '',
      activity.session?.system ?? '',
      activity.session?.device ?? '',
      activity.session?.country ?? '',
      activity.session?.language ?? '',
      activity.session ? String(activity.session.bot) : '',
      typeof activity.session?.consent === 'boolean' ? String(activity.session.consent) : '',
    ]);
    expect(rows).toEqual(cells);
  });
});

describe('djaffar export', () => {
  let host: Host;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-cli-'));
    host = await startWithActivities('sqlite');
  });

  afterAll(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['--user', '17'],
    ['--session', 's1'],
    ['--visit', 'v1'],
    ['--path', '/shop/*'],
    ['--page', '/shop/*'],
    ['--route', '/shop/:id'],
    ['--subject', 'order:17'],
    ['--name', 'bought'],
    ['--ip', '203.0.113.7'],
    ['--from', '2026-02-03T00:00Z', '--to', '2026-02-04T00:00Z'],
    ['--from', '2026-02-03', '--to', '2026-02-03'],
  ])('writes only what the filter takes: %s %s', async (...filter) => {
    const rows = lines(await output(host.database, ['export', ...filter]));
    expect(rows).toMatchObject([{ path: '/shop/1' }]);
  });

  it.each([
    ['--from', 'from must be a Date, an ISO 8601 date and time, or a date such as 2026-11-01'],
    ['--after', 'after must be the "next" value of a previous page'],
  ])('leaves a file as it was where an option is wrong: %s', async (option, reason) => {
    const file = join(folder, 'kept');
    writeFileSync(file, 'kept');
    const { code, stdout, stderr } = await run(host.database, ['export', '--output', file, option, 'x']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(`djaffar: ${reason}\n`);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it.each(['csv', 'ndjson'])('continues a %s file after the cursor', async (format) => {
    const file = join(folder, format);
    // A file for a spreadsheet begins with a byte order mark, a pipe does not.
    const mark = format === 'csv' ? '\ufeff' : '';
    const whole = mark + (await output(host.database, ['export', '--format', format]));
    const { next } = await host.activities.find({}, { order: 'asc', limit: 3 });
    const until = (await host.activities.find({}, { order: 'asc', limit: 4 })).items[3]?.date ?? new Date();
    const args = ['export', '--format', format, '--output', file];
    await output(host.database, [...args, '--to', until.toISOString()]);
    expect(readFileSync(file, 'utf8')).not.toBe(whole);
    await output(host.database, [...args, '--after', next ?? '']);
    expect(readFileSync(file, 'utf8')).toBe(whole);
    await output(host.database, args);
    expect(readFileSync(file, 'utf8')).toBe(whole);
  });

  it.each<[string[], boolean]>([
    [['--format', 'csv'], true],
    [['--format', 'csv', '--raw'], true],
    [['--format', 'csv', '--no-bom'], false],
    [['--format', 'json'], false],
    [[], false],
  ])('begins with a byte order mark where Excel needs it: %j', async (options, hasMark) => {
    const file = join(folder, 'bom');
    await output(host.database, ['export', ...options, '--output', file]);
    expect(readFileSync(file).subarray(0, 3).equals(Buffer.from('\uFEFF'))).toBe(hasMark);
  });

  it('does not go on behind the end of a JSON array', async () => {
    const file = join(folder, 'json');
    const { next } = await host.activities.find({}, { order: 'asc', limit: 3 });
    const args = ['export', '--format', 'json', '--output', file, '--after', next ?? ''];
    await output(host.database, args);
    const array = readFileSync(file, 'utf8');
    expect(JSON.parse(array)).toEqual((await storedIn(host)).slice(3));
    const { code, stderr } = await run(host.database, args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `djaffar: ${file} is a complete json document already; use another file, or --format ndjson; resume with --after ${next ?? ''}\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(array);
  });
});

// The command of util-linux that has others believe in a terminal.
(existsSync('/usr/bin/script') && process.platform === 'linux' ? describe : describe.skip)(
  'djaffar on a terminal',
  () => {
    it.each([
      ['export', 'export', '--format', 'csv'],
      ['stats', 'stats', 'top', 'path'],
    ])('prints no control character of what was tracked: %s', async (_, ...args) => {
      const host = await startHost({ adapter: 'express' });
      await host.activities.track({ path: '/\u001b[2J\u009b31m\u202e', date: new Date() });
      const command = [process.execPath, compiled('command'), '-d', compiled('ormconfig'), ...args];
      const env = { ...process.env, DATABASE_URL: host.database.url };
      const child = spawn('/usr/bin/script', ['-qec', command.join(' '), '/dev/null'], { env });
      child.stdin.end();
      const [shown] = await Promise.all([text(child.stdout), once(child, 'close')]);
      await host.close();
      expect(shown).toContain('/\\u001b[2J\\u009b31m\\u202e');
      for (const control of ['\u001b', '\u009b', '\u202e']) expect(shown).not.toContain(control);
    });
  },
);

describe('what spreadsheets would run as a formula', () => {
  let host: Host;
  const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t1', '\r1', '\n1', '  =1', '＝1', '＋1', '－1', '＠1'];
  /** Where a spreadsheet may begin a cell of its own: at `;` and tabs, and at line breaks inside quotes. */
  const parts: [path: string, escaped: string][] = [
    ["/x;=cmd|' /C calc'!A0", "/x;'=cmd|' /C calc'!A0"],
    ['/x; +1;-1', "/x;' +1;'-1"],
    ['=1;=2', "'=1;'=2"],
    ['\t=1', "'\t'=1"],
    ['\r=1', "'\r'=1"],
    ['\n=1', "'\n'=1"],
    ['/x\t@SUM(A1)', "/x\t'@SUM(A1)"],
    ['/x\n=1\r\n=2', "/x\n'=1\r\n'=2"],
    ['"/x";＝1', `"/x";'＝1`],
    // An apostrophe that was there before: an import removes only the one that was added.
    ["'=1", "''=1"],
    ["a;'=1", "a;''=1"],
  ];
  const others = ['/=1', '1-1', "'1", "it's", 'a@b', ' a', 'a;b', 'a; b-1', 'a,=b', 'a\tb'];
  const paths = [...formulas, ...parts.map(([path]) => path), ...others];

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database: 'sqlite' });
    for (const [i, path] of paths.entries())
      await host.activities.track({ path, date: new Date(i), session: `s${i}`, userAgent: path });
  });

  afterAll(() => host.close());

  it('is escaped by an apostrophe in each cell and each part of it, and nothing else is changed', async () => {
    const [, ...rows] = readCsv(await output(host.database, ['export', '--format', 'csv']));
    const escaped = parts.map(([, after]) => after);
    const expected = [...formulas.map((formula) => `'${formula}`), ...escaped, ...others];
    expect(rows.map((row) => row[4])).toEqual(expected);
    expect(rows.map((row) => row[17])).toEqual(expected);
  });

  it('stays as it is with --raw, and in JSON', async () => {
    const [, ...rows] = readCsv(await output(host.database, ['export', '--format', 'csv', '--raw']));
    expect(rows.map((row) => row[4])).toEqual(paths);
    expect(lines(await output(host.database, ['export']))).toMatchObject(paths.map((path) => ({ path })));
  });

  it('starts no formula if a spreadsheet splits lines at semicolons', async () => {
    const csv = await output(host.database, ['export', '--format', 'csv']);
    // Quotes count only at the beginning of a cell, and no line begins with one.
    const cells = csv.split(/[;\t\r\n]/);
    expect(cells.filter((cell) => /^\s*[=+\-@＝＋－＠]/.test(cell))).toEqual([]);
  });

  it('quotes what separates cells in some spreadsheets', async () => {
    const csv = await output(host.database, ['export', '--format', 'csv', '--raw']);
    expect(csv).toContain(',"a;b",');
    expect(csv).toContain(',"a\tb",');
    expect(csv).toContain(`,"/x;=cmd|' /C calc'!A0",`);
  });
});

describe.each(FOUND)('an export of many activities on %s', (name) => {
  const COUNT = 8000;
  let host: Host;
  /** By format. */
  const whole = new Map<string, string>();

  beforeAll(async () => {
    host = await startHost({
      adapter: 'express',
      database: name,
      djaffar: { dashboard: { guards: [AdaGuard] } },
    });
    const writer = new ActivityWriter(new TypeOrmStore(host.dataSource), {
      ...DEFAULTS.writer,
      maxWaiting: COUNT,
    });
    const activity = (i: number) => ({
      id: uuidv7(),
      // Three at once, so that the id decides too.
      date: new Date(Date.UTC(2026, 0, 1) + Math.floor(i / 3)),
      receivedAt: new Date(),
      name: 'view',
      path: `/${i}/${'x'.repeat(200)}`,
      referer: null,
      properties: null,
      userId: null,
      userName: null,
      sessionId: null,
      visitId: null,
      ipAddress: null,
      route: null,
      subject: null,
      groupId: null,
      groupName: null,
      interactive: null,
    });
    await Promise.all(
      Array.from({ length: COUNT / 500 }, (_, batch) =>
        writer.write(Array.from({ length: 500 }, (__, i) => activity(batch * 500 + i))),
      ),
    );
    for (const format of ['ndjson', 'csv'])
      whole.set(format, await output(host.database, ['export', '--format', format]));
  });

  afterAll(() => host.close());

  /** What was written until an interruption, and what `--after` adds to it. */
  async function interrupted(
    format: string,
    signal: 'SIGINT' | 'SIGTERM' = 'SIGINT',
  ): Promise<{ begun: string; rest: string }> {
    const child = start(host.database, ['export', '--format', format]);
    // Not read, the pipe fills up: the command waits in the middle.
    await once(child.stdout, 'readable');
    child.kill(signal);
    const [begun, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    expect(child.exitCode).toBe(signal === 'SIGINT' ? 130 : 143);
    const cursor = /^djaffar: interrupted; resume with --after (\S+)\n$/.exec(stderr)?.[1] ?? '';
    const rest = await output(host.database, ['export', '--format', format, '--after', cursor]);
    return { begun, rest };
  }

  it.each([
    ['ndjson', 'SIGINT'],
    ['csv', 'SIGTERM'],
  ] as const)('interrupted as %s by %s says where to go on, and loses nothing', async (format, signal) => {
    const { begun, rest } = await interrupted(format, signal);
    expect(rest).not.toBe('');
    expect(begun + rest === whole.get(format)).toBe(true);
  });

  it('interrupted as JSON leaves an array, and loses nothing', async () => {
    const { begun, rest } = await interrupted('json');
    const all = [begun, rest].flatMap((array) => JSON.parse(array) as { id: string }[]);
    expect(JSON.parse(rest)).not.toEqual([]);
    expect(all.map(({ id }) => id)).toEqual((await host.stored()).map(({ id }) => id));
  });

  /** A folder with little room. */
  interface Place {
    folder: string;
    /** Runs the command while files may have, or the disk has, at most so many bytes. */
    exportInto(bytes: number, args: string[]): Promise<Ran>;
    close(): Promise<void>;
  }

  async function openLimited(): Promise<Place> {
    const folder = mkdtempSync(join(tmpdir(), 'djaffar-full-'));
    return {
      folder,
      exportInto: (bytes, args) =>
        runProcess(host.database, args, { limits: `-f ${Math.floor(bytes / 512)}` }),
      close: async () => rmSync(folder, { recursive: true }),
    };
  }

  async function openDisk(): Promise<Place> {
    const disk = await SmallDisk.mount();
    return {
      folder: disk.folder,
      exportInto: async (bytes, args) => {
        await disk.resize(bytes);
        const ran = await run(host.database, args);
        await disk.resize(10 * lengthOf('ndjson'));
        return ran;
      },
      close: () => disk.unmount(),
    };
  }

  const lengthOf = (format: string): number => whole.get(format === 'json' ? 'ndjson' : format)?.length ?? 0;

  const limited = { limit: 'as large as files may be', code: 'EFBIG', open: openLimited };
  const onDisk = { limit: 'on a full disk', code: 'ENOSPC', open: openDisk };
  if (!CAN_MOUNT) it.todo('in a file on a full disk: this machine lets tests mount none');

  describe.each(CAN_MOUNT ? [limited, onDisk] : [limited])('in a file $limit', ({ code, open }) => {
    let place: Place;

    beforeEach(async () => {
      place = await open();
    });

    afterEach(() => place.close());

    /** Exports to a file that has room for two thirds of it. @returns the printed cursor */
    async function exportTo(file: string, format: string): Promise<string> {
      const args = ['export', '--format', format, '--output', file];
      const ran = await place.exportInto(Math.floor((lengthOf(format) * 2) / 3), args);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      const pattern = new RegExp(`^djaffar: .*${code}: [^;]*; resume with --after (\\S+)\n$`);
      const [, cursor = ''] = pattern.exec(ran.stderr) ?? [];
      expect({ ...ran, cursor }).toEqual({ ...ran, cursor: expect.stringMatching(/./) as string });
      return cursor;
    }

    it.each(['ndjson', 'csv'])('leaves whole pages of %s, and goes on behind them', async (format) => {
      const file = join(place.folder, format);
      const cursor = await exportTo(file, format);
      const begun = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
      expect(begun.endsWith('\n')).toBe(true);
      expect(whole.get(format)?.startsWith(begun)).toBe(true);
      await output(host.database, ['export', '--format', format, '--output', file, '--after', cursor]);
      expect(readFileSync(file, 'utf8').replace(/^\uFEFF/, '') === whole.get(format)).toBe(true);
    });

    it('leaves a JSON array, and goes on in another', async () => {
      const file = join(place.folder, 'json');
      const cursor = await exportTo(file, 'json');
      const rest = await output(host.database, ['export', '--format', 'json', '--after', cursor]);
      const all = [readFileSync(file, 'utf8'), rest].flatMap(
        (array) => JSON.parse(array) as { id: string }[],
      );
      expect(all.map(({ id }) => id)).toEqual((await host.stored()).map(({ id }) => id));
    });

    it.each(['ndjson', 'csv', 'json'])(
      'leaves an empty file if it has no room for a page of %s',
      async (format) => {
        const file = join(place.folder, format);
        const { stderr } = await place.exportInto(4096, ['export', '--format', format, '--output', file]);
        expect(stderr).toMatch(new RegExp(`^djaffar: .*${code}: [^;]*\n$`));
        expect(readFileSync(file, 'utf8')).toBe('');
      },
    );
  });

  it('says so if nothing can be written, and nothing to go on behind', async () => {
    const { code, stderr } = await runProcess(host.database, ['export', '--output', '/dev/full']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^djaffar: ENOSPC: [^;]*\n$/) as string,
    });
  });

  it.each(['ndjson', 'csv'])('is the same as the dashboard sends as %s', async (format) => {
    const path = `/djaffar/dashboard/data/activities/export?format=${format}`;
    const response = await host.fetch(path, { headers: asAda });
    expect((await response.text()) === whole.get(format)).toBe(true);
  });

  it('ends without an error if the reader closes the pipe', async () => {
    const child = start(host.database, ['export']);
    await once(child.stdout, 'readable');
    child.stdout.destroy();
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
