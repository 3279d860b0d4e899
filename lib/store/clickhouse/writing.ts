import { randomInt } from 'node:crypto';
import type { ActivityOnPage } from '../../activity/activity.js';
import { receivedLater } from '../../activity/received-later.js';
import type { Batch } from '../batch.js';
import { monotonicClock } from '../../time/clock.js';
import { toRow } from './activity-row.js';
import { classifyFailure } from './failure.js';
import type { Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { lists, texts } from './sql.js';
import { ACTIVITY, SESSION } from './tables.js';

/** Milliseconds by which a clock may be wrong. */
const MAX_SKEW = 2000;

/** Stores a batch without the activities that are stored already. */
export class Writing {
  /** See `Store.clockAhead`; measured by the latest batch. */
  clockAhead = 0;

  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
  ) {}

  /** @param within milliseconds after which nothing of it is stored, unless the server does not answer */
  async write({ activities, sessions }: Batch, within: number, signal: AbortSignal): Promise<void> {
    const deadline = monotonicClock.now() + within;
    const limits = (): StatementLimits => ({ signal, timeout: Math.max(deadline - monotonicClock.now(), 1) });
    await this.server.sync(limits());
    const { ids, sessionIds, ahead } = await this.findStored(
      activities,
      sessions.map(({ id }) => id),
      limits,
    );
    this.clockAhead = ahead;
    const newSessions = sessions.filter(({ id }) => !sessionIds.has(id));
    // Sessions first: without its session, the activity of a bot would count as a person's.
    if (newSessions.length > 0) await this.sessions.insert(newSessions, limits());
    const rows = receivedLater(
      activities.filter(({ id }) => !ids.has(id)),
      ahead,
    );
    if (rows.length === 0) return;
    const writeId = randomInt(2 ** 32);
    try {
      await this.server.insert(
        ACTIVITY,
        rows.map((activity) => toRow(activity, writeId)),
        limits(),
      );
    } catch (error) {
      // After other failures it is tried again.
      if (classifyFailure(error)?.kind === 'data')
        await this.sessions.deleteUnused(newSessions.map(({ id }) => id));
      throw error;
    }
  }

  private async findStored(
    activities: ActivityOnPage[],
    sessionIds: string[],
    limits: () => StatementLimits,
  ): Promise<{ ids: Set<string>; sessionIds: Set<string>; ahead: number }> {
    const found = { ids: new Set<string>(), sessionIds: new Set<string>(), ahead: 0 };
    for (const some of lists(activities.length > 0 ? activities : [undefined])) {
      const ids = some.flatMap((activity) => activity?.id ?? []);
      const before = Date.now();
      const rows = await this.server.query<{ kind: 'now' | 'id' | 'session'; value: string }>(
        `SELECT 'now' AS kind, toString(toUnixTimestamp64Milli(now64(3))) AS value
        UNION ALL SELECT 'id', toString(id) FROM ${ACTIVITY} WHERE id IN ${texts(ids)}
        UNION ALL SELECT 'session', id FROM ${SESSION} WHERE id IN ${texts(sessionIds)}`,
        limits(),
      );
      const after = Date.now();
      for (const { kind, value } of rows) {
        if (kind === 'id') found.ids.add(value);
        else if (kind === 'session') found.sessionIds.add(value);
        else found.ahead = measureAhead(Number(value), before, after);
      }
    }
    return found;
  }
}

/** Milliseconds by which the server's clock is ahead of this process's; 0 if they agree well enough. */
function measureAhead(server: number, before: number, after: number): number {
  const ahead = server < before ? server - before : Math.max(server - after, 0);
  return Math.abs(ahead) > MAX_SKEW ? ahead : 0;
}
