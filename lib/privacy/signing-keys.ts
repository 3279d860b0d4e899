import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store, StoreFailure } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import { isDue, KeyRing } from './key-ring.js';
import type { SigningKey } from './signing-key.js';
import { DAY } from '../time/units.js';

/** Milliseconds after which a request has the keys read again, in the background. */
export const REFRESH = 60_000;

/** Milliseconds between two tries. */
const RETRY = 100;
/** Milliseconds that a refresh may take. */
const REFRESH_TIMEOUT = 1000;

/** Browsers keep a cookie that lasts until they are closed for longer if they restore their tabs; none keeps any longer. */
const MAX_COOKIE_AGE = 400 * DAY;

const SYMPTOM = 'the keys that sign the cookies cannot be read';

/** The keys that sign the visitors' cookies: read once, then kept in memory, and read again once a minute. */
@Injectable()
export class SigningKeys implements OnApplicationBootstrap {
  private readonly cookieLifetime: number;
  private ring: KeyRing | undefined;
  private loading: Promise<KeyRing> | undefined;
  /** By the clock, in milliseconds. */
  private loadedAt = 0;
  /** The number of requests that wait for the first load. */
  private waiting = 0;

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    const { maxAge } = settings.session;
    this.cookieLifetime = maxAge === 'browser' ? MAX_COOKIE_AGE : maxAge;
  }

  /**
   * Loads the keys before the first request. If that fails, the first request tries again, and logs a failure. A permanent problem, such as
   * a missing table, is logged now.
   */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.store.isOpen) return;
    await this.load().catch((error: unknown) => {
      const failure = this.store.classifyError(unwrapCause(error));
      if (failure?.kind === 'schema') this.logFailure(failure);
    });
  }

  /** The keys, if they are loaded; starts loading them if they are not, or not lately. */
  get current(): KeyRing | undefined {
    if (!this.ring || monotonicClock.now() - this.loadedAt > REFRESH) this.load().catch(() => {});
    return this.ring;
  }

  /**
   * Resolves when the keys are loaded.
   * @throws UnavailableError if the database does not answer within `writer.timeout`, or too many wait
   */
  async ready(): Promise<KeyRing> {
    if (this.waiting >= this.settings.writer.maxWaiting)
      throw new UnavailableError('too many requests are waiting for the database');
    this.waiting += 1;
    try {
      const ring = await this.load();
      this.store.incidents.worked(SYMPTOM);
      return ring;
    } catch (error) {
      const failure = this.store.classifyError(unwrapCause(error));
      if (failure) this.logFailure(failure);
      throw error;
    } finally {
      this.waiting -= 1;
    }
  }

  private logFailure(failure: StoreFailure): void {
    const level = failure.kind === 'schema' ? 'error' : 'warn';
    this.store.incidents.failed(SYMPTOM, failure, level);
  }

  private load(): Promise<KeyRing> {
    // A refresh tries once: until it works, the keys that are there will do.
    const patience = this.ring ? 0 : this.settings.writer.timeout;
    this.loading ??= this.loadWithin(patience).finally(() => {
      this.loading = undefined;
      // After a failure, too: not each request asks a database that is down.
      this.loadedAt = monotonicClock.now();
    });
    return this.loading;
  }

  /** Tries again for as long as the database may recover and the patience lasts. */
  private async loadWithin(patience: number): Promise<KeyRing> {
    const deadline = monotonicClock.now() + patience;
    for (;;) {
      try {
        const timeout = patience === 0 ? REFRESH_TIMEOUT : deadline - monotonicClock.now();
        const keys = await this.store.loadSigningKeys(nextKey, timeout);
        this.ring = new KeyRing(keys, this.cookieLifetime);
        return this.ring;
      } catch (error) {
        const isPassing = this.store.classifyError(unwrapCause(error))?.kind === 'transient';
        const isLate = monotonicClock.now() + RETRY > deadline || !this.store.isOpen;
        if (!isPassing || isLate) throw error;
        await pause(RETRY, undefined, { ref: false });
      }
    }
  }
}

/** A key if there is none, or it is time for the next. */
function nextKey(newest: SigningKey | undefined, now = Date.now()): SigningKey | undefined {
  if (newest && !isDue(newest, now)) return undefined;
  return {
    number: (newest?.number ?? 0) + 1,
    createdAt: new Date(now),
    secret: randomBytes(32).toString('base64url'),
  };
}

/** The database's own message, if the client's answer hides it. */
function unwrapCause(error: unknown): unknown {
  return error instanceof UnavailableError && error.cause ? error.cause : error;
}
