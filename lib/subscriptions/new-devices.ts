import { LRUCache } from 'lru-cache';
import type { Activity, StoredActivity } from '../activity/activity.js';
import type { Store } from '../store/store.js';
import type { NewDevice } from './on-activity.decorator.js';

/** The maximum number of pairs of user and session that are remembered. */
const MAX_KNOWN = 50_000;
/** The maximum number of pairs that wait for a lookup, and of activity ids per pair. */
const MAX_UNKNOWN = 10_000;
const MAX_IDS = 20;
/** Milliseconds within which activities of two instances may have been stored in either order. */
const MARGIN = 10_000;
/** The log text. */
const SYMPTOM = 'new devices of users are not reported';

/** A user and a session, with activities of both that this process has committed. */
interface Pair {
  key: string;
  user: string;
  session: string;
  /** The ids of some of them. */
  ids: Set<string>;
  /** When the first of them was received, in milliseconds since 1970. */
  receivedAt: number;
}

/**
 * Finds out if a session is a new device of a user: it is if this process has committed the first stored activity of that user in that
 * session. So usually one of several instances reports it; two may, or none, if both store first activities within {@link MARGIN}. Browsers choose the dates of their activities, so a date alone proves
 * nothing.
 */
export class NewDevices {
  /**
   * For each pair that was looked up, the id of its first activity; empty if this process has reported the new device. Made when it is
   * needed, because it takes its memory at once.
   */
  private known?: LRUCache<string, string>;
  private readonly unknown = new Map<string, Pair>();

  constructor(private readonly store: Pick<Store, 'page' | 'isUserInOtherSession' | 'incidents'>) {}

  /** @returns the pairs to {@link find} */
  collect(activities: StoredActivity[]): Pair[] {
    const known = (this.known ??= new LRUCache({ max: MAX_KNOWN }));
    const pairs = new Set<Pair>();
    for (const { id, userId, sessionId, receivedAt } of activities) {
      if (userId === null || sessionId === null) continue;
      const key = JSON.stringify([userId, sessionId]);
      // A known pair may still be new: a lookup can find its first activity before the commit is reported here.
      if (known.has(key) && known.get(key) !== id) continue;
      let pair = this.unknown.get(key);
      if (!pair) {
        this.makeRoom();
        pair = { key, user: userId, session: sessionId, ids: new Set(), receivedAt: receivedAt.getTime() };
        this.unknown.set(key, pair);
      }
      if (pair.ids.size < MAX_IDS) pair.ids.add(id);
      pair.receivedAt = Math.min(pair.receivedAt, receivedAt.getTime());
      pairs.add(pair);
    }
    return [...pairs];
  }

  /**
   * @returns `undefined` if it is no new device
   * @throws UnavailableError; the next activity of the pair is another try
   */
  async find(pair: Pair): Promise<NewDevice | undefined> {
    const { key, user, session } = pair;
    if (this.unknown.get(key) !== pair) return undefined;
    // One more than the known ids, so that an activity of another process is usually among them.
    const found = await this.store.page({ user, session }, { limit: MAX_IDS + 1, order: 'asc' });
    const [activity] = found;
    const isNew =
      activity !== undefined && isOwn(pair, activity) && !found.some((each) => isBefore(pair, each));
    const isFirst = isNew && !(await this.store.isUserInOtherSession(user, session));
    this.unknown.delete(key);
    this.store.incidents.worked(SYMPTOM);
    // It was erased in the meantime.
    if (!activity) return undefined;
    this.known?.set(key, isNew ? '' : activity.id);
    return isNew ? { activity, isFirst } : undefined;
  }

  /** Drops the pair that has waited longest: its lookup has failed, or there are too many. */
  private makeRoom(): void {
    if (this.unknown.size < MAX_UNKNOWN) return;
    const [oldest] = this.unknown.keys();
    if (oldest === undefined) return;
    this.unknown.delete(oldest);
    const reason = `${MAX_UNKNOWN} users in sessions have not been looked up`;
    this.store.incidents.failed(SYMPTOM, { code: 'OVERFLOW', reason }, 'warn');
  }
}

/** Whether this process has committed an activity of the pair. If it has more than {@link MAX_IDS}, their time decides. */
function isOwn(pair: Pair, { id, receivedAt }: Activity): boolean {
  return pair.ids.has(id) || (pair.ids.size === MAX_IDS && receivedAt.getTime() >= pair.receivedAt - MARGIN);
}

/** Whether an activity was stored before those of the pair: its date may be later, or it has been sent again. */
function isBefore(pair: Pair, { receivedAt }: Activity): boolean {
  return receivedAt.getTime() < pair.receivedAt - MARGIN;
}
