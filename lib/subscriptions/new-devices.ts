import { LRUCache } from 'lru-cache';
import type { StoredActivity } from '../activity/activity.js';
import type { Store } from '../store/store.js';
import type { NewDevice } from './on-activity.decorator.js';

/** The maximum number of pairs of user and session that are remembered. */
const MAX_KNOWN = 50_000;
/** The maximum number of pairs that wait for a lookup, and of activity ids per pair. */
const MAX_UNKNOWN = 1000;
const MAX_IDS = 100;

/** A user and a session, with the ids of the activities of both that this process has committed. */
interface Pair {
  key: string;
  user: string;
  session: string;
  ids: Set<string>;
}

/**
 * Finds out if a session is a new device of a user: it is if this process has committed the first stored activity of that user in that
 * session. So only one of several instances reports it.
 */
export class NewDevices {
  /** For each pair that was looked up, the id of its first activity; empty if this process has reported the new device. */
  private readonly known = new LRUCache<string, string>({ max: MAX_KNOWN });
  private readonly unknown = new Map<string, Pair>();

  constructor(private readonly store: Pick<Store, 'page'>) {}

  /** @returns the pairs to {@link find} */
  collect(activities: StoredActivity[]): Pair[] {
    const pairs = new Set<Pair>();
    for (const { id, userId, sessionId } of activities) {
      if (userId === null || sessionId === null) continue;
      const key = JSON.stringify([userId, sessionId]);
      // A known pair may still be new: a lookup can find its first activity before the commit is reported here.
      if (this.known.has(key) && this.known.get(key) !== id) continue;
      let pair = this.unknown.get(key);
      if (!pair) {
        if (this.unknown.size >= MAX_UNKNOWN) continue;
        pair = { key, user: userId, session: sessionId, ids: new Set() };
        this.unknown.set(key, pair);
      }
      if (pair.ids.size < MAX_IDS) pair.ids.add(id);
      pairs.add(pair);
    }
    return [...pairs];
  }

  /**
   * @returns `undefined` if it is no new device
   * @throws UnavailableError; the next activity of the pair is another try
   */
  async find(pair: Pair): Promise<NewDevice | undefined> {
    const { key, user, session, ids } = pair;
    if (this.unknown.get(key) !== pair) return undefined;
    const [activity] = await this.store.page({ user, session }, { limit: 1, order: 'asc' });
    const [first] = await this.store.page({ user }, { limit: 1, order: 'asc' });
    this.unknown.delete(key);
    // It was erased in the meantime.
    if (!activity) return undefined;
    const isNew = ids.has(activity.id);
    this.known.set(key, isNew ? '' : activity.id);
    return isNew ? { activity, isFirst: first?.sessionId === session } : undefined;
  }
}
