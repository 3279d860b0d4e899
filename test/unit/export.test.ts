import fc from 'fast-check';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../../lib/activity/activity-columns.js';
import { Session } from '../../lib/activity/session.js';
import type { ActivityRow } from '../../lib/activity/activity-row.js';
import { type Cursor, decodeCursor, encodeCursor } from '../../lib/activity/pagination.js';
import { parseFilter, type ParsedFilter } from '../../lib/activity/activity.filter.js';
import { ExportDocument, type ExportPages, FORMATS } from '../../lib/export/format.js';
import { exportPages } from '../../lib/export/pages.js';
import { createFormat } from '../../lib/export/row-formats.js';
import { aRow, aSession } from '../support/arbitrary-exports.js';
import { runs } from '../support/property.js';
import type { PageOfRecords, RecordReader, Records } from '../../lib/store/records.js';

const someSession = aSession.map((properties) => Object.assign(new Session(), properties));
const someActivity = aRow.map(({ date, receivedAt, properties, ...row }) => ({
  ...row,
  date: date.getTime(),
  receivedAt: receivedAt.getTime(),
  properties: properties && JSON.stringify(properties),
}));

/** Pages of activities: some have a session, also one of an earlier page, and some have one that is not stored any more. */
const somePages = fc
  .tuple(
    fc.uniqueArray(someSession, { selector: ({ id }) => id, maxLength: 3 }),
    fc.array(fc.array(someActivity, { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
    fc.infiniteStream(fc.nat(4)),
  )
  .map(([sessions, pages, choice]) =>
    pages.map((page) =>
      page.map((activity): ActivityRow => {
        const chosen = choice.next().value;
        const session = sessions[chosen] ?? null;
        return { ...activity, session, sessionId: session?.id ?? (chosen === 4 ? 'erased' : null) };
      }),
    ),
  );

/** As PostgreSQL writes a record. */
function toRecord(values: unknown[]): string {
  const fields = values.map((value) => {
    if (value === null || value === undefined) return '';
    if (value instanceof Date) return String(value.getTime());
    if (typeof value === 'boolean') return value ? 't' : 'f';
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text === '' || /[\s"(),\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '$&$&')}"` : text;
  });
  return `(${fields.join(',')})`;
}

const toRecords = (columns: string[], rows: object[]): Records => ({
  count: rows.length,
  text: rows.map((row) => toRecord(columns.map((column) => Reflect.get(row, column)))).join(''),
});

/** A store of these pages that notes what it is asked for. */
class Source {
  readonly asked: { filter: unknown; after: Cursor | undefined }[] = [];
  readonly sessionsRead: string[] = [];
  readonly records: RecordReader | undefined;

  constructor(
    private readonly stored: ActivityRow[][],
    hasRecords: boolean,
  ) {
    if (!hasRecords) return;
    this.records = {
      activities: (filter, after) => this.readRecords(filter, after),
      sessions: async (ids) => {
        this.sessionsRead.push(...ids);
        const sessions = stored.flat().flatMap(({ session }) => session ?? []);
        const found = new Map(sessions.map((session) => [session.id, session]));
        return toRecords(
          SESSION_COLUMNS,
          [...found.values()].filter(({ id }) => ids.includes(id)),
        );
      },
    };
  }

  parse(filter: object): ParsedFilter {
    return parseFilter(filter);
  }

  async *pages(filter: object, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    this.asked.push({ filter, after });
    yield* this.stored;
  }

  private async *readRecords(filter: unknown, after?: Cursor): AsyncGenerator<PageOfRecords, void, void> {
    this.asked.push({ filter, after });
    for (const rows of this.stored) {
      const last = rows.at(-1);
      if (last)
        yield { ...toRecords(ACTIVITY_COLUMNS, rows), last: { id: last.id, date: String(last.date) } };
    }
  }
}

/** Reads an export as a file, and the `count` and `next` of its pages. */
async function read(
  pages: ExportPages,
  document: ExportDocument,
): Promise<{ text: string; counts: number[]; cursors: string[] }> {
  const [counts, cursors]: [number[], string[]] = [[], []];
  let text = '';
  for await (const page of pages) {
    counts.push(page.count);
    cursors.push(page.next);
    for (const piece of document.write(page)) text += Buffer.from(piece).toString();
  }
  return { text: text + document.end(), counts, cursors };
}

function toJson({ session, ...row }: ActivityRow): string {
  const columns = ACTIVITY_COLUMNS.filter((column) => column !== 'session').map((column) => {
    const value: unknown = Reflect.get(row, column);
    if (column === 'date' || column === 'receivedAt') return [column, new Date(Number(value)).toISOString()];
    if (column === 'properties') return [column, row.properties === null ? null : JSON.parse(row.properties)];
    return [column, value];
  });
  const ofSession = session && SESSION_COLUMNS.map((column) => [column, Reflect.get(session, column)]);
  return JSON.stringify({
    ...Object.fromEntries(columns),
    session: ofSession && Object.fromEntries(ofSession),
  });
}

const SESSION = Object.assign(new Session(), {
  id: 's',
  userAgent: 'Firefox',
  startedAt: new Date('2026-11-28T10:00:00.007Z'),
  browser: 'Firefox',
  system: null,
  device: 'desktop',
  country: 'AT',
  language: 'de',
  bot: false,
  consent: null,
});

const ROW: ActivityRow = {
  id: '0190163d-8694-739b-aea5-966c26f8ad91',
  date: Date.parse('2026-11-28T10:00:59.999Z'),
  receivedAt: String(Date.parse('2026-11-28T10:01:00.000Z')),
  name: 'order.paid',
  path: '/a,b',
  route: null,
  referer: '=1+1',
  properties: '{"a":1}',
  subject: 'order:17',
  userId: '5',
  userName: 'Ada',
  groupId: 'company:1',
  groupName: 'Ada & Co',
  sessionId: 's',
  visitId: 'v',
  ipAddress: '10.0.0.1',
  interactive: 1,
  session: SESSION,
};
const AFTER = encodeCursor(ROW);

describe.each([
  ['rows', false],
  ['records', true],
])('an export of %s', (_, hasRecords) => {
  it('has each activity with its session as JSON', async () => {
    await fc.assert(
      fc.asyncProperty(somePages, async (pages) => {
        const lines = pages.flat().map(toJson);
        const ends = pages.flatMap((rows) => rows.slice(-1)).map(encodeCursor);
        const counts = pages.map(({ length }) => length);
        for (const [name, text] of [
          ['ndjson', lines.map((line) => `${line}\n`).join('')],
          ['json', `[\n${lines.join(',\n')}\n]\n`],
        ] as const) {
          const format = createFormat(name);
          const source = new Source(pages, hasRecords);
          const found = await read(exportPages(source, format, {}), new ExportDocument(format));
          expect(found).toEqual({ text, counts, cursors: ends });
        }
      }),
      runs(100),
    );
  });

  it.each(['ndjson', 'json'] as const)('of more rows than are joined at once, as %s', async (name) => {
    const rows = Array.from({ length: 250 }, (__, i) => ({ ...ROW, name: `n${i}`, interactive: true }));
    const stored = [rows, [], rows.slice(0, 200), rows.slice(0, 1)];
    const format = createFormat(name);
    const pages = exportPages(new Source(stored, hasRecords), format, {});
    const { text } = await read(pages, new ExportDocument(format));
    const lines = stored.flat().map(toJson);
    expect(text).toBe(name === 'json' ? `[\n${lines.join(',\n')}\n]\n` : `${lines.join('\n')}\n`);
  });

  it('is read with its filter, from its cursor on', async () => {
    const source = new Source([], hasRecords);
    const format = createFormat('ndjson');
    await read(exportPages(source, format, { user: '5' }, AFTER), new ExportDocument(format));
    await read(exportPages(source, format, {}), new ExportDocument(format));
    expect(source.asked).toEqual([
      { filter: { user: '5' }, after: decodeCursor(AFTER) },
      { filter: {}, after: undefined },
    ]);
    expect(() => exportPages(source, format, {}, 'x')).toThrow('after must be');
  });

  it('as CSV has a header, and no formulas', async () => {
    const other = { ...ROW, session: null, sessionId: null, interactive: null, properties: null };
    const none = {
      ...ROW,
      interactive: false,
      session: Object.assign(new Session(), SESSION, { consent: true }),
    };
    const format = createFormat('csv');
    const source = new Source([[ROW, other], [none]], hasRecords);
    const { text } = await read(exportPages(source, format, {}), new ExportDocument(format));
    const start = '0190163d-8694-739b-aea5-966c26f8ad91,2026-11-28T10:00:59.999Z,2026-11-28T10:01:00.000Z';
    const ofUser = 'order:17,5,Ada,company:1,Ada & Co';
    const ofSession = 'Firefox,2026-11-28T10:00:00.007Z,Firefox,,desktop,AT,de,false';
    expect(text.split('\r\n')).toEqual([
      '\uFEFFid,date,receivedAt,name,path,route,referer,properties,subject,userId,userName,groupId,groupName,' +
        'sessionId,visitId,ipAddress,interactive,session.userAgent,session.startedAt,session.browser,' +
        'session.system,session.device,session.country,session.language,session.bot,session.consent',
      `${start},order.paid,"/a,b",,'=1+1,"{""a"":1}",${ofUser},s,v,10.0.0.1,true,${ofSession},`,
      `${start},order.paid,"/a,b",,'=1+1,,${ofUser},,v,10.0.0.1,,,,,,,,,,`,
      `${start},order.paid,"/a,b",,'=1+1,"{""a"":1}",${ofUser},s,v,10.0.0.1,false,${ofSession},true`,
      '',
    ]);
  });
});

describe('an export', () => {
  it('of records looks up each session once for pages that follow each other', async () => {
    const rows = (...ids: string[]): ActivityRow[] =>
      ids.map((id) => ({ ...ROW, sessionId: id, session: Object.assign(new Session(), SESSION, { id }) }));
    const source = new Source([rows('a', 'b', 'a'), rows('b', 'c'), rows('a')], true);
    const format = createFormat('ndjson');
    await read(exportPages(source, format, {}), new ExportDocument(format));
    expect(source.sessionsRead).toEqual(['a', 'b', 'c', 'a']);
  });

  it('of records keeps properties in one line that are stored in several', async () => {
    const rows = [{ ...ROW, interactive: true, properties: '{\r\n\t"a": "\\n"\u007f }\n' }];
    const format = createFormat('ndjson');
    const { text } = await read(
      exportPages(new Source([rows], true), format, {}),
      new ExportDocument(format),
    );
    expect(text).toContain(',"properties":{   "a": "\\n"\u007f } ,');
  });

  it.each([
    ['json', '2001-02-03'],
    ['csv', '2001-02-04'],
  ] as const)('of rows formats each session and each minute once, as %s', (name, day) => {
    const toIso = jest.spyOn(Date.prototype, 'toISOString');
    const session = Object.assign(new Session(), SESSION);
    const { row } = createFormat(name);
    const rows = ['30.000', '00.000', '00.001', '59.999'].map((second) => {
      const date = Date.parse(`${day}T04:05:${second}Z`);
      return { second, text: row({ ...ROW, date, receivedAt: date, session }) };
    });
    // Of the minute, and of the start of the session.
    expect(toIso).toHaveBeenCalledTimes(2);
    toIso.mockRestore();
    for (const { second, text } of rows) expect(text.split(`${day}T04:05:${second}Z`)).toHaveLength(3);
  });

  it('of rows has lone surrogates as JSON escapes them', () => {
    const json = createFormat('json').row({ ...ROW, path: '\ud83e', properties: '{"\\udd8b":"\\ud83e"}' });
    expect(json).toContain('"path":"\\ud83e"');
    expect(json).toContain('"properties":{"\\udd8b":"\\ud83e"}');
  });

  it('as CSV without a mark has no mark, and raw formulas if that is asked', async () => {
    const format = createFormat('csv', { bom: false, raw: true });
    expect(format.head.startsWith('id,date,')).toBe(true);
    expect(format.row(ROW)).toContain(',=1+1,');
    expect(createFormat('csv', { raw: true }).head.startsWith('\uFEFFid,')).toBe(true);
  });

  it('can be resumed unless its format has an end', () => {
    expect(FORMATS.map((name) => createFormat(name).appendable)).toEqual([true, true, false]);
    expect(FORMATS.map((name) => createFormat(name).isJson)).toEqual([true, false, true]);
  });

  it.each([
    ['ndjson', '', ''],
    ['json', '[\n\n]\n', '\n]\n'],
    ['csv', createFormat('csv').head, ''],
  ] as const)('without activities is an empty file: %s', (name, whole, resumed) => {
    expect(new ExportDocument(createFormat(name)).end()).toBe(whole);
    expect(new ExportDocument(createFormat(name), true).end()).toBe(resumed);
  });

  it('that is resumed has no second head', () => {
    const format = createFormat('csv');
    const page = { pieces: [`${format.row(ROW)}${format.end}`], count: 1, next: AFTER };
    expect([...new ExportDocument(format, true).write(page)].join('')).toBe(page.pieces.join(''));
  });
});
