import { monotonicClock } from '../../time/clock.js';
import { DAY, HOUR, MINUTE } from '../../time/units.js';
import type { SessionClaim, SessionClaimStore } from '../session-claim.types.js';
import type { DirtyVisits } from './dirty-visits.js';
import type { Server } from './server.js';
import { all, lists, text, texts } from './sql.js';
import { ACTIVITY, COOKIELESS_VISIT, SESSION } from './tables.js';

/** How many claims one call takes, and how many of those with something to change are in one statement. */
const MAX_CLAIMS = 1000;
const MAX_CHANGED = 500;
/** About how many bytes of a statement are claims: replicas find it in Keeper, which takes 1 MiB, with some characters escaped twice. */
const MAX_BYTES = 400_000;
/** How often a statement has the id of a session, and about how many bytes of numbers belong to it. */
const REPETITIONS = 7;
const NUMBERS = 50;
/** How many sessions one statement looks up in the activities. With more, the index on sessions skips hardly anything. */
const LOOKED_UP = 100;
/** Milliseconds from the marks of a claim until the server takes its change. */
const MAX_DELAY = 2 * MINUTE;
/** Milliseconds since which the user's own activity was written: a claim waits for ten others, and for the pauses between them. */
const MAX_AGE = 3 * HOUR;
const MAX_PAUSES = 11;
/** Milliseconds by which the start of a session may be later than the moment when its first activity was written. */
const MAX_AHEAD = 2 * DAY;

/** A claim of a session with anonymous activities. */
interface Claimable extends SessionClaim {
  /** When the session's activities were written, in milliseconds since 1970. */
  written: { since: number; until: number };
  /** The date of the latest activity of another user, in milliseconds since 1970. */
  since: number;
  /** Those of the table that may have activities to change. */
  partitions: string[];
}

/**
 * Gives activities before a login to the user. A change of stored activities writes columns of whole parts again, so many claims share one
 * statement.
 *
 * An erasure of the user at the same time leaves nothing, whichever comes first, although there are no transactions. A claim marks the
 * visits, then looks for the user's own activity, and the server takes its change only within `MAX_DELAY`. An erasure deletes, then waits
 * for the claims whose marks it sees, then looks for activities of the user, and deletes again if there are any, or if a claim was not
 * done in time. So a claim that looked before the first deletion has either ended before the second look of the erasure, or is waited
 * for; one that looked later misses the user's activity. A claim changes only what was written before the user's activity, so the
 * erasure takes all of it.
 */
export class SessionClaims implements SessionClaimStore {
  readonly atOnce = MAX_CLAIMS;
  readonly pause: number;
  private readonly maxAge: number;

  constructor(
    private readonly server: Server,
    private readonly dirtyVisits: DirtyVisits,
    private readonly removeDuplicates: () => Promise<number>,
    private readonly maxDelay = MAX_DELAY,
  ) {
    this.pause = server.settings.claimPause;
    this.maxAge = MAX_AGE + MAX_PAUSES * this.pause;
  }

  async claim(claims: SessionClaim[]): Promise<boolean[]> {
    await this.server.sync({}, [ACTIVITY, SESSION, COOKIELESS_VISIT]);
    // Of two rows of an id, the first one counts, which may have no user.
    await this.removeDuplicates();
    const own = await this.findOwn(claims);
    const claimable = await this.findClaimable(claims, own);
    const late = new Set<string>();
    for (const some of portions(claimable))
      if (!(await this.change(some))) for (const { session } of some) late.add(session);
    return claims.map(({ session }) => own.has(session) && !late.has(session));
  }

  /** Returns by session when the latest of the user's own activities was written; nothing if none is stored as the user's. */
  private async findOwn(claims: readonly SessionClaim[]): Promise<Map<string, number>> {
    const own = new Map<string, number>();
    for (const some of lists(claims, MAX_CHANGED)) {
      const rows = await this.server.query<{ session: string; writtenAt: number }>(
        `SELECT assumeNotNull(sessionId) AS session, max(writtenAt) AS writtenAt FROM ${ACTIVITY}
        WHERE ${all([
          `writtenAt >= toUnixTimestamp64Milli(now64(3)) - ${this.maxAge}`,
          `id IN ${texts(some.flatMap(({ activities }) => activities))}`,
          `userId = ${bySession(some, ({ user }) => text(user), `''`)}`,
        ])} GROUP BY sessionId`,
      );
      for (const { session, writtenAt } of rows) own.set(session, writtenAt);
    }
    return own;
  }

  /** Returns the claims of sessions that have activities to change. */
  private async findClaimable(
    claims: readonly SessionClaim[],
    own: ReadonlyMap<string, number>,
  ): Promise<Claimable[]> {
    const known: Claimable[] = [];
    for (const some of lists(claims, MAX_CHANGED)) {
      const starts = await this.findStarts(some.map(({ session }) => session));
      for (const claim of some) {
        const until = own.get(claim.session);
        const startedAt = starts.get(claim.session);
        if (until === undefined || startedAt === undefined) continue;
        const written = { since: startedAt - MAX_AHEAD, until };
        known.push({ ...claim, written, since: -1, partitions: [] });
      }
    }
    // Neighbours have about the same start, so that the statement for new sessions reads little.
    known.sort((a, b) => a.written.since - b.written.since);
    const found: Claimable[] = [];
    for (const some of lists(known, LOOKED_UP)) {
      const rows = await this.server.query<Pick<Claimable, 'session' | 'since' | 'partitions'>>(
        `SELECT assumeNotNull(sessionId) AS session,
          ifNull(maxOrNullIf(date, userId != ${bySession(some, ({ user }) => text(user), `''`)}), -1) AS since,
          maxOrNullIf(date, userId IS NULL AND ${isWritten(some)}) AS latest,
          groupUniqArrayIf(_partition_id, userId IS NULL AND ${isWritten(some)}) AS partitions
        FROM ${ACTIVITY} WHERE ${all([...ofSessions(some), isUntil(some)])}
        GROUP BY sessionId HAVING latest > since`,
      );
      const foundOf = new Map(rows.map((row) => [row.session, row]));
      for (const claim of some) {
        const row = foundOf.get(claim.session);
        if (row) found.push({ ...claim, since: row.since, partitions: row.partitions });
      }
    }
    return found;
  }

  /**
   * Returns when sessions started, in milliseconds since 1970, without those of bots and those without a cookie. No activity
   * is written before its session.
   */
  private async findStarts(sessions: string[]): Promise<Map<string, number>> {
    const rows = await this.server.query<{ id: string; startedAt: number; isExcluded: boolean }>(
      `SELECT id, startedAt, bot AS isExcluded FROM ${SESSION} FINAL WHERE id IN ${texts(sessions)}
      UNION ALL SELECT sessionId, 0, true FROM ${COOKIELESS_VISIT} WHERE sessionId IN ${texts(sessions)}`,
    );
    // The session of an activity may be missing for a moment.
    const starts = new Map(sessions.map((session) => [session, 0]));
    for (const { id, startedAt } of rows) starts.set(id, startedAt);
    for (const { id, isExcluded } of rows) if (isExcluded) starts.delete(id);
    return starts;
  }

  /** @returns whether it was not too late */
  private async change(claims: readonly Claimable[]): Promise<boolean> {
    const partitions = this.partitionsOf(claims);
    const begun = monotonicClock.now();
    const deadline = (await this.server.findNow()) + this.maxDelay;
    let isInTime = true;
    await this.dirtyVisits.rebuildAround(
      (change) => this.dirtyVisits.mark(change, conditionOf(claims), {}, deadline),
      async () => {
        await this.server.sync();
        const own = await this.findOwn(claims);
        const left = claims.filter(({ session }) => own.has(session));
        for (const partition of left.length > 0 ? partitions : []) {
          isInTime = monotonicClock.now() - begun < this.maxDelay;
          if (!isInTime) return;
          await this.update(left, partition, deadline);
        }
      },
    );
    return isInTime;
  }

  /** Returns the SQL of the partitions that are changed, each by one statement: others need not be touched. */
  private partitionsOf(claims: readonly Claimable[]): string[] {
    // With a partition, a replica may take unfinished changes of other partitions, such as erasures, for done.
    if (this.server.settings.replicated) return [''];
    // The latest months first: they have most of it.
    const ids = [...new Set(claims.flatMap(({ partitions }) => partitions))].sort().toReversed();
    return ids.map((id) => `IN PARTITION ID ${text(id)}`);
  }

  private async update(claims: readonly Claimable[], partition: string, deadline: number): Promise<void> {
    const nameless = claims.filter(({ userName }) => userName === null);
    await this.server.command(
      `ALTER TABLE ${ACTIVITY} UPDATE userId = ${bySession(claims, ({ user }) => text(user), `''`)},
        userName = if(sessionId IN ${texts(nameless.map(({ session }) => session))}, NULL,
          ${bySession(claims, ({ userName }) => text(userName ?? ''), `''`)})
      ${partition}
      WHERE ${all([conditionOf(claims), `toUnixTimestamp64Milli(now64(3)) < ${deadline}`])}`,
      {},
      // The time when the server takes the statement counts, not when it changes a part. It must not wait for long after that.
      { mutations_execute_nondeterministic_on_initiator: 1, lock_acquire_timeout: 1 },
    );
  }
}

/** Splits claims into those that one statement can change. */
function* portions(claims: readonly Claimable[]): Generator<Claimable[], void, void> {
  let portion: Claimable[] = [];
  let bytes = 0;
  for (const claim of claims) {
    const { session, user, userName } = claim;
    const names = text(session).repeat(REPETITIONS) + text(user) + text(userName ?? '');
    const added = Buffer.byteLength(names) + NUMBERS;
    if (portion.length === MAX_CHANGED || (portion.length > 0 && bytes + added > MAX_BYTES)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(claim);
    bytes += added;
  }
  if (portion.length > 0) yield portion;
}

/** Returns the condition of the activities that are given to users. */
function conditionOf(claims: readonly Claimable[]): string {
  return all([
    ...ofSessions(claims),
    'userId IS NULL',
    isWritten(claims),
    `date > ${bySession(claims, ({ since }) => String(since), '0')}`,
    isUntil(claims),
  ]);
}

function ofSessions(claims: readonly Claimable[]): string[] {
  return [
    `sessionId IN ${texts(claims.map(({ session }) => session))}`,
    `writtenAt >= ${Math.min(...claims.map(({ written }) => written.since))}`,
  ];
}

function isWritten(claims: readonly Claimable[]): string {
  return `writtenAt <= ${bySession(claims, ({ written }) => String(written.until), '0')}`;
}

function isUntil(claims: readonly Claimable[]): string {
  return `date <= ${bySession(claims, ({ until }) => String(until.getTime()), '0')}`;
}

/** Returns the SQL of a value that each session has. */
function bySession<T extends SessionClaim>(
  claims: readonly T[],
  value: (claim: T) => string,
  none: string,
): string {
  const sessions = claims.map(({ session }) => text(session)).join(',');
  return `transform(ifNull(sessionId, ''), [${sessions}], [${claims.map(value).join(',')}], ${none})`;
}
