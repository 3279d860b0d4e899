import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDatabase, output } from '../support/command.js';
import { compiled } from '../support/compiled.js';
import type { TestDatabase } from '../support/databases.js';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const CTRL_C = '\u0003';
const DAYS = 20;
const ROWS = 8000;

let database: TestDatabase;
let folder: string;
let path: string;

beforeAll(async () => {
  database = await emptyDatabase('sqlite');
  folder = mkdtempSync(join(tmpdir(), 'djaffar-terminal-'));
  path = join(folder, 'activities.ndjson');
  const first = Date.UTC(2025, 0, 1);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const date = new Date(first + Math.floor((i * DAYS * 86_400_000) / ROWS)).toISOString();
    return `{"date":"${date}","path":"/${i}","sessionId":"s${i % 2000}"}\n`;
  });
  writeFileSync(path, rows.join(''));
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

/** Runs the command on a terminal of its own, and types when a text is there; by default Ctrl+C at the progress bar. */
async function onTerminal(
  args: string[],
  shown = HIDE,
  typed = CTRL_C,
): Promise<{ code: number | null; screen: string }> {
  const command = [process.execPath, compiled('command'), '-d', compiled('ormconfig'), ...args];
  const child = spawn('script', ['-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null'], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
  let screen = '';
  let isPressed = false;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    screen += text;
    if (isPressed || !screen.includes(shown)) return;
    isPressed = true;
    child.stdin.write(typed);
  });
  await once(child, 'close');
  return { code: child.exitCode, screen };
}

it('Ctrl+C ends an import with the terminal as it was, and the same command goes on', async () => {
  const { code, screen } = await onTerminal(['import', path]);
  expect(screen).toContain(HIDE);
  expect(screen.slice(screen.lastIndexOf(HIDE))).toContain(SHOW);
  const [, stored] =
    /djaffar: interrupted: (\d+) activities are stored; run the same command again/.exec(screen) ?? [];
  expect(code).toBe(130);
  const exported = await output(database, ['export']);
  expect(exported.split('\n')).toHaveLength(Number(stored) + 1);
  expect(Number(stored)).toBeLessThan(ROWS);
  // On a busy machine, the interruption may come before the first activity.
  const skipped = stored === '0' ? '' : `, ${stored} already there`;
  expect(await output(database, ['import', path])).toBe(
    `${ROWS} rows read, ${ROWS - Number(stored)} activities stored${skipped}\n`,
  );
  expect((await output(database, ['export'])).split('\n')).toHaveLength(ROWS + 1);
});

it('Ctrl+C ends a check with the terminal as it was', async () => {
  const { code, screen } = await onTerminal(['check']);
  expect(screen.slice(screen.lastIndexOf(HIDE))).toContain(SHOW);
  expect(screen).toMatch(/djaffar: interrupted after \d+ of \d+ days; nothing was changed/);
  expect(code).toBe(130);
});

it.each([
  ['Enter', '\r'],
  ['n', 'n\r'],
  ['yeah', 'yeah\r'],
  ['Ctrl+C', CTRL_C],
])('erase erases nothing if it is answered with %s', async (_, typed) => {
  const row = '{"date":"2024-01-01T00:00Z","path":"/kept","sessionId":"kept"}\n';
  await output(database, ['import', '-'], row);
  const before = await output(database, ['export', '--session', 'kept']);
  const { code, screen } = await onTerminal(['erase', '--session', 'kept'], '[y/N]', typed);
  expect(screen).toContain('Erase 1 activities for good? [y/N]');
  expect(screen).toContain('djaffar: nothing was erased');
  expect(code).toBe(1);
  expect(await output(database, ['export', '--session', 'kept'])).toBe(before);
});

it.each(['y', 'yes', 'YES'])('erase erases if it is answered with %s', async (typed) => {
  await output(
    database,
    ['import', '-'],
    '{"date":"2024-01-01T00:00Z","path":"/erased","sessionId":"erased"}\n',
  );
  const { code, screen } = await onTerminal(['erase', '--session', 'erased'], '[y/N]', `${typed}\r`);
  expect(screen).toMatch(/\b1 erased\r?\n/);
  expect(code).toBe(0);
  expect(await output(database, ['export', '--session', 'erased'])).toBe('');
});
