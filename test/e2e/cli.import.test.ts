import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { anyText } from '../support/arbitraries.js';
import { FOUND, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { emptyDatabase, output, run, runProcess } from '../support/command.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:50.0) Gecko/20100101 Firefox/50.0';

const ROW = {
  id: '0193a1b2-0000-7000-8000-00000000000a',
  date: '2026-02-03T04:05:06.007Z',
  receivedAt: '2026-02-03T04:05:06.008Z',
  name: 'view',
  path: '/',
  referer: null,
  properties: null,
  userId: null,
  userName: null,
  groupId: 'company:17',
  groupName: 'Acme',
  sessionId: null,
  visitId: null,
  ipAddress: null,
  route: '/orders/:id',
  subject: 'order:17',
  interactive: false,
  session: null,
};

const SESSION = {
  id: 's1',
  userAgent: FIREFOX,
  startedAt: '2026-02-03T04:05:06.007Z',
  browser: 'Firefox',
  system: 'Linux',
  device: 'desktop',
  country: 'DE',
  language: 'en-US',
  bot: false,
  consent: true,
};

/** As Django 5.2 has dumped the models of django-djaffar 0.1.10. */
const ACTIVITIES = [
  [
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '2016-12-29T07:35:22.571Z',
    '/',
    null,
    '1.2.3.4',
    'https://www.google.com/',
  ],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2016-12-29T07:45:22.571Z', '/café 🦋', 1, '', ''],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2016-12-29T08:35:22.571Z', 'users/me/cart/', 1, '::ffff:1.2.3.4', ''],
  ['bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '2016-12-29T07:35:22Z', '/bot', null, '', ''],
  [null, '2016-12-29T07:35:22.571+02:00', '/x', null, '', ''],
].map(([session, date, path, user, ip_address, referer], i) => ({
  model: 'djaffar.activity',
  pk: i + 1,
  fields: { user, session, ip_address, date, path, referer },
}));

const SESSION_INFOS = [
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', FIREFOX],
  ['bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'Googlebot/2.1'],
].map(([pk, user_agent]) => ({ model: 'djaffar.sessioninfo', pk, fields: { user_agent } }));

const OTHERS = [
  { model: 'contenttypes.contenttype', pk: 1, fields: { app_label: 'auth', model: 'user' } },
  { model: 'sessions.session', pk: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', fields: { session_data: '' } },
];

/** The same as it is exported. */
const DUMPED = [
  { path: '/x', userId: null, sessionId: null, visitId: null, session: null, ipAddress: null },
  { path: '/bot', ipAddress: null, session: { userAgent: 'Googlebot/2.1', bot: true } },
  {
    path: '/',
    date: '2016-12-29T07:35:22.571Z',
    receivedAt: '2016-12-29T07:35:22.571Z',
    name: 'view',
    referer: 'https://www.google.com/',
    ipAddress: '1.2.3.4',
    userId: null,
    session: {
      userAgent: FIREFOX,
      browser: 'Firefox',
      startedAt: '2016-12-29T07:35:22.571Z',
      bot: false,
    },
  },
  { path: '/café 🦋', userId: '1', referer: null, ipAddress: null },
  { path: 'users/me/cart/', userId: '1', ipAddress: '1.2.3.4' },
];

const folder = mkdtempSync(join(tmpdir(), 'djaffar-cli-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  const isWritten = typeof content === 'string' || Buffer.isBuffer(content);
  writeFileSync(path, isWritten ? content : JSON.stringify(content, null, 2));
  return path;
}

function ndjson(...rows: unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function rowsOf(exported: string): (typeof ROW)[] {
  return exported
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as typeof ROW);
}

describe.each(FOUND)('djaffar import on %s', (name) => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await emptyDatabase(name);
  });

  afterEach(() => database.drop());

  it('ends visits after 24 hours, and no question fails of one from 1970 to 2099', async () => {
    const dates = [
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T23:59:59.999Z',
      '2026-02-03T04:05:06.007Z',
      '2026-02-03T23:59:59.007Z',
      '2026-02-04T00:00:00.000Z',
      '2099-12-31T00:00:00.000Z',
    ];
    const rows = dates.map((date, i) => ({ ...ROW, date, visitId: 'v', id: ROW.id.slice(0, -1) + i }));
    const path = file('visits.ndjson', ndjson(...rows));
    for (let time = 0; time < 2; time++) await output(database, ['import', path]);
    const exported = rowsOf(await output(database, ['export']));
    const visits = exported.map(({ visitId }) => visitId);
    expect(exported.map(({ date }) => date)).toEqual(dates);
    expect(visits.map((visit) => visits.indexOf(visit))).toEqual([0, 0, 2, 2, 4, 5]);
    expect(visits[0]).toBe('v');
    for (const question of [
      ['overview'],
      ['series', 'visits', 'month'],
      ['top', 'entry'],
      ['journeys'],
      ['retention', '--period', 'month'],
    ]) {
      const range = ['--from', '1970-01-01T00:00Z', '--to', '2100-01-01T00:00Z'];
      const asked = await run(database, ['stats', ...question, ...range]);
      expect([question, asked.stderr, asked.code]).toEqual([question, '', 0]);
    }
    expect((await run(database, ['check'])).code).toBe(0);
    // What is exported is imported as it is.
    const other = await emptyDatabase(name);
    try {
      await output(other, ['import', file('again.ndjson', ndjson(...exported))]);
      expect(rowsOf(await output(other, ['export']))).toEqual(exported);
    } finally {
      await other.drop();
    }
  });

  it('stores ids of any program, the same at each import', async () => {
    const hex = '0123456789abcdef';
    const ids = Array.from(hex).flatMap((version) =>
      Array.from(hex, (variant) => `D41D8CD9-8F00-${version}204-${variant}980-0998ECF8427E`),
    );
    const long = { sessionId: 's'.repeat(65), visitId: '6fa459ea-ee8a-3ca4-894e-db77e160355e' };
    const rows = ids.map((id) => ({ id, date: ROW.date, path: '/', ...long }));
    const path = file('ids.ndjson', ndjson(...rows));
    for (const counts of ['256 activities stored', '0 activities stored, 256 already there'])
      expect(await output(database, ['import', path])).toBe(`256 rows read, ${counts}\n`);
    const exported = rowsOf(await output(database, ['export']));
    const stored = exported.map(({ id }) => id);
    expect(stored).toHaveLength(256);
    // All but those that MariaDB cannot store, which become others.
    expect(ids.filter((id) => stored.includes(id.toLowerCase()))).toHaveLength(192);
    expect(new Set(exported.map(({ sessionId }) => sessionId))).toEqual(
      new Set([createHash('sha256').update(long.sessionId).digest('hex')]),
    );
    expect(exported[0]?.visitId).toMatch(/^[\w-]{15}$/);
    const other = await emptyDatabase(name);
    try {
      await output(other, ['import', file('ids-again.ndjson', ndjson(...exported))]);
      expect(rowsOf(await output(other, ['export']))).toEqual(exported);
    } finally {
      await other.drop();
    }
  });

  it('is not disturbed by its own transactions', async () => {
    // The same sessions in ever other orders.
    const rows = Array.from({ length: 12_000 }, (_, i) => ({
      date: new Date(Date.UTC(2026, 1, 3) + i * 1000).toISOString(),
      path: `/${i}`,
      sessionId: `s${(i * 7919 + Math.floor(i / 1000) * 104_729) % 997}`,
    }));
    // It says nothing on standard error.
    expect(await output(database, ['import', file('sessions.ndjson', ndjson(...rows))])).toBe(
      '12000 rows read, 12000 activities stored\n',
    );
  });

  it('refuses integers that JavaScript rounds', async () => {
    const row = JSON.stringify({ ...ROW, properties: { order: 0 } }).replace(':0}', ':9007199254740993}');
    const { code, stderr } = await run(database, ['import', file('rounded.ndjson', row)]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('as text')]);
  });

  describe('of an export', () => {
    let host: Host;

    beforeAll(async () => {
      host = await startHost({ adapter: 'express', database: name });
      await fc.assert(
        fc.asyncProperty(
          anyText,
          fc.nat(5),
          fc.date({ min: new Date(0), max: new Date(), noInvalidDate: true }),
          async (hostile, i, date) => {
            const storable = hostile.toWellFormed().replaceAll('\0', '') || '/';
            await host.activities.track({
              path: storable,
              date,
              name: `name${i}`,
              referer: storable,
              properties: { storable, [`key ${storable}`]: [i, null] },
              ...(i > 0 && { interactive: i > 2, route: `/${storable}`, subject: ['order', storable] }),
              ...(i > 1 && { user: { id: i, name: storable } }),
              ...(i > 2 && { session: `session${i}`, visit: `visit${i}`, userAgent: storable }),
              ...(i > 3 && { ip: '2001:db8::1' }),
            });
          },
        ),
      );
    });

    afterAll(() => host.close());

    it('keeps everything, and duplicates nothing the second time', async () => {
      const exported = await output(host.database, ['export']);
      expect(await output(database, ['import', file('all.ndjson', exported)])).toBe(
        '100 rows read, 100 activities stored\n',
      );
      expect(await output(database, ['export'])).toBe(exported);
      for (const options of [[], ['--raw'], ['--no-bom']]) {
        const other = await emptyDatabase(name);
        try {
          const csv = await output(host.database, ['export', '--format', 'csv', ...options]);
          const path = file('all.csv.gz', gzipSync(csv));
          const raw = options.filter((option) => option === '--raw');
          expect(await output(other, ['import', path, ...raw])).toBe(
            '100 rows read, 100 activities stored\n',
          );
          expect(await output(other, ['export'])).toBe(exported);
        } finally {
          await other.drop();
        }
      }
      // An array of JSON this time, from standard input.
      const array = await output(host.database, ['export', '--format', 'json']);
      expect(await output(database, ['import', '-'], array)).toBe(
        '100 rows read, 0 activities stored, 100 already there\n',
      );
      expect(await output(database, ['export'])).toBe(exported);
    });
  });

  describe('of a Django dump', () => {
    it('imports activities, sessions and visits, and duplicates nothing the second time', async () => {
      const dump = file('dump.json', [...OTHERS, ...ACTIVITIES, ...SESSION_INFOS]);
      const skipped = '2 of other models skipped\n';
      expect(await output(database, ['import', dump])).toBe(`9 rows read, 5 activities stored, ${skipped}`);
      const exported = await output(database, ['export']);
      const rows = rowsOf(exported);
      expect(rows).toMatchObject(DUMPED);
      expect(rows[2]?.sessionId).toMatch(/^[\da-f]{64}$/);
      expect(rows[3]?.visitId).toBe(rows[2]?.visitId);
      expect(rows[4]?.visitId).not.toBe(rows[2]?.visitId);
      expect(rows[4]?.sessionId).toBe(rows[2]?.sessionId);
      expect(await output(database, ['import', dump])).toBe(
        `9 rows read, 0 activities stored, 5 already there, ${skipped}`,
      );
      expect(await output(database, ['export'])).toBe(exported);
    });

    it('takes a session that turns out to be a bot out of the statistics', async () => {
      const range = ['--from', '2016-12-01T00:00Z', '--to', '2017-01-01T00:00Z'];
      const countVisits = async (): Promise<unknown> =>
        (JSON.parse(await output(database, ['stats', 'overview', ...range])) as { visits: unknown }).visits;
      await output(database, ['import', file('activity.json', ACTIVITIES)]);
      expect(await countVisits()).toEqual({ value: 3 });
      await output(database, ['import', file('sessioninfo.json', SESSION_INFOS)]);
      expect(await countVisits()).toEqual({ value: 2 });
      await output(database, ['check']);
    });
  });
});

describe('djaffar import', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await emptyDatabase('sqlite');
  });

  afterEach(() => database.drop());

  it('reports an invalid row with its line, and stores the others', async () => {
    const second = { ...ROW, id: ROW.id.replace('a', 'b'), sessionId: 's1', session: SESSION };
    const input = [
      ndjson(ROW),
      '{"id":\n',
      ' \r\n',
      '[1]\n',
      ndjson(
        { ...ROW, id: 'x', date: '2026-02-30T00:00Z' },
        { ...ROW, path: 'x'.repeat(2049), name: 'a\0', referer: '\ud800', userId: 5 },
        { ...ROW, color: 'red', ipAddress: 'nowhere', properties: [] },
        {
          ...second,
          session: { ...SESSION, id: 's2', country: 'Germany', language: 'German!', bot: 1, age: 3 },
        },
        second,
      ),
      `{"properties":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`,
      `"${'x'.repeat(2 ** 20)}"\n`,
      '\xff\n',
    ].join('');
    const { code, stdout, stderr } = await run(database, ['import', '-'], {
      input: Buffer.from(input, 'latin1'),
    });
    expect(stderr.split('\n')).toEqual([
      'djaffar: standard input, line 2: it is not JSON',
      'djaffar: standard input, line 4: it is not a JSON object',
      'djaffar: standard input, line 5: id must be a UUID; date must be an ISO 8601 date and time of the years 1970 to 9999',
      'djaffar: standard input, line 6: name must not contain NUL or lone surrogates; path must be at most 2048 characters long; referer must not contain NUL or lone surrogates; userId must be a string',
      'djaffar: standard input, line 7: properties must be a JSON object; ipAddress must be an IP address; color is not known',
      'djaffar: standard input, line 8: session.id must be the sessionId of the activity; session.country must be the code of a country as of ISO 3166-1, such as DE; session.language must be a language as of BCP 47, such as en-US; session.bot must be true or false; session.age is not known',
      expect.stringMatching(
        /^djaffar: standard input, line 10: date must be .*properties must be a JSON object/,
      ),
      'djaffar: standard input, line 11: it is longer than 1048576 bytes',
      'djaffar: standard input, line 12: it is not UTF-8',
      'djaffar: 9 of 11 rows could not be imported',
      '',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '11 rows read, 2 activities stored, 9 refused\n' });
    expect(rowsOf(await output(database, ['export']))).toEqual([ROW, second]);
  });

  it('makes what a row does not say', async () => {
    const session = { userAgent: FIREFOX };
    const rows = [
      { date: '2026-02-03T04:05:06.007Z', path: '/', sessionId: 'a', session },
      { date: '2026-02-03T04:35:06.006Z', path: '/', sessionId: 'a', session: { ...session, browser: null } },
      { date: '2026-02-03T05:05:06.006Z', path: '/', session: { id: 'a' } },
      { date: '2026-02-03T05:05:06.006Z', path: '/no', sessionId: 'a', visitId: null, session: null },
      {
        date: '2026-02-03T05:05:06.006Z',
        path: '/bot',
        sessionId: 'b',
        session: { userAgent: 'Googlebot/2.1' },
      },
      { date: '2026-02-03T05:05:06.006Z', path: '/nobody' },
    ];
    await output(database, ['import', '-'], ndjson(...rows));
    const exported = rowsOf(await output(database, ['export']));
    const [first, second, third] = exported;
    expect(first).toEqual({
      ...ROW,
      ...rows[0],
      id: first?.id,
      receivedAt: rows[0]?.date,
      visitId: first?.visitId,
      route: null,
      subject: null,
      groupId: null,
      groupName: null,
      interactive: null,
      session: {
        ...SESSION,
        id: 'a',
        startedAt: rows[0]?.date,
        country: null,
        language: null,
        consent: null,
      },
    });
    expect(second).toMatchObject({ visitId: first?.visitId, session: first?.session });
    // In the order of their ids, which are made from what the rows say.
    const others = [third, ...exported.slice(3)].map((row) => [
      row?.path,
      row?.sessionId,
      row?.visitId === null,
    ]);
    expect(others).toHaveLength(4);
    expect(new Set(others.map(String))).toEqual(
      new Set(['/,a,false', '/bot,b,false', '/no,a,true', '/nobody,,true']),
    );
    expect(exported.find(({ path }) => path === '/bot')).toMatchObject({
      session: { bot: true, device: 'bot' },
    });
    expect(new Set(exported.map(({ visitId }) => visitId)).size).toBe(4);
    await output(database, ['import', '-'], ndjson(...rows));
    expect(rowsOf(await output(database, ['export']))).toEqual(exported);
  });

  it('refuses only the line with NUL', async () => {
    const input = `${ndjson(ROW)}\0\n${ndjson({ ...ROW, id: ROW.id.replace('a', 'b') })}`;
    const { stdout, stderr } = await run(database, ['import', '-'], { input });
    expect(stdout).toBe('3 rows read, 2 activities stored, 1 refused\n');
    expect(stderr).toMatch(/^djaffar: standard input, line 2: it is not JSON\n/);
    expect(rowsOf(await output(database, ['export']))).toHaveLength(2);
  });

  it.each(['ndjson', 'json', 'csv'])('takes empty texts for none in %s', async (format) => {
    const names = [
      'userId',
      'userName',
      'groupId',
      'groupName',
      'sessionId',
      'visitId',
      'route',
      'subject',
      'referer',
      'ipAddress',
    ];
    const none = { ...ROW, ...Object.fromEntries(names.map((field) => [field, null])), interactive: null };
    const { session: _, ...row } = { ...none, ...Object.fromEntries(names.map((field) => [field, ''])) };
    const csv = `${Object.keys(row).join()}\n${Object.values(row).join()}\n`;
    const contents = { ndjson: ndjson(row), json: JSON.stringify([row]), csv };
    const content = Object.entries(contents).find(([name]) => name === format)?.[1];
    expect(await output(database, ['import', '-'], content)).toBe('1 rows read, 1 activities stored\n');
    expect(rowsOf(await output(database, ['export']))).toEqual([none]);
  });

  it('prints no control character of what it reads', async () => {
    const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u007f\r';
    const path = join(folder, 'rows\u001b[2J.ndjson');
    writeFileSync(path, ndjson({ ...ROW, [hostile]: 1 }, { ...ROW, session: { [hostile]: 1 } }));
    const { code, stderr } = await run(database, ['import', path]);
    const escaped = '\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u202e\\u007f';
    expect(code).toBe(1);
    expect(stderr).toContain('rows\\u001b[2J.ndjson, line 1: ');
    expect(stderr.split('\n', 2)).toEqual([
      expect.stringContaining(escaped),
      expect.stringContaining(escaped),
    ]);
    expect(stderr).toMatch(/^(?:\n|[^\p{Cc}\p{Cf}])*$/u);
  });

  it('takes a Django dump from two files in any order, one after the other, and from lines of JSON', async () => {
    const activities = file('activity.json', ACTIVITIES);
    const infos = file('sessioninfo.jsonl', ndjson(...SESSION_INFOS));
    expect(await output(database, ['import', infos])).toBe(
      '2 rows read, 0 activities stored, 2 user agents of sessions without activities skipped\n',
    );
    expect(await output(database, ['import', '-'], JSON.stringify(ACTIVITIES))).toBe(
      '5 rows read, 5 activities stored\n',
    );
    expect(rowsOf(await output(database, ['export']))[2]).toMatchObject({ session: { userAgent: null } });
    expect(await output(database, ['import', infos])).toBe('2 rows read, 0 activities stored\n');
    const exported = await output(database, ['export']);
    expect(rowsOf(exported)).toMatchObject(DUMPED);
    const another = await emptyDatabase('sqlite');
    try {
      await output(another, ['import', infos, activities]);
      expect(await output(another, ['export'])).toBe(exported);
    } finally {
      await another.drop();
    }
  });

  it('takes no user agents from standard input, which cannot be read twice', async () => {
    const { code, stderr } = await run(database, ['import', '-'], {
      input: JSON.stringify([...ACTIVITIES, ...SESSION_INFOS]),
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'djaffar: a Django dump with user agents is read twice, so it must be a file and not standard input\n',
    });
  });

  it('reports an invalid record of Django, and stores the others', async () => {
    const [good, ...others] = ACTIVITIES;
    const broken = others.map((record, i) => ({
      ...record,
      fields: { ...record.fields, ...[{ user: ['jeff'] }, { date: 'x' }, { path: '' }, { session: 1.5 }][i] },
    }));
    const dump = file('broken.json', [...broken, { ...good, pk: null }, good]);
    const { code, stderr } = await run(database, ['import', dump]);
    expect({ code, stderr: stderr.replaceAll(dump, 'FILE').split('\n') }).toEqual({
      code: 1,
      stderr: [
        'djaffar: FILE, record 1: user is a natural key: dump without --natural-foreign',
        'djaffar: FILE, record 2: date must be an ISO 8601 date and time of the years 1970 to 9999',
        'djaffar: FILE, record 3: path must not be empty',
        'djaffar: FILE, record 4: session must be a string',
        'djaffar: FILE, record 5: pk must be a primary key',
        'djaffar: 5 of 6 rows could not be imported',
        '',
      ],
    });
    expect(rowsOf(await output(database, ['export']))).toMatchObject([{ path: '/' }]);
  });

  it.each(['ndjson', 'json'])('accepts a byte order mark before %s', async (format) => {
    const text = format === 'json' ? JSON.stringify([ROW]) : ndjson(ROW);
    expect(await output(database, ['import', file(`bom.${format}`, `\uFEFF${text}`)])).toBe(
      '1 rows read, 1 activities stored\n',
    );
    expect(rowsOf(await output(database, ['export']))).toMatchObject([{ id: ROW.id }]);
  });

  it('stores the activities of a broken array, and reports the error', async () => {
    const { code, stderr } = await run(database, ['import', '-'], {
      input: JSON.stringify(ACTIVITIES).slice(0, -50),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^djaffar: standard input, behind record \d: the array cannot be read to its end: .*\n.*\n$/,
    );
  });

  it.each([
    [
      'a spreadsheet',
      Buffer.from('PK\u0003\u0004…'),
      'it is a ZIP archive (or a spreadsheet): unpack it, or save it as CSV',
    ],
    ['a database', Buffer.from('SQLite format 3\0'), 'it is a database of SQLite: export its table as CSV'],
    ['bytes', Buffer.from([1, 0, 2, 0xff]), 'it is a binary file; expected NDJSON, JSON or CSV in UTF-8'],
    ['a web page', '<!doctype html>\n<p>404', 'it is HTML or XML; expected NDJSON, JSON or CSV'],
  ])('says in one line that %s is of another kind', async (_, content, reason) => {
    const path = file('other', content);
    expect(await run(database, ['import', path])).toMatchObject({
      code: 1,
      stderr: `djaffar: ${path} cannot be read: ${reason}\n`,
    });
  });

  it.each([
    ['NDJSON', ndjson(...Array.from({ length: 1000 }, () => ({ event: 'x', time: 1 }))), 'event, time'],
    ['JSON', JSON.stringify([{ event: 'x', time: 1 }]), 'event, time'],
    ['CSV', 'time,event\n1,x\n2,y\n', 'time, event'],
    ['text', 'Dear diary\nToday\n', 'Dear diary'],
  ])('says in one line that %s contains no activities', async (_, content, columns) => {
    const path = file('other', content);
    expect(await run(database, ['import', path])).toEqual({
      code: 1,
      stdout: '',
      stderr: `djaffar: ${path} contains no activities: its rows have ${columns}, but no date; djaffar import --help lists what is expected\n`,
    });
  });

  it('says in one line that a compressed file is not complete', async () => {
    const path = file('half.ndjson.gz', gzipSync(ndjson(ROW)).subarray(0, -9));
    expect(await runProcess(database, ['import', path])).toMatchObject({
      code: 1,
      stderr: `djaffar: ${path} cannot be read: unexpected end of file\n`,
    });
  });

  it('prints the first bad rows of CSV, and counts the others', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `2026-02-03T04:05:06Z${i % 2 ? '' : ',/,x'},${i}\n`);
    const { stdout, stderr } = await run(database, ['import', '-'], {
      input: `date;path;userId\n2026-02-03T04:05:06Z;/ü;5\n2026-02-30;;6\n${rows.join('').repeat(2)}`,
    });
    expect(stdout).toBe('62 rows read, 1 activities stored, 61 refused\n');
    const lines = stderr.split('\n');
    expect(lines).toHaveLength(23);
    expect(lines[0]).toBe(
      'djaffar: standard input, row 2: date must be an ISO 8601 date and time of the years 1970 to 9999; path must be a string',
    );
    expect(lines[1]).toBe('djaffar: standard input, row 3: it has 1 cells, but the header 3');
    expect(lines.slice(20)).toEqual([
      'djaffar: more rows are refused; they are only counted',
      'djaffar: 61 of 62 rows could not be imported',
      '',
    ]);
    expect(rowsOf(await output(database, ['export']))).toMatchObject([{ path: '/ü', userId: '5' }]);
  });

  it('stops at CSV that is not UTF-8', async () => {
    const content = Buffer.from('date,path\n2026-02-03T04:05:06Z,/caf\xe9\n', 'latin1');
    const { code, stderr } = await run(database, ['import', file('broken.csv', content)]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/behind row 0: .*not UTF-8/)]);
  });

  it('reads text with tabs and backslashes as databases write it', async () => {
    await output(
      database,
      ['import', '-'],
      'date\tpath\tuserName\n2026-02-03 04:05:06\t/a\\tb\tsay "x\\\\n\n',
    );
    expect(rowsOf(await output(database, ['export']))).toMatchObject([
      { date: '2026-02-03T04:05:06.000Z', path: '/a\tb', userName: 'say "x\\n' },
    ]);
  });

  it('survives whatever a file holds', async () => {
    const key = fc.oneof(
      fc.constantFrom(...Object.keys(ROW), ...Object.keys(SESSION), 'model', 'fields', '__proto__'),
      anyText,
    );
    const value = fc.oneof(
      anyText,
      fc.jsonValue(),
      fc.constantFrom(SESSION, 's1', ROW.date, '', 'x'.repeat(5000)),
    );
    const changed = fc
      .array(fc.tuple(key, value), { maxLength: 3 })
      .map((changes) => JSON.stringify(Object.fromEntries([...Object.entries(ROW), ...changes])));
    const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some).toString('latin1'));
    const lines = fc.sample(fc.oneof({ weight: 9, arbitrary: changed }, bytes, fc.json()), 1000);
    const { stdout, stderr } = await runProcess(database, ['import', '-'], {
      input: Buffer.from(`${JSON.stringify(ROW)}\n${lines.join('\n')}`, 'latin1'),
    });
    expect(stdout).toMatch(/^\d+ rows read, \d+ activities stored(, \d+ [a-z ]+)*\n$/);
    for (const line of stderr.split('\n').slice(0, -2))
      expect(line).toMatch(
        /^djaffar: (standard input, line \d+: |more rows are refused; they are only counted$)/,
      );
    expect(rowsOf(await output(database, ['export'])).length).toBeGreaterThan(0);
  });
});
