import { type ActivityOnPage } from '../../activity/activity.js';
import { type ActivityRow, toActivity } from '../../activity/activity-row.js';
import { PageResolver } from '../../activity/page.js';
import type { Session } from '../../activity/session.js';
import { floor } from '../../statistics/time/time-range.js';
import { DAY } from '../../time/units.js';
import type { Store } from '../../store/store.js';
import { compareDay, type DayDifference, digestDay, isSame } from './day-digest.js';

/** Activities in one write. */
const BATCH_SIZE = 1000;
/** Milliseconds for one write. */
const TIMEOUT = 60_000;

export interface CopyResult {
  /** Days with activities. */
  days: number;
  /** Those that were the same in both stores before. */
  skipped: number;
  /** The days that still differ. */
  differences: DayDifference[];
}

/**
 * Copies all activities with their sessions, and the keys that sign the cookies. Each UTC day is compared first, and skipped if it is equal
 * in both stores. So a repeated or resumed copy does only the remaining work.
 * @param onDay called with the number of activities of each day that is done
 */
export async function copy(
  from: Store,
  to: Store,
  pages: PageResolver,
  stop: AbortSignal,
  onDay: (activities: number) => void,
): Promise<CopyResult> {
  await copySigningKeys(from, to);
  const result: CopyResult = { days: 0, skipped: 0, differences: [] };
  for await (const day of daysOf(from)) {
    stop.throwIfAborted();
    result.days += 1;
    const source = await digestDay(from, day);
    if (isSame(source, await digestDay(to, day))) result.skipped += 1;
    else {
      await copyDay(from, to, day, pages, stop);
      // Counts both stores again, because the app may have stored more in the meantime.
      if (!isSame(await digestDay(from, day), await digestDay(to, day)))
        result.differences.push(await compareDay(from, to, day));
    }
    onDay(source.count);
  }
  return result;
}

/** The UTC days that have activities, the oldest first. */
async function* daysOf(store: Store): AsyncGenerator<number, void, void> {
  let from = 0;
  for (;;) {
    const [first] = await store.page({ from }, { limit: 1, order: 'asc' });
    if (!first) return;
    const day = floor(first.date.getTime(), DAY);
    yield day;
    from = day + DAY;
  }
}

async function copyDay(
  from: Store,
  to: Store,
  day: number,
  pages: PageResolver,
  stop: AbortSignal,
): Promise<void> {
  for await (const rows of from.pages({ from: day, to: day + DAY }))
    for (let at = 0; at < rows.length; at += BATCH_SIZE) {
      stop.throwIfAborted();
      await write(to, rows.slice(at, at + BATCH_SIZE), pages);
    }
}

async function write(to: Store, rows: ActivityRow[], pages: PageResolver): Promise<void> {
  const sessions = new Map<string, Session>();
  const activities = rows.map((row): ActivityOnPage => {
    const { session, ...activity } = toActivity(row);
    if (session) sessions.set(session.id, session);
    return { ...activity, page: pages.find(activity.path) };
  });
  const batch = {
    activities,
    sessions: [...sessions.values()],
    token: () => `${rows[0]?.id} ${rows.length}`,
  };
  // An interruption does not cancel a running write, because it would be unknown if it was stored.
  await to.lendWriter((send) => send(batch, TIMEOUT), new AbortController().signal);
}

/** With them, the cookies of visitors stay valid. Keys that the other store has are left alone. */
async function copySigningKeys(from: Store, to: Store): Promise<void> {
  const keys = await from.loadSigningKeys(() => undefined, TIMEOUT);
  for (let i = 0; i < keys.length; i += 1)
    await to.loadSigningKeys((newest) => keys.find(({ number }) => number > (newest?.number ?? 0)), TIMEOUT);
}
