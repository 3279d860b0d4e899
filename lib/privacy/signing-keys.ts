import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { type Dialect, dialectOf } from '../database/dialects/dialect.js';
import { Table } from '../database/table.js';
import { connectionsOf, type LentConnection } from '../database/connections.js';
import { failureOf } from '../database/driver.js';
import type { DatabaseFailure } from '../database/failure.js';
import { uncached } from '../database/primary.js';
import { UnavailableError } from '../database/unavailable.error.js';
import { DATA_SOURCE, type Settings, SETTINGS } from '../options/settings.js';
import { monotonicClock } from '../time/clock.js';
import { isDue, KeyRing } from './key-ring.js';
import { SigningKey } from './signing-key.entity.js';

/** Milliseconds after which a request has the keys read again, in the background. */
export const REFRESH = 60_000;

/** Milliseconds between two tries. */
const RETRY = 100;
/** Milliseconds that a refresh may take. */
const REFRESH_TIMEOUT = 1000;

/** Browsers keep a cookie that lasts until they are closed for longer if they restore their tabs; none keeps any longer. */
const LONGEST_COOKIE = 400 * 24 * 60 * 60 * 1000;

const SUBJECT = 'the keys that sign the cookies cannot be read';

/** The keys that sign the visitors' cookies: read once, then kept in memory, and read again once a minute. */
@Injectable()
export class SigningKeys implements OnApplicationBootstrap {
  private readonly dialect: Dialect;
  private readonly cookieLifetime: number;
  private ring: KeyRing | undefined;
  private loading: Promise<KeyRing> | undefined;
  /** By the clock, in milliseconds. */
  private loadedAt = 0;
  /** How many requests wait for the first load. */
  private waiting = 0;

  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.dialect = dialectOf(dataSource);
    const { maxAge } = settings.session;
    this.cookieLifetime = maxAge === 'browser' ? LONGEST_COOKIE : maxAge;
  }

  /**
   * Loads the keys before the first request. If that fails, the first request tries again, and says why in the log. What
   * does not mend itself, such as a missing table, is in the log now.
   */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.dataSource.isInitialized) return;
    await this.load().catch((error: unknown) => {
      const failure = failureOf(this.dataSource, causeOf(error));
      if (failure?.blame === 'statement') this.note(failure);
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
      connectionsOf(this.dataSource).incidents.worked(SUBJECT);
      return ring;
    } catch (error) {
      const failure = failureOf(this.dataSource, causeOf(error));
      if (failure) this.note(failure);
      throw error;
    } finally {
      this.waiting -= 1;
    }
  }

  private note(failure: DatabaseFailure): void {
    const level = failure.blame === 'statement' ? 'error' : 'warn';
    connectionsOf(this.dataSource).incidents.failed(SUBJECT, failure, level);
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
        const keys = await connectionsOf(this.dataSource).ask(
          (signal) =>
            connectionsOf(this.dataSource).use((connection) => this.read(connection, timeout), signal),
          { timeout, subject: null },
        );
        this.ring = new KeyRing(keys, this.cookieLifetime);
        return this.ring;
      } catch (error) {
        const isPassing = failureOf(this.dataSource, causeOf(error))?.blame === 'moment';
        const isLate = monotonicClock.now() + RETRY > deadline || !this.dataSource.isInitialized;
        if (!isPassing || isLate) throw error;
        await pause(RETRY, undefined, { ref: false });
      }
    }
  }

  /** Makes a key if there is none, or it is time for the next. */
  private async read(connection: LentConnection, timeout: number): Promise<SigningKey[]> {
    const keys = await find(connection);
    const newest = keys.at(-1);
    if (newest && !isDue(newest, Date.now())) return keys;
    const next: SigningKey = {
      number: (newest?.number ?? 0) + 1,
      createdAt: new Date(),
      secret: randomBytes(32).toString('base64url'),
    };
    try {
      // Passed over if another instance has made this number in the meantime.
      await this.dialect.write(connection, [new Table(this.dataSource, SigningKey).insert([next])], timeout);
    } catch (error) {
      // The old keys will do if the database takes no rows now.
      if (newest) return keys;
      throw error;
    }
    return find(connection);
  }
}

function find({ dataSource, runner }: LentConnection): Promise<SigningKey[]> {
  return uncached(dataSource, runner).find(SigningKey, { order: { number: 'ASC' } });
}

/** The database's own message, if the client's answer hides it. */
function causeOf(error: unknown): unknown {
  return error instanceof UnavailableError && error.cause ? error.cause : error;
}
