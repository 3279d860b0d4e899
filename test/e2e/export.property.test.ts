import fc from 'fast-check';
import { createFormat } from '../../lib/export/row-formats.js';
import { exportPages } from '../../lib/export/pages.js';
import { Activity, Session } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { runs } from '../support/property.js';

/** What formats and databases give a meaning to, and any other character. */
const aCharacter = fc.oneof(
  fc.constantFrom(...Array.from('"\'\\,()[]{}:; \t\n\r\v\f\b\u001A\u001F\u007F\u0085\u00A0\u2028\uFEFF🦋é')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((character) => character !== '\0'),
);
const aText = fc.string({ unit: aCharacter, maxLength: 12 });
const maybe = fc.option(aText);
const aDate = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });

const aSession = fc.record({
  id: aText,
  userAgent: maybe,
  startedAt: aDate,
  browser: maybe,
  system: maybe,
  device: maybe,
  country: fc.option(fc.string({ unit: aCharacter, maxLength: 2 })),
  language: maybe,
  bot: fc.boolean(),
  consent: fc.option(fc.boolean()),
});

const aRow = fc.record({
  id: fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] }),
  date: aDate,
  receivedAt: aDate,
  name: aText,
  path: aText,
  route: maybe,
  referer: maybe,
  properties: fc.option(fc.dictionary(aText, aText)),
  subject: maybe,
  userId: maybe,
  userName: maybe,
  groupId: maybe,
  groupName: maybe,
  visitId: maybe,
  ipAddress: maybe,
  interactive: fc.option(fc.boolean()),
});

/** Some have the session of another, some one that is not there, some none. */
const someRows = fc
  .tuple(
    fc.uniqueArray(aSession, { selector: ({ id }) => id, maxLength: 3 }),
    fc.uniqueArray(aRow, { selector: ({ id }) => id, minLength: 1, maxLength: 8 }),
    fc.infiniteStream(fc.nat(4)),
  )
  .map(([sessions, rows, choice]) => ({
    sessions,
    rows: rows.map((row) => ({ ...row, sessionId: sessions[choice.next().value]?.id ?? null })),
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

describe.each(FOUND)('an export on %s', (name) => {
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
