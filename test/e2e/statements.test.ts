import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { ActivityStats, djaffarEntities } from '../../lib/index.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { TypeOrmStore } from '../../lib/store/typeorm/typeorm.store.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';

const FILE = join(process.cwd(), 'lib/store/typeorm/statistics/statements.sql');

const HEAD = `-- The statements that answer each question on PostgreSQL, as they are sent: query-plan.ts chooses among them. Written by
-- test/e2e/statements.test.ts, which fails if they change; DJAFFAR_WRITE_STATEMENTS=1 writes them again. All of a question's
-- statements read one snapshot, except those that look for days to cache, which run before. Left out are those that each
-- question begins with: "asOf" (rollup/as-of.ts), and the state.
`;

const range = { from: '2026-03-02T10:07Z', to: '2026-03-06T09:30Z' };
const filtered = { ...range, browser: 'Firefox' };

const QUESTIONS: [question: string, ask: (stats: ActivityStats) => Promise<unknown>][] = [
  ['overview()', (stats) => stats.overview(range)],
  ["overview({ browser: 'Firefox' })", (stats) => stats.overview(filtered)],
  ["series('visits', 'day')", (stats) => stats.series('visits', 'day', range)],
  ["series('views', 'day')", (stats) => stats.series('views', 'day', range)],
  ["series('sum(total)', 'day')", (stats) => stats.series('sum(total)', 'day', range)],
  ["percentile('total', 0.95)", (stats) => stats.percentile('total', 0.95, range)],
  [
    "top('referrer', { measure: 'max(total)' })",
    (stats) => stats.top('referrer', { ...range, measure: 'max(total)' }),
  ],
  ["measure('timeOnPage')", (stats) => stats.measure('timeOnPage', range)],
  ["top('path')", (stats) => stats.top('path', range)],
  ["top('path', { measure: 'visits' })", (stats) => stats.top('path', { ...range, measure: 'visits' })],
  ["top('path', { measure: 'sessions' })", (stats) => stats.top('path', { ...range, measure: 'sessions' })],
  ["top('path', { measure: 'users' })", (stats) => stats.top('path', { ...range, measure: 'users' })],
  ["top('name')", (stats) => stats.top('name', range)],
  ["top('browser')", (stats) => stats.top('browser', range)],
  ["top('entry', { path: '/a' })", (stats) => stats.top('entry', { ...range, path: '/a' })],
  ["top('property', { property: 'plan' })", (stats) => stats.top('property', { ...range, property: 'plan' })],
  ["top('user')", (stats) => stats.top('user', range)],
  ['live()', (stats) => stats.live({ minutes: 30 })],
  [
    "funnel([{ path: '/a' }, { name: 'bought' }])",
    (stats) => stats.funnel([{ path: '/a' }, { name: 'bought' }], range),
  ],
  ['retention()', (stats) => stats.retention(range)],
  ["journeys({ start: '/a' })", (stats) => stats.journeys({ ...range, start: '/a' })],
  [
    "journeys({ by: 'route', start: '/:id' })",
    (stats) => stats.journeys({ ...range, by: 'route', start: '/:id', depth: 2 }),
  ],
  ['visits()', (stats) => stats.visits(range)],
];

/** What each question begins with, and what begins and ends a transaction. */
const SHARED =
  /djaffar_dirty_range|"djaffar_rollup_state"|^(START|COMMIT|ROLLBACK|SET)|transaction_timestamp|set_config/;

const CLAUSES =
  /^ (FROM|LEFT JOIN|INNER JOIN|CROSS JOIN|WHERE|AND|GROUP BY|HAVING|ORDER BY|LIMIT|UNION ALL|UNION) /;

/** A clause a line, in the depth of its parentheses. */
function layOut(sql: string): string {
  const text = sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', '')
    .replaceAll(String(Date.parse(range.from)), ':from')
    .replaceAll(String(Date.parse(range.to)), ':to')
    // Those of now.
    .replaceAll(/\b179\d{10}\b/g, ':now')
    .trim();
  let depth = 0;
  let laidOut = '';
  /** For each parenthesis that is open, whether a statement is in it. */
  const statements: boolean[] = [true];
  for (let at = 0; at < text.length; at++) {
    const [clause] = (statements.at(-1) && CLAUSES.exec(text.slice(at))) || [];
    if (clause) laidOut += `\n${'  '.repeat(depth)}${clause === ' AND ' ? '  ' : ''}`;
    else laidOut += text[at];
    if (text[at] === '(') {
      const isStatement = text.startsWith('(SELECT', at);
      statements.push(isStatement);
      if (isStatement) laidOut += `\n${'  '.repeat(++depth)}`;
    } else if (text[at] === ')' && statements.pop()) depth -= 1;
  }
  return laidOut;
}

const describeOnPostgres = FOUND.includes('postgres') ? describe : describe.skip;

describeOnPostgres('the statements of the statistics', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  const sent: string[] = [];

  beforeAll(async () => {
    database = await createMigratedDatabase('postgres');
    const none = (): void => {};
    const logger = {
      logQuery: (sql: string) => void sent.push(sql),
      logQueryError: none,
      logQuerySlow: none,
      logSchemaBuild: none,
      logMigration: none,
      log: none,
    };
    dataSource = new DataSource({ ...database.options, entities: djaffarEntities, logging: true, logger });
    await dataSource.initialize();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('are those of statements.sql', async () => {
    const store = new TypeOrmStore(dataSource);
    const writer = new ActivityWriter(store, DEFAULTS.writer);
    const activity = (i: number): Parameters<ActivityWriter['write']>[0][number] => ({
      id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      date: new Date(Date.parse('2026-03-02T12:00Z') + Math.trunc(i / 4) * 43_200_000 + (i % 4) * 1000),
      receivedAt: new Date('2026-03-07T00:00Z'),
      name: i % 4 === 3 ? 'bought' : 'view',
      path: ['/a', '/b'][i % 2] ?? '',
      route: null,
      referer: null,
      properties: { plan: 'pro' },
      subject: null,
      groupId: null,
      groupName: null,
      userId: '17',
      userName: 'Ada',
      sessionId: 's',
      visitId: `v${Math.trunc(i / 4)}`,
      ipAddress: null,
      interactive: null,
    });
    await writer.write(Array.from({ length: 28 }, (_, i) => activity(i)));
    const stats = new ActivityStats(store);
    const parts: string[] = [HEAD];
    for (const [question, ask] of QUESTIONS) {
      // What is cached for it is cached by the first.
      await ask(stats);
      sent.length = 0;
      await ask(stats);
      const statements = [...new Set(sent.filter((sql) => !SHARED.test(sql)).map(layOut))];
      expect(statements.length).toBeGreaterThan(0);
      parts.push(`-- ${question}\n\n${statements.map((sql) => `${sql};\n`).join('\n')}`);
    }
    const text = parts.join('\n');
    if (process.env.DJAFFAR_WRITE_STATEMENTS) writeFileSync(FILE, text);
    expect(existsSync(FILE) && readFileSync(FILE, 'utf8')).toBe(text);
  });
});
