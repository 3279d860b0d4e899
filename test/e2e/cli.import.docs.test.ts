import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDatabase, output } from '../support/command.js';
import type { TestDatabase } from '../support/databases.js';

const DOCS = readFileSync('docs/import.md', 'utf8');
const RANGE = ['--from', '2026-03-01T00:00Z', '--to', '2026-03-02T00:00Z'];

const folder = mkdtempSync(join(tmpdir(), 'djaffar-import-docs-'));
let database: TestDatabase;

beforeEach(async () => {
  database = await emptyDatabase('sqlite');
});

afterEach(() => database.drop());

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function example(language: string): string {
  const path = join(folder, `example.${language}`);
  writeFileSync(path, new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(DOCS)?.[1] ?? '');
  return path;
}

async function ask(...question: string[]): Promise<unknown> {
  return JSON.parse(await output(database, ['stats', ...question, ...RANGE]));
}

it('docs/import.md has the fields that the command prints', async () => {
  const help = await output(database, ['import', '--help']);
  const fields = help.slice(help.indexOf('A row is an activity'));
  expect(fields).toContain('session');
  expect(DOCS).toContain(`\`\`\`\n${fields.trim()}\n\`\`\``);
});

it('the example of docs/import.md is stored as its text says, and once', async () => {
  const path = example('ndjson');
  expect(await output(database, ['import', path])).toBe('5 rows read, 5 activities stored\n');
  expect(await output(database, ['import', path])).toBe(
    '5 rows read, 0 activities stored, 5 already there\n',
  );
  expect(await ask('overview')).toMatchObject({
    activities: { value: 5 },
    visits: { value: 3 },
    sessions: { value: 2 },
    users: { value: 1 },
    views: { value: 4 },
  });
  expect(await ask('top', 'browser')).toMatchObject({
    items: [
      { value: null, count: 2 },
      { value: 'Firefox', count: 1 },
    ],
  });
});
