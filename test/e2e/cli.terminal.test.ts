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

it('Ctrl+C at its question keeps erase from erasing', async () => {
  await output(database, ['import', '-'], rowOf('kept'));
  const { code, screen } = await onTerminal(['erase', '--session', 'kept'], '[y/N]');
  expect(screen).toContain('Erase 1 activities for good? [y/N]');
  expect(screen).toContain('djaffar: nothing was erased');
  expect(code).toBe(1);
  expect(await output(database, ['export', '--session', 'kept'])).not.toBe('');
});

it('erase erases if it is answered with yes', async () => {
  await output(database, ['import', '-'], rowOf('erased'));
  const { code, screen } = await onTerminal(['erase', '--session', 'erased'], '[y/N]', 'yes\r');
  expect(screen).toMatch(/\b1 erased\r?\n/);
  expect(code).toBe(0);
  expect(await output(database, ['export', '--session', 'erased'])).toBe('');
});

it('an export shows no control character of what was tracked', async () => {
  await output(database, ['import', '-'], rowOf('hostile', '/\\u001b[2J\\u009b31m\\u202e'));
  const { code, screen } = await onTerminal(['export', '--session', 'hostile', '--format', 'csv']);
  expect(code).toBe(0);
  expect(screen).toContain(',/\\u001b[2J\\u009b31m\\u202e,');
  for (const control of ['\u001b', '\u009b', '\u202e']) expect(screen).not.toContain(control);
});

/** @param tracked a path, as it is written in JSON */
function rowOf(session: string, tracked = '/'): string {
  return `{"date":"2024-01-01T00:00Z","path":"${tracked}","sessionId":"${session}"}\n`;
}
