import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import csvParser from 'csv-parser';
import fc from 'fast-check';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../../lib/activity/activity-columns.js';
import { isObject } from '../../lib/activity/properties.js';
import { sanitize } from '../../lib/activity/text.js';
import { createFormat } from '../../lib/export/row-formats.js';
import { exportPages } from '../../lib/export/pages.js';
import { Activity, type Properties, Session } from '../../lib/index.js';
import { aRow, aSession, aTracked, type Tracked } from '../support/arbitrary-exports.js';
import { runWith } from '../support/command.js';
import { FOUND, STORES } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';
import { createStore, type StoreDatabase, type StoreHost } from '../support/stores.js';

/** Some have the session of another, some one that is not there, some none. */
const someRows = fc
  .tuple(
    fc.uniqueArray(aSession, { selector: ({ id }) => id, maxLength: 3 }),
    fc.uniqueArray(aRow, { selector: ({ id }) => id, minLength: 1, maxLength: 8 }),
    fc.infiniteStream(fc.nat(4)),
  )
  .map(([sessions, rows, choice]) => ({
    sessions,
    rows: rows.map((row) => ({
      ...row,
      // TypeORM's types accept no object with unknown values.
      properties: JSON.parse(JSON.stringify(row.properties)),
      sessionId: sessions[choice.next().value]?.id ?? null,
    })),
  }));

/** MariaDB has an order of its own for ids. */
function inOrder(activities: Activity[]): Activity[] {
  return activities.toSorted((a, b) => a.date.getTime() - b.date.getTime() || (a.id < b.id ? -1 : 1));
}

async function written(host: Host, name: 'ndjson' | 'json'): Promise<string> {
  const texts: string[] = [];
  for await (const { pieces } of exportPages(host.activities, createFormat(name), {}))
    for (const piece of pieces) texts.push(Buffer.from(piece).toString());
  return texts.join('');
}

describe.each(FOUND)('an export of any rows on %s', (name) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ adapter: 'express', database: name });
  });

  afterAll(() => host.close());

  it('writes as JSON what is stored, whatever that is, an activity in a line', async () => {
    await fc.assert(
      fc.asyncProperty(someRows, async ({ sessions, rows }) => {
        await host.dataSource.getRepository(Activity).clear();
        await host.dataSource.getRepository(Session).clear();
        await host.dataSource.getRepository(Session).insert(sessions);
        await host.dataSource.getRepository(Activity).insert(rows);
        const lines = inOrder(await host.stored()).map((activity) => JSON.stringify(activity));
        expect(await written(host, 'ndjson')).toBe(`${lines.join('\n')}\n`);
        expect(await written(host, 'json')).toBe(lines.join(',\n'));
      }),
      runs(60),
    );
  });

  it('keeps an activity in one line whose properties somebody has stored in several', async () => {
    await host.dataSource.getRepository(Activity).clear();
    await host.activities.track({ path: '/', properties: { a: 1 } });
    await host.dataSource
      .createQueryBuilder()
      .update(Activity)
      .set({ properties: () => ':json' })
      .setParameters({ json: '{\r\n\t"a": "\\n" }\n' })
      .execute();
    const [line, ...rest] = (await written(host, 'ndjson')).split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({ properties: { a: '\n' } });
    expect(rest).toEqual(['']);
  });
});

/** Returns an exported activity, with the values that were tracked. */
function toExported(stored: Activity, tracked: Tracked | undefined): Properties {
  const { path, name, route, referer, properties, subject, user, userAgent, ip, interactive } = tracked ?? {};
  const activity = {
    ...stored,
    path,
    name: name || 'view',
    route: route || null,
    referer: referer || null,
    properties: properties ?? null,
    subject: subject ? `${subject[0]}:${subject[1]}` : null,
    userId: user?.id ?? null,
    userName: typeof user?.name === 'string' ? sanitize(user.name) : null,
    ipAddress: ip ?? null,
    interactive: interactive === false ? false : null,
    session: stored.session && { ...stored.session, userAgent: userAgent ? sanitize(userAgent) : null },
  };
  return JSON.parse(JSON.stringify(activity));
}

/** Returns the cells of an exported activity by their columns. */
function toCells(activity: Properties): Record<string, string> {
  const session = isObject(activity.session) ? activity.session : {};
  const toCell = (value: unknown): string => {
    if (typeof value === 'string') return value;
    return value === null || value === undefined ? '' : JSON.stringify(value);
  };
  return Object.fromEntries([
    ...ACTIVITY_COLUMNS.map((column) => [column, toCell(activity[column])]),
    ...SESSION_COLUMNS.slice(1).map((column) => [`session.${column}`, toCell(session[column])]),
  ]);
}

/** What a file has to be, given the activities in it. */
type Check = (file: Buffer, expected: Properties[]) => void | Promise<void>;

const isLines: Check = (file, expected) => {
  const lines = file.toString().split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(expected);
};

const isArray: Check = (file, expected) => {
  expect(JSON.parse(file.toString())).toEqual(expected);
};

const isTable: Check = async (file, expected) => {
  expect(await readCsv(file)).toEqual(expected.map(toCells));
};

/** Spreadsheets split lines at some characters. */
const hasNoFormula: Check = async (file, { length }) => {
  const rows = await readCsv(file);
  expect(rows).toHaveLength(length);
  const parts = rows.flatMap((row) => Object.values(row).flatMap((cell) => cell.split(/[;\t\r\n]/)));
  expect(parts.filter((part) => /^\s*[=+\-@＝＋－＠]/.test(part))).toEqual([]);
};

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

async function readCsv(csv: Buffer): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  const parser = csvParser().on('data', (row: Record<string, string>) => rows.push({ ...row }));
  expect(csv.subarray(0, BYTE_ORDER_MARK.length)).toEqual(BYTE_ORDER_MARK);
  parser.end(csv.subarray(BYTE_ORDER_MARK.length));
  await once(parser, 'end');
  return rows;
}

describe.each(STORES)('an export on %s', (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'djaffar-export-'));
  const file = join(folder, 'exported');
  let source: StoreDatabase;
  let target: StoreDatabase;
  let host: StoreHost;
  let group = 0;

  beforeAll(async () => {
    source = await createStore(name);
    target = await createStore(name);
    host = await source.start();
  });

  afterAll(async () => {
    await host?.close();
    await source?.drop();
    await target?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Tracks the activities in a group of their own. @returns what an export has of them */
  async function track(activities: Tracked[]): Promise<Properties[]> {
    group += 1;
    const given = new Map<string, Tracked>(activities.map((activity) => [randomUUID(), activity]));
    await Promise.all(
      [...given].map(([id, { session, ...activity }]) =>
        host.activities.track({
          ...activity,
          id,
          group: { type: 'run', id: group },
          ...(session && { session: randomUUID() }),
        }),
      ),
    );
    const exported: Properties[] = [];
    for await (const activity of host.activities.stream({ group: ['run', group] }))
      exported.push(toExported(activity, given.get(activity.id)));
    expect(exported).toHaveLength(activities.length);
    return exported;
  }

  async function run(database: StoreDatabase, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runWith(async () => database.exported(), args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  async function exportFrom(database: StoreDatabase, ...options: string[]): Promise<Buffer> {
    await run(database, 'export', '--output', file, '--group', `run:${group}`, ...options);
    return readFileSync(file);
  }

  it.each<[options: string, Check]>([
    ['--format ndjson', isLines],
    ['--format json', isArray],
    ['--format csv', hasNoFormula],
    ['--format csv --raw', isTable],
  ])('with %s has what was tracked, and an import of it, too', async (options, check) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aTracked, { minLength: 1, maxLength: 40, size: 'max' }),
        async (activities) => {
          const expected = await track(activities);
          await check(await exportFrom(source, ...options.split(' ')), expected);
          const args = ['import', file, ...(options.endsWith('--raw') ? ['--raw'] : [])];
          const { length } = activities;
          expect(await run(target, ...args)).toBe(`${length} rows read, ${length} activities stored\n`);
          expect(await run(target, ...args)).toBe(
            `${length} rows read, 0 activities stored, ${length} already there\n`,
          );
          // Imports take an empty text for none.
          const imported = expected.map((activity) => ({ ...activity, userName: activity.userName || null }));
          await isLines(await exportFrom(target), imported);
        },
      ),
      runs(3),
    );
  });
});
