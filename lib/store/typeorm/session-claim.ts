import { type DataSource, type EntityManager, In } from 'typeorm';
import { Activity } from '../../activity/activity.js';
import { MAX_LIMIT } from '../../activity/pagination.js';
import { Session } from '../../activity/session.js';
import { chunks } from '../../database/chunks.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { queryPrimary } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import type { SessionClaim, SessionClaimStore } from '../session-claim.types.js';
import { dirtyRangesForInsert } from './statistics/rollup/dirty-ranges.js';
import { CookielessVisit } from './tables/cookieless.entity.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/**
 * How many activities are found at once. Finding them reads all activities of the session, so it must not be repeated for each step; but
 * the event loop waits while TypeORM builds them.
 */
const FOUND_AT_ONCE = 5000;

type Claimed = Pick<Activity, 'id' | 'date' | 'visitId'>;

/** @param onClaimed called after each claim that has changed activities */
export function createClaimStore(dataSource: DataSource, onClaimed: () => void): SessionClaimStore {
  return {
    atOnce: 1,
    pause: 0,
    claim: async (claims) => {
      const done: boolean[] = [];
      for (const claim of claims) {
        const claimed = await claimSession(dataSource, claim);
        if (claimed) onClaimed();
        done.push(claimed !== undefined);
      }
      return done;
    },
  };
}

/**
 * See {@link SessionClaimStore}. Each step is one transaction of at most 1,000 activities.
 * @returns how many activities were changed; `undefined` if none of the user's own activities is stored as one of this user
 */
async function claimSession(dataSource: DataSource, claim: SessionClaim): Promise<number | undefined> {
  const own = { id: In(claim.activities), userId: claim.user };
  // First, because this reads little.
  if (!(await queryPrimary(dataSource, (manager) => manager.existsBy(Activity, own)))) return undefined;
  let claimed = 0;
  for (;;) {
    const found = await queryPrimary(dataSource, (manager) => findAnonymous(manager, claim));
    for (const some of chunks(found, MAX_LIMIT)) {
      if (!(await change(dataSource, claim, some))) return claimed;
      claimed += some.length;
    }
    if (found.length < FOUND_AT_ONCE) return claimed;
  }
}

async function findAnonymous(manager: EntityManager, claim: SessionClaim): Promise<Claimed[]> {
  const { session, user, until } = claim;
  if (await manager.findOne(Session, { select: { id: true }, where: { id: session, bot: true } })) return [];
  // A session without a cookie may be several people.
  if (await manager.findOne(CookielessVisit, { where: { sessionId: session } })) return [];
  const last = await manager
    .createQueryBuilder(Activity, 'activity')
    .select('MAX(activity.date)', 'date')
    .where('activity.sessionId = :session AND activity.date <= :until', { session, until: +until })
    .andWhere('activity.userId <> :user', { user })
    .getRawOne<{ date: string | number | null }>();
  return manager
    .createQueryBuilder(Activity, 'activity')
    .select(['activity.id', 'activity.date', 'activity.visitId'])
    .where('activity.sessionId = :session AND activity.userId IS NULL', { session })
    .andWhere('activity.date <= :until', { until: +until })
    .andWhere(last?.date == null ? '1 = 1' : 'activity.date > :since', { since: Number(last?.date) })
    .limit(FOUND_AT_ONCE)
    .getMany();
}

/**
 * The first statement locks the user's own activities: an erasure of the user that comes later waits for the commit, and after one
 * that came earlier nothing is done.
 * @returns whether it was done
 */
async function change(
  dataSource: DataSource,
  { activities, session, user, userName }: SessionClaim,
  found: Claimed[],
): Promise<boolean> {
  const lock = dataSource
    .createQueryBuilder()
    .update(Activity)
    .set({ userId: user })
    .where({ id: In(activities), userId: user })
    .getQueryAndParameters();
  const update = dataSource
    .createQueryBuilder()
    .update(Activity)
    .set({ userId: user, userName })
    .where({ id: In(found.map(({ id }) => id)) })
    // They may have been anonymised in the meantime.
    .andWhere('userId IS NULL AND sessionId = :session', { session })
    .getQueryAndParameters();
  const dirty = new Table(dataSource, DirtyRange, { clock: 'createdAt' }).insert(dirtyRangesForInsert(found));
  const locked = await connectionsOf(dataSource).ask((signal) =>
    dialectOf(dataSource).transact(dataSource, lock, [update, dirty], signal),
  );
  return locked > 0;
}
