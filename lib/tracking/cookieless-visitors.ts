import { AsyncResource } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { storedIp } from '../activity/ip-address.js';
import { parseHostname } from '../http/host.js';
import type { TrackRequest } from '../http/request.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import { cookielessSession, type CookielessVisit } from '../privacy/salt.js';
import { Salts } from '../privacy/salts.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { VISIT_PAUSE } from '../activity/visit-id.js';
import { monotonicClock } from '../time/clock.js';
import { isIn, type Moment, type Visit, assignVisits } from './visitor.js';

/** How often a reservation is retried after another instance was faster. */
const MAX_TRIES = 50;
/** The maximum number of requests whose visits are reserved together. */
const MAX_GROUP = 500;

/** The session of a request, and the visit of each of its activities. */
export interface Reservation {
  session: string;
  visits: (string | null)[];
}

/** A request that waits for its reservation. */
interface Waiting {
  /** The session by the current salt, and by the one before. */
  ids: [string, ...string[]];
  moments: Moment[];
  user: string | undefined;
  /** By the monotonic clock. */
  deadline: number;
  tries: number;
  isOver: boolean;
  resolve(reservation: Reservation): void;
  reject(error: unknown): void;
}

/**
 * Finds sessions and visits without anything stored on the device: the session is a keyed hash of address, browser and host,
 * and the database has its latest visit. A request reserves the visit before its activities are written. Requests that arrive while
 * others are reserving are reserved together, and one after the other in memory; a reservation fails if another instance has changed the
 * visit meanwhile. So parallel requests, on any instance, have one visit.
 */
@Injectable()
export class CookielessVisitors {
  private readonly queue: Waiting[] = [];
  /** The latest visits that this process has reserved. They need no new read, because a reservation of an outdated visit fails. */
  private readonly latest = new LRUCache<string, CookielessVisit>({ max: 10_000, ttl: VISIT_PAUSE });
  private isWorking = false;
  /** How many requests wait. */
  private waiting = 0;
  /** A group of reservations is of several requests, so it must not run in the context of one of them. */
  private readonly outside = new AsyncResource('DjaffarReservations');

  constructor(
    private readonly salts: Salts,
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param timeout milliseconds for all of it
   * @throws UnavailableError
   */
  async reserve(
    request: TrackRequest,
    moments: Moment[],
    user: string | undefined,
    timeout: number,
  ): Promise<Reservation> {
    const deadline = monotonicClock.now() + timeout;
    const ids = await this.deriveSessions(request);
    if (this.waiting >= this.settings.writer.maxWaiting)
      throw new UnavailableError('too many requests are waiting for the database');
    this.waiting += 1;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Reservation>((resolve, reject) => {
        const own: Waiting = { ids, moments, user, deadline, tries: 0, isOver: false, resolve, reject };
        timer = setTimeout(() => {
          own.isOver = true;
          reject(new UnavailableError('the database has not answered in time'));
        }, deadline - monotonicClock.now());
        this.queue.push(own);
        if (!this.isWorking) this.outside.runInAsyncScope(() => void this.work());
      });
    } finally {
      clearTimeout(timer);
      this.waiting -= 1;
    }
  }

  /** It never rejects. */
  private async work(): Promise<void> {
    this.isWorking = true;
    while (this.queue.length > 0) {
      const group = this.queue.splice(0, MAX_GROUP).filter(({ isOver }) => !isOver);
      if (group.length === 0) continue;
      try {
        const lost = await this.reserveForGroup(group);
        this.queue.unshift(...lost);
      } catch (error) {
        for (const each of group) each.reject(error);
      }
    }
    this.isWorking = false;
  }

  /** @returns the requests whose visits another instance has changed in the meantime */
  private async reserveForGroup(group: Waiting[]): Promise<Waiting[]> {
    const deadline = Math.max(...group.map((each) => each.deadline));
    const { rows, read } = await this.find(group, deadline);
    const visits = new Map(rows.map((row) => [row.sessionId, toVisit(row)]));
    const versions = new Map(rows.map((row) => [row.sessionId, row.version]));
    const changed = new Map<string, CookielessVisit>();
    const reservations = group.map((waiting): [Waiting, Reservation] => {
      const { latest, ...reservation } = buildReservation(waiting, visits);
      const { session } = reservation;
      if (latest) {
        visits.set(session, latest);
        changed.set(session, toRow(session, latest, (versions.get(session) ?? -1) + 1));
      }
      return [waiting, reservation];
    });
    const stored =
      changed.size > 0 ? await this.store.reserveVisits([...changed.values()], timeLeft(deadline)) : [];
    const after = new Map(stored.map((row) => [row.sessionId, row]));
    const lost: Waiting[] = [];
    for (const [waiting, reservation] of reservations) {
      const row = changed.get(reservation.session);
      const isReserved = row ? isStored(row, after.get(reservation.session)) : read.has(reservation.session);
      if (row && isReserved) this.latest.set(reservation.session, row);
      else this.latest.delete(reservation.session);
      if (isReserved) waiting.resolve(reservation);
      else if (waiting.tries++ < MAX_TRIES) lost.push(waiting);
      else
        waiting.reject(
          new UnavailableError(`the visit of a session changed ${MAX_TRIES} times during the request`),
        );
    }
    return lost;
  }

  /** @returns also which sessions were read from the database now, and not from memory */
  private async find(
    group: Waiting[],
    deadline: number,
  ): Promise<{ rows: CookielessVisit[]; read: Set<string> }> {
    const known: CookielessVisit[] = [];
    const read = new Set<string>();
    for (const { ids } of group) {
      // The session of the salt before counts only if there is none of the current one.
      const row = this.latest.get(ids[0]);
      if (row) known.push(row);
      else for (const id of ids) read.add(id);
    }
    const found = read.size > 0 ? await this.store.findReservedVisits([...read], timeLeft(deadline)) : [];
    return { rows: [...known.filter(({ sessionId }) => !read.has(sessionId)), ...found], read };
  }

  private async deriveSessions(request: TrackRequest): Promise<[string, ...string[]]> {
    const { ip, headers } = request;
    const [first, ...others] = (await this.salts.current()).map((salt) =>
      cookielessSession(salt, storedIp(ip, 'masked') ?? '', headers['user-agent'], parseHostname(request)),
    );
    if (first === undefined) throw new UnavailableError('the salt of the day could not be stored');
    return [first, ...others];
  }
}

/** @returns also the latest visit of the session, if it changes */
function buildReservation(
  { ids, moments, user }: Waiting,
  known: Map<string, Visit>,
): Reservation & { latest: Visit | undefined } {
  const earliest = moments.reduce((least, { date }) => Math.min(least, date), Number.POSITIVE_INFINITY);
  // A visit continues when the salt changes.
  const going = ids.find((id) => {
    const visit = known.get(id);
    return visit !== undefined && isIn(visit, earliest);
  });
  const session = known.has(ids[0]) ? ids[0] : (going ?? ids[0]);
  const before = known.get(session);
  const { visits, latest } = assignVisits(before, moments, user);
  const isSame = latest !== undefined && before !== undefined && isEqual(latest, before);
  return { session, visits, latest: isSame ? undefined : latest };
}

/**
 * @returns milliseconds
 * @throws UnavailableError if none are left
 */
function timeLeft(deadline: number): number {
  const left = deadline - monotonicClock.now();
  if (left <= 0) throw new UnavailableError('the database has not answered in time');
  return left;
}

function isStored(row: CookielessVisit, stored: CookielessVisit | undefined): boolean {
  return stored?.version === row.version && isEqual(toVisit(row), toVisit(stored));
}

function isEqual(a: Visit, b: Visit): boolean {
  return a.id === b.id && a.startedAt === b.startedAt && a.lastSeen === b.lastSeen && a.user === b.user;
}

function toRow(sessionId: string, visit: Visit, version: number): CookielessVisit {
  const { id, startedAt, lastSeen, user } = visit;
  return {
    sessionId,
    visitId: id,
    startedAt: new Date(startedAt),
    lastSeen: new Date(lastSeen),
    user,
    version,
  };
}

function toVisit({ visitId, startedAt, lastSeen, user }: CookielessVisit): Visit {
  return { id: visitId, startedAt: startedAt.getTime(), lastSeen: lastSeen.getTime(), user };
}
