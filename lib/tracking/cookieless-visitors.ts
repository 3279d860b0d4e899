import { Inject, Injectable } from '@nestjs/common';
import { storedIp } from '../activity/ip-address.js';
import { hostnameOf } from '../http/host.js';
import type { TrackRequest } from '../http/request.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import { cookielessSession, type CookielessVisit } from '../privacy/salt.js';
import { Salts } from '../privacy/salts.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import { isIn, type Moment, type Visit, visitsOf } from './visitor.js';

/** How often a visit is claimed again because another request of the visitor was quicker. */
const MAX_TRIES = 50;

/** The session of a request, and the visit of each of its activities. */
export interface Claim {
  session: string;
  visits: (string | null)[];
}

/**
 * Finds sessions and visits without anything stored on the device: the session is a keyed hash of address, browser and host,
 * and the database has its latest visit. A request claims the visit before its activities are written, by a change that fails
 * if another request has changed it: so parallel requests, on any instance, have one visit.
 */
@Injectable()
export class CookielessVisitors {
  /** Requests of one visitor come one after the other. */
  private readonly turns = new Map<string, Promise<unknown>>();
  /** How many requests have a turn, or wait for theirs. */
  private waiting = 0;

  constructor(
    private readonly salts: Salts,
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param timeout milliseconds for all of it, also waiting for others of the visitor's requests
   * @throws UnavailableError
   */
  async claim(
    request: TrackRequest,
    moments: Moment[],
    user: string | undefined,
    timeout: number,
  ): Promise<Claim> {
    const deadline = monotonicClock.now() + timeout;
    const ids = await this.sessionsOf(request);
    return this.inTurn(ids[0], () => this.claimVisit(ids, moments, user, deadline));
  }

  private async claimVisit(
    ids: [string, ...string[]],
    moments: Moment[],
    user: string | undefined,
    deadline: number,
  ): Promise<Claim> {
    const earliest = moments.reduce((least, { date }) => Math.min(least, date), Number.POSITIVE_INFINITY);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const stored = await this.visitsOf(ids, timeLeft(deadline));
      // A visit goes on when the salt changes.
      const going = ids.find((id) => {
        const visit = stored.get(id);
        return visit !== undefined && isIn(visit, earliest);
      });
      const session = stored.has(ids[0]) ? ids[0] : (going ?? ids[0]);
      const before = stored.get(session);
      const { visits, latest } = visitsOf(before, moments, user);
      const isSame = latest !== undefined && before !== undefined && isEqual(latest, before);
      if (!latest || isSame) return { session, visits };
      const row = rowOf(session, latest);
      if (await this.store.claimVisit(row, before && rowOf(session, before), timeLeft(deadline)))
        return { session, visits };
    }
    throw new UnavailableError(`the visit of a session changed ${MAX_TRIES} times during the request`);
  }

  private async sessionsOf(request: TrackRequest): Promise<[string, ...string[]]> {
    const { ip, headers } = request;
    const [first, ...others] = (await this.salts.current()).map((salt) =>
      cookielessSession(salt, storedIp(ip, 'masked') ?? '', headers['user-agent'], hostnameOf(request)),
    );
    if (first === undefined) throw new UnavailableError('the salt of the day could not be stored');
    return [first, ...others];
  }

  private async visitsOf(sessions: string[], timeout: number): Promise<Map<string, Visit>> {
    const found = await this.store.findClaimedVisits(sessions, timeout);
    return new Map(found.map((row) => [row.sessionId, visitOf(row)]));
  }

  private async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.waiting >= this.settings.writer.maxWaiting)
      throw new UnavailableError('too many requests are waiting for the database');
    this.waiting += 1;
    const turn = (this.turns.get(key) ?? Promise.resolve()).then(work);
    const done = turn.catch(() => {});
    this.turns.set(key, done);
    try {
      return await turn;
    } finally {
      this.waiting -= 1;
      if (this.turns.get(key) === done) this.turns.delete(key);
    }
  }
}

/**
 * @returns milliseconds
 * @throws UnavailableError if none are left: others of the visitor's requests have taken them
 */
function timeLeft(deadline: number): number {
  const left = deadline - monotonicClock.now();
  if (left <= 0) throw new UnavailableError('the database has not answered in time');
  return left;
}

function isEqual(a: Visit, b: Visit): boolean {
  return a.id === b.id && a.startedAt === b.startedAt && a.lastSeen === b.lastSeen && a.user === b.user;
}

function rowOf(sessionId: string, { id, startedAt, lastSeen, user }: Visit): CookielessVisit {
  return { sessionId, visitId: id, startedAt: new Date(startedAt), lastSeen: new Date(lastSeen), user };
}

function visitOf({ visitId, startedAt, lastSeen, user }: CookielessVisit): Visit {
  return { id: visitId, startedAt: startedAt.getTime(), lastSeen: lastSeen.getTime(), user };
}
