import { DAYS } from './fill.js';

const ROWS_OF_VISIT = 10;
const VISITS_OF_SESSION = 5;
const PATHS = 5000;
const DAY = 86_400_000;

/** Numbers from 0 to 1 that are the same in each run. */
function* random(seed: number): Generator<number, never, void> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

export const SESSION_COLUMNS = ['id', 'userAgent', 'startedAt', 'browser', 'system', 'device', 'bot'];

export const ACTIVITY_COLUMNS = [
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
];

export interface GeneratedRows {
  sessions: Iterable<unknown[]>;
  activities: Iterable<unknown[]>;
}

/** Makes up so many activities, much as `fill.ts` does: over the last 90 days and in their order. */
export function generateRows(rows: number): GeneratedRows {
  const numbers = random(42);
  const next = (): number => numbers.next().value;
  const pick = <T>(values: T[]): T | null => values[Math.floor(next() * values.length)] ?? null;
  const sessions = Math.ceil(rows / ROWS_OF_VISIT / VISITS_OF_SESSION);
  const since = Date.now() - DAYS * DAY;
  const sessionId = (i: number): string => `s${i}`.padStart(15, '0');

  function* makeSessions(): Generator<unknown[], void, void> {
    for (let i = 0; i < sessions; i++) {
      const browser = pick(['Firefox', 'Chrome', 'Safari', 'Microsoft Edge']);
      const system = pick(['Linux', 'Windows', 'macOS', 'Android', 'iOS']);
      const device = pick(['desktop', 'mobile', 'tablet']);
      yield [sessionId(i), 'Mozilla/5.0', since, browser, system, device, i % 33 === 0 ? 1 : 0];
    }
  }

  function* makeActivities(): Generator<unknown[], void, void> {
    let id = 0;
    for (let i = 0; id < rows; i++) {
      const start = Math.floor(since + (id / rows) * DAYS * DAY);
      const session = Math.floor(next() * sessions);
      const user = session % 3 === 0 ? String(session % 50_000) : null;
      const length = 1 + Math.floor(-Math.log(1 - next()) * (ROWS_OF_VISIT - 0.5));
      for (let step = 0, date = start; step < length && id < rows; step++, date += 2000 + next() * 60_000) {
        const page = `/products/${Math.floor(Math.exp(next() * Math.log(PATHS)))}`;
        const query = step === 0 && next() < 0.05 ? `?utm_source=mail&utm_campaign=c${i % 20}` : '';
        const name = next() < 0.8 ? 'view' : pick(['engagement', 'engagement', 'click', 'bought']);
        const isReferred = step === 0 && next() < 0.4;
        yield [
          (id++)
            .toString(16)
            .padStart(32, '0')
            .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
          Math.floor(date),
          Math.floor(date) + 40,
          name,
          page + query,
          query === '' ? null : page,
          isReferred ? `https://www.site${Math.floor(Math.exp(next() * Math.log(500)))}.example/` : null,
          next() < 0.05 ? `{"plan":"${pick(['free', 'pro', 'team'])}"}` : null,
          user,
          user && `user${user}`,
          sessionId(session),
          `v${i}`,
          `10.0.${i % 200}.${i % 199}`,
        ];
      }
    }
  }
  return { sessions: makeSessions(), activities: makeActivities() };
}

/** Groups rows, the last group may be smaller. */
export function* inGroups(rows: Iterable<unknown[]>, size: number): Generator<unknown[][], void, void> {
  let group: unknown[][] = [];
  for (const row of rows) {
    group.push(row);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
