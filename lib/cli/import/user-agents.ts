import type { Store } from '../../store/store.js';
import type { SessionInfo } from './django.js';

/** How many sessions are looked at by one transaction. */
const AT_ONCE = 500;

/** Gives sessions that were stored without a user agent the one that is told of them later. */
export class UserAgents {
  private infos = new Map<string, string>();
  /** How many were told of sessions that are not stored. */
  strangers = 0;

  constructor(private readonly store: Pick<Store, 'addUserAgents'>) {}

  async add({ session, userAgent }: SessionInfo): Promise<void> {
    if (!userAgent || this.infos.has(session)) return;
    this.infos.set(session, userAgent);
    if (this.infos.size >= AT_ONCE) await this.end();
  }

  async end(): Promise<void> {
    const infos = this.infos;
    this.infos = new Map();
    if (infos.size > 0) this.strangers += await this.store.addUserAgents(infos);
  }
}
