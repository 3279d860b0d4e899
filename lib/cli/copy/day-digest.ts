import { createHash } from 'node:crypto';
import type { ActivityRow } from '../../activity/activity-row.js';
import type { Store } from '../../store/store.js';
import { DAY } from '../../time/units.js';

/** The activities of a UTC day, counted, and as one hash of all that they and their sessions have. */
export interface DayDigest {
  count: number;
  hash: string;
}

/** @param day when it begins, in milliseconds since 1970 */
export async function digestDay(store: Pick<Store, 'pages'>, day: number): Promise<DayDigest> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const rows of store.pages({ from: day, to: day + DAY })) {
    count += rows.length;
    for (const row of rows) hash.update(serialize(row));
  }
  return { count, hash: hash.digest('hex') };
}

export function isSame(a: DayDigest, b: DayDigest): boolean {
  return a.count === b.count && a.hash === b.hash;
}

/** How the activities of a UTC day differ between two stores. */
export interface DayDifference {
  /** An ISO date. */
  day: string;
  /** Activities that are only in the source. */
  missing: Differing;
  /** Only in the target. */
  added: Differing;
  /** In both, with other values. */
  changed: Differing;
}

/** How many activities differ, and the id of the first. */
class Differing {
  count = 0;
  first: string | undefined;

  add({ id }: ActivityRow): void {
    this.count += 1;
    this.first ??= id;
  }
}

/** Compares the activities of a day one by one: both stores return them in the same order. */
export async function compareDay(
  from: Pick<Store, 'pages'>,
  to: Pick<Store, 'pages'>,
  day: number,
): Promise<DayDifference> {
  const [missing, added, changed] = [new Differing(), new Differing(), new Differing()];
  const [sources, targets] = [rowsOf(from, day), rowsOf(to, day)];
  try {
    let [source, target] = [await sources.next(), await targets.next()];
    while (source.value || target.value) {
      const order = compareRows(source.value, target.value);
      if (order === 0 && source.value && target.value) {
        if (serialize(source.value) !== serialize(target.value)) changed.add(source.value);
      } else if (order < 0 && source.value) missing.add(source.value);
      else if (target.value) added.add(target.value);
      if (order <= 0) source = await sources.next();
      if (order >= 0) target = await targets.next();
    }
  } finally {
    await sources.return();
    await targets.return();
  }
  return { day: new Date(day).toISOString().slice(0, 10), missing, added, changed };
}

async function* rowsOf(store: Pick<Store, 'pages'>, day: number): AsyncGenerator<ActivityRow, void, void> {
  for await (const rows of store.pages({ from: day, to: day + DAY })) yield* rows;
}

/** Compares by date and id. After the last row, there is none. */
function compareRows(a: ActivityRow | void, b: ActivityRow | void): number {
  if (!a || !b) return a ? -1 : 1;
  return Number(a.date) - Number(b.date) || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1);
}

/** All columns except `receivedAt`, which a store adjusts to the clock of its server. */
function serialize(row: ActivityRow): string {
  const {
    id,
    name,
    path,
    route,
    referer,
    subject,
    userId,
    userName,
    groupId,
    groupName,
    sessionId,
    visitId,
    ipAddress,
    session,
  } = row;
  return JSON.stringify([
    id,
    Number(row.date),
    name,
    path,
    route,
    referer,
    row.properties === null ? null : sorted(JSON.parse(row.properties)),
    subject,
    userId,
    userName,
    groupId,
    groupName,
    sessionId,
    visitId,
    ipAddress,
    row.interactive === null ? null : Boolean(row.interactive),
    session && [
      session.userAgent,
      session.startedAt.getTime(),
      session.browser,
      session.system,
      session.device,
      session.country,
      session.language,
      session.bot,
      session.consent,
    ],
  ]);
}

/** PostgreSQL stores JSON with its keys in an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}
