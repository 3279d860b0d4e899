import libsql from 'libsql';
import type { DataSource } from 'typeorm';
import { RollupService } from '../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { DAYS } from './fill.js';

const ROWS_OF_VISIT = 10;
const VISITS_OF_SESSION = 5;
const PATHS = 5000;
const DAY = 86_400_000;
const AT_ONCE = 500;

/** Numbers from 0 to 1 that are the same in each run. */
function* random(seed: number): Generator<number, never, void> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Puts so many activities, much as `fill.ts` makes them, into the empty tables of an SQLite file; then what statistics keep ready. */
export async function fillSqlite(dataSource: DataSource, file: string, rows: number): Promise<void> {
  const numbers = random(42);
  const next = (): number => numbers.next().value;
  const pick = <T>(values: T[]): T | null => values[Math.floor(next() * values.length)] ?? null;
  const database = new libsql(file);
  const into = (table: string, columns: string[]): ((row: unknown[]) => void) & { flush(): void } => {
    const names = columns.map((name) => `"${name}"`).join(', ');
    const one = `(${columns.map(() => '?').join(', ')})`;
    const sql = (count: number): string =>
      `INSERT INTO ${table} (${names}) VALUES ${Array.from({ length: count }, () => one).join(', ')}`;
    const many = database.prepare(sql(AT_ONCE));
    let waiting: unknown[][] = [];
    const add = (row: unknown[]): void => {
      waiting.push(row);
      if (waiting.length < AT_ONCE) return;
      many.run(...waiting.flat());
      waiting = [];
    };
    const flush = (): void => {
      if (waiting.length > 0) database.prepare(sql(waiting.length)).run(...waiting.flat());
      waiting = [];
    };
    return Object.assign(add, { flush });
  };
  const sessionTable = into('djaffar_session', [
    'id',
    'userAgent',
    'startedAt',
    'browser',
    'system',
    'device',
    'bot',
  ]);
  const activityTable = into('djaffar_activity', [
    'id',
    'date',
    'receivedAt',
    'name',
    'path',
    'page',
    'referer',
    'properties',
    'userId',
    'userName',
    'sessionId',
    'visitId',
    'ipAddress',
  ]);
  const visits = Math.ceil(rows / ROWS_OF_VISIT);
  const sessions = Math.ceil(visits / VISITS_OF_SESSION);
  const since = Date.now() - DAYS * DAY;
  let id = 0;
  database.exec('BEGIN');
  for (let i = 0; i < sessions; i++) {
    const browser = pick(['Firefox', 'Chrome', 'Safari', 'Microsoft Edge']);
    const system = pick(['Linux', 'Windows', 'macOS', 'Android', 'iOS']);
    const device = pick(['desktop', 'mobile', 'tablet']);
    sessionTable([
      `s${i}`.padStart(15, '0'),
      'Mozilla/5.0',
      since,
      browser,
      system,
      device,
      i % 33 === 0 ? 1 : 0,
    ]);
  }
  sessionTable.flush();
  for (let i = 0; id < rows; i++) {
    const start = Math.floor(since + (id / rows) * DAYS * DAY);
    const session = Math.floor(next() * sessions);
    const user = session % 3 === 0 ? String(session % 50_000) : null;
    const length = 1 + Math.floor(-Math.log(1 - next()) * (ROWS_OF_VISIT - 0.5));
    for (let step = 0, date = start; step < length && id < rows; step++, date += 2000 + next() * 60_000) {
      const page = `/products/${Math.floor(Math.exp(next() * Math.log(PATHS)))}`;
      const query = step === 0 && next() < 0.05 ? `?utm_source=mail&utm_campaign=c${i % 20}` : '';
      activityTable([
        (id++)
          .toString(16)
          .padStart(32, '0')
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
        Math.floor(date),
        Math.floor(date) + 40,
        next() < 0.8 ? 'view' : pick(['engagement', 'engagement', 'click', 'bought']),
        page + query,
        query === '' ? null : page,
        step === 0 && next() < 0.4
          ? `https://www.site${Math.floor(Math.exp(next() * Math.log(500)))}.example/`
          : null,
        next() < 0.05 ? `{"plan":"${pick(['free', 'pro', 'team'])}"}` : null,
        user,
        user && `user${user}`,
        `s${session}`.padStart(15, '0'),
        `v${i}`,
        `10.0.${i % 200}.${i % 199}`,
      ]);
    }
  }
  activityTable.flush();
  database.exec('COMMIT');
  database.exec('ANALYZE');
  database.close();
  await new RollupService(dataSource).drain();
}
