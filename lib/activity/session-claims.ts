import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeThrown } from '../diagnostics/thrown.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import type { SessionClaim, SessionClaimStore } from '../store/session-claim.types.js';
import { monotonicClock } from '../time/clock.js';
import { MINUTE } from '../time/units.js';
import type { StoredActivity } from './activity.js';
import { CommittedActivities, type CommitListener } from './committed-activities.js';
import { RecentIds } from './recent-ids.js';
import { withTimeLimit } from '../time/time-limit.js';

/** How many sessions wait at most. The oldest are left out, and claimed with a later activity of theirs. */
const MAX_WAITING = 10_000;
/** Milliseconds in which a session is not looked at again for the same user, or so many pauses of the store if they take longer. */
const REMEMBERED = MINUTE;
const REMEMBERED_PAUSES = 10;
const MAX_REMEMBERED = 50_000;
/** Milliseconds for which claims wait for what other listeners have to read first. */
const MAX_WAIT = 10_000;
/** How many activities of a user and a session are remembered. */
const MAX_IDS = 20;
/**
 * Claims take at most one part in so many of the time, unless that makes the pause of the store too many times as long, or longer
 * than so many milliseconds.
 */
const PAUSE_FACTOR = 10;
const MAX_PAUSES = 30;
const MAX_PAUSE = 5 * MINUTE;
/** The log text. */
const SYMPTOM = 'earlier activities of sessions cannot be given to their users';

/** With the option `session.claim: 'session'`, assigns a visitor's activities before the login to the user, some sessions after the others. */
@Injectable()
export class SessionClaims implements CommitListener {
  private readonly waiting = new Map<string, SessionClaim>();
  private readonly done: RecentIds;
  private working: Promise<void> | undefined;
  /** Ends the pause when the application ends. */
  private readonly hurry = new AbortController();
  private isEnding = false;
  /** By the monotonic clock. */
  private pausedUntil = Number.NEGATIVE_INFINITY;

  /** @throws Error if the store cannot do it */
  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) { session }: Settings,
    private readonly committed: CommittedActivities,
  ) {
    const remembered = Math.max(REMEMBERED, REMEMBERED_PAUSES * (store.sessionClaims?.pause ?? 0));
    this.done = new RecentIds(remembered, MAX_REMEMBERED);
    if (session.claim !== 'session') return;
    if (!store.sessionClaims)
      throw new Error(`Djaffar: the store on ${store.engine} cannot do what the option "session.claim" asks`);
    committed.listen(this);
  }

  take(activities: StoredActivity[]): void {
    for (const { id, date, sessionId, userId, userName } of activities) {
      if (sessionId === null || userId === null) continue;
      const key = JSON.stringify([sessionId, userId]);
      const waiting = this.waiting.get(key);
      if (this.done.has(key)) continue;
      if (!waiting) {
        if (this.waiting.size >= MAX_WAITING) this.dropOldest();
        const claim = { session: sessionId, user: userId, userName, activities: [id], until: date };
        this.waiting.set(key, claim);
        continue;
      }
      if (waiting.activities.length < MAX_IDS) waiting.activities.push(id);
      // Everything before the latest activity is the user's.
      if (waiting.until < date) waiting.until = date;
    }
    const { sessionClaims } = this.store;
    if (sessionClaims && this.waiting.size > 0)
      this.working ??= this.work(sessionClaims).finally(() => (this.working = undefined));
  }

  private dropOldest(): void {
    const [oldest] = this.waiting.keys();
    if (oldest !== undefined) this.waiting.delete(oldest);
    const reason = `more than ${MAX_WAITING} sessions wait; the oldest are left out until a later activity of theirs`;
    this.store.incidents.failed(SYMPTOM, { code: 'OVERLOAD', reason }, 'warn');
  }

  async finish(within: number): Promise<void> {
    this.hurry.abort();
    await withTimeLimit(within, this.working, () => {});
    this.isEnding = true;
    if (this.waiting.size > 0)
      new Logger('Djaffar').warn(
        `what ${this.waiting.size} visitors did before their login is given to them with a later activity of theirs`,
      );
  }

  /** It never rejects: what fails is done with the next activity of the session. */
  private async work(store: SessionClaimStore): Promise<void> {
    while (this.waiting.size > 0) {
      // More claims come in the meantime.
      await this.pause();
      const keys = new Set(this.waiting.keys());
      // Whether the session is a new device of the user can be seen only before the user has its earlier activities.
      await withTimeLimit(MAX_WAIT, this.committed.informed(), () => {});
      while (keys.size > 0) {
        await this.pause();
        if (this.isEnding) return;
        const begun = monotonicClock.now();
        await this.claim(store, this.choose(keys, store.atOnce));
        const end = monotonicClock.now();
        const longer = Math.min(PAUSE_FACTOR * (end - begun), MAX_PAUSES * store.pause, MAX_PAUSE);
        this.pausedUntil = end + Math.max(store.pause, longer);
      }
    }
  }

  private async pause(): Promise<void> {
    const left = this.pausedUntil - monotonicClock.now();
    if (left > 0) await wait(left, undefined, { signal: this.hurry.signal, ref: false }).catch(() => {});
  }

  /** Removes keys, and returns the claims of some of them, each of another session. */
  private choose(keys: Set<string>, atOnce: number): Map<string, SessionClaim> {
    const chosen = new Map<string, SessionClaim>();
    const sessions = new Set<string>();
    for (const key of keys) {
      if (chosen.size === atOnce) break;
      const claim = this.waiting.get(key);
      if (claim && sessions.has(claim.session)) continue;
      keys.delete(key);
      if (!claim) continue;
      chosen.set(key, claim);
      sessions.add(claim.session);
    }
    return chosen;
  }

  private async claim(store: SessionClaimStore, claims: Map<string, SessionClaim>): Promise<void> {
    for (const key of claims.keys()) this.waiting.delete(key);
    try {
      const done = await store.claim([...claims.values()]);
      // Activities of before the login, which the browser has sent again after it, are stored without the user: the next one may do it.
      for (const [i, key] of [...claims.keys()].entries()) if (done[i]) this.done.add(key);
      this.store.incidents.worked(SYMPTOM);
    } catch (error) {
      this.store.incidents.failed(SYMPTOM, this.store.classifyError(error) ?? describeThrown(error), 'warn');
    }
  }
}
