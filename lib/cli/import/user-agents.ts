import type { Store } from '../../store/store.js';
import type { SessionInfo } from './django.js';

/** How many sessions are updated in one transaction. */
const BATCH_SIZE = 500;

/** Adds user agents to sessions that were stored without one. */
export class UserAgents {
  private infos = new Map<string, string>();
  /** The number of user agents whose session is not stored. */
  unknownSessions = 0;

  constructor(private readonly store: Pick<Store, 'addUserAgents'>) {}

  async add({ session, userAgent }: SessionInfo): Promise<void> {
    if (!userAgent || this.infos.has(session)) return;
    this.infos.set(session, userAgent);
    if (this.infos.size >= BATCH_SIZE) await this.end();
  }

  async end(): Promise<void> {
    const infos = this.infos;
    this.infos = new Map();
    if (infos.size > 0) this.unknownSessions += await this.store.addUserAgents(infos);
  }
}
