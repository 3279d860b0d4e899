import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Activity, ActivityOnPage } from '../../lib/activity/activity.js';
import type { Session } from '../../lib/activity/session.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { type OutcomeCount, sumOutcomes } from '../../lib/diagnostics/outcomes.js';
import type { CookielessVisit, Salt } from '../../lib/privacy/salt.js';
import type { SigningKey } from '../../lib/privacy/signing-key.js';
import type { StatisticsSnapshot, StatisticsStore } from '../../lib/statistics/statistics.store.js';
import type {
  Batch,
  ErasureSelection,
  Received,
  RetentionResult,
  Store,
  Write,
} from '../../lib/store/store.js';

/** A store without a database, a clock and transactions: what the port asks of an engine, and no more. */
export class MemoryStore implements Store, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly engine = 'memory';
  readonly incidents = new IncidentLog();
  readonly isOpen = true;
  readonly isTransactional = true;
  readonly writers = 1;
  /** The lifecycle hooks that Nest has called, and the methods that end the store. */
  readonly calls: string[] = [];
  private readonly activities = new Map<string, ActivityOnPage>();
  private readonly sessions = new Map<string, Session>();
  private keys: SigningKey[] = [];
  private outcomes: OutcomeCount[] = [];

  readonly statistics: StatisticsStore = {
    read: async (_, answer) => {
      const asOf = new Date().toISOString();
      const activities = this.activities.size;
      const refuse = (): never => {
        throw new Error('not built');
      };
      const snapshot: StatisticsSnapshot = {
        measures: async (measures) => {
          const values = Object.fromEntries(
            measures.map((measure) => [measure, [measure === 'activities' ? activities : null]]),
          );
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has a value for each measure
          return values as Awaited<ReturnType<StatisticsSnapshot['measures']>>;
        },
        top: refuse,
        amounts: refuse,
        topAmounts: refuse,
        live: refuse,
        funnel: refuse,
        retention: refuse,
        journeys: refuse,
        visits: refuse,
      };
      return { ...(await answer(snapshot)), asOf };
    },
  };

  onApplicationBootstrap(): void {
    this.calls.push('bootstrap');
  }

  beforeApplicationShutdown(): void {
    this.calls.push('shutdown');
  }

  lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    return work(async (batch: Batch) => {
      for (const activity of batch.activities)
        if (!this.activities.has(activity.id)) this.activities.set(activity.id, activity);
      for (const session of batch.sessions)
        if (!this.sessions.has(session.id)) this.sessions.set(session.id, session);
    });
  }

  async page(): Promise<Activity[]> {
    return [...this.activities.values()].map((activity) => ({
      ...activity,
      session: (activity.sessionId !== null && this.sessions.get(activity.sessionId)) || null,
    }));
  }

  async *pages(): AsyncGenerator<never, void, void> {}

  async count(): Promise<number> {
    return this.activities.size;
  }

  async erase(_: ErasureSelection, onErased: () => void): Promise<number> {
    const erased = this.activities.size;
    this.activities.clear();
    this.sessions.clear();
    onErased();
    return erased;
  }

  async countToErase(): Promise<number> {
    return this.activities.size;
  }

  async anonymise(): Promise<number> {
    return 0;
  }

  async retain(): Promise<RetentionResult> {
    return { erased: 0, anonymised: 0 };
  }

  async previewRetention(): Promise<RetentionResult> {
    return { erased: 0, anonymised: 0 };
  }

  async retainedAt(): Promise<{ doneAt: number; now: number }> {
    return { doneAt: 0, now: Date.now() };
  }

  async *personalData(): AsyncGenerator<never, void, void> {}

  async loadSalts(next: (now: number) => Salt): Promise<Salt[]> {
    return [next(Date.now())];
  }

  async forgetVisits(): Promise<number> {
    return 0;
  }

  async findClaimedVisits(): Promise<CookielessVisit[]> {
    return [];
  }

  async claimVisit(): Promise<boolean> {
    return true;
  }

  async loadSigningKeys(
    next: (newest: SigningKey | undefined) => SigningKey | undefined,
  ): Promise<SigningKey[]> {
    const key = next(this.keys.at(-1));
    if (key) this.keys = [...this.keys, key];
    return this.keys;
  }

  async inspect(): Promise<never[]> {
    return [];
  }

  async findLag(): Promise<{ lag: number; now: number }> {
    return { lag: 0, now: Date.now() };
  }

  async addOutcomes(counts: OutcomeCount[]): Promise<void> {
    this.outcomes = sumOutcomes([...this.outcomes, ...counts]);
  }

  async findOutcomes(since: number): Promise<OutcomeCount[]> {
    return this.outcomes.filter(({ hour }) => hour >= since);
  }

  async restoreSessions(): Promise<number> {
    return 0;
  }

  async findEncodingFault(): Promise<undefined> {}

  async countStored(ids: string[]): Promise<number> {
    return ids.filter((id) => this.activities.has(id)).length;
  }

  async findCursor(): Promise<undefined> {}

  async findReceived(): Promise<Received> {
    return { ids: [], activities: [] };
  }

  async findVisitSpans(): Promise<never[]> {
    return [];
  }

  async findSessionStarts(): Promise<Map<string, Date>> {
    return new Map();
  }

  async findLatest(): Promise<never[]> {
    return [];
  }

  async findLastSeen(): Promise<Map<string, Date>> {
    return new Map();
  }

  async findSessions(): Promise<never[]> {
    return [];
  }

  async addUserAgents(): Promise<number> {
    return 0;
  }

  classifyError(): undefined {}

  toUnavailable(): undefined {}

  dropIdleConnections(): void {}

  async check(): Promise<{ visits: number; sums: number; pages: number }> {
    return { visits: 0, sums: 0, pages: 0 };
  }

  async rebuild(): Promise<void> {}

  async migrate(): Promise<void> {}

  abort(): void {}

  async close(): Promise<void> {
    this.calls.push('close');
  }
}
