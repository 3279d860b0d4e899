import { randomBytes } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { periodOf, type Salt, type SaltRotation } from './salt.js';
import { mayBeCookieless } from './privacy-modes.js';

/** Milliseconds between two looks at whether a period is over, so that its salt does not stay longer than it should. */
const LOOK = 600_000;

/** The salts of this period and the one before, the same on all instances; older ones are deleted for good. */
@Injectable()
export class Salts implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rotation: SaltRotation;
  private known: { period: number; salts: Salt[] } | undefined;
  private loading: Promise<Salt[]> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.rotation = settings.cookieless.rotate;
  }

  onApplicationBootstrap(): void {
    if (!mayBeCookieless(this.settings) || !this.settings.statistics.background) return;
    // If it fails, the next request says so.
    this.timer = setInterval(() => void this.at(Date.now()).catch(() => {}), LOOK).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * The salt of now, then that of the period before if there is one.
   * @throws UnavailableError if the database does not answer in time
   */
  async at(now: number): Promise<Salt[]> {
    const period = periodOf(now, this.rotation);
    if (this.known?.period === period) return this.known.salts;
    this.loading ??= this.load(period).finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async load(period: number): Promise<Salt[]> {
    const next = { period, secret: randomBytes(32).toString('base64url') };
    const stored = await this.store.loadSalts(next, this.settings.writer.timeout);
    const salts = [period, period - 1].flatMap((each) => stored.find((salt) => salt.period === each) ?? []);
    this.known = { period, salts };
    return salts;
  }
}
