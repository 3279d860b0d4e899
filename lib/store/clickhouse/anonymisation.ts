import { dependsOnUser } from '../../activity/activity.filter.js';
import type { DirtyVisits } from './dirty-visits.js';
import type { ErasureSelection } from '../erasure.types.js';
import { countRows, removeFromDisk, splitSelection, writtenUntilNow } from './erasure.js';
import type { Server } from './server.js';
import type { Sessions } from './sessions.js';
import { all, text, texts } from './sql.js';
import { ACTIVITY, SESSION } from './tables.js';

/** How many sessions of bots one statement lists. */
const BOTS = 5000;

/** The activities of sessions between two ids. The first range also has those without a session. */
interface SessionRange {
  condition: string;
  /** Whether an activity in it has a session of a bot. */
  isBot: string;
}

/**
 * Removes user, name, address, session and some properties from activities. Bots keep their session, because only the session says
 * that it is a bot.
 */
export class Anonymisation {
  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly dirtyVisits: DirtyVisits,
    private readonly properties: readonly string[],
    /** Called after each step, also after one that failed: it may have been done all the same. */
    private readonly onChanged: () => void,
    private readonly botsAtOnce = BOTS,
  ) {}

  /** @returns how many activities were changed */
  async run(selection: ErasureSelection): Promise<number> {
    const isOfUser = dependsOnUser(selection.filter);
    if (isOfUser) await this.dirtyVisits.settleClaims();
    // Activities that are written in the meantime keep everything.
    const isWritten = await writtenUntilNow(this.server);
    let changed = 0;
    for (const selected of await splitSelection(this.server, selection)) {
      const condition = all([isWritten, selected]);
      if ((await countIdentifying(this.server, condition, this.properties)) === 0) continue;
      for await (const range of this.splitByBots(condition)) {
        const isIdentifying = identifyingSql(range.isBot, this.properties);
        changed += await this.change(all([condition, range.condition, isIdentifying]), range.isBot, isOfUser);
      }
    }
    await removeFromDisk(this.server);
    return changed;
  }

  /** In nearly all cases one range. Lists instead of a subquery, which replicas refuse in a change. */
  private async *splitByBots(condition: string): AsyncGenerator<SessionRange, void, void> {
    let after: string | undefined;
    for (;;) {
      const isAfter = after === undefined ? [] : [`ifNull(sessionId, '') > ${text(after)}`];
      const found = await this.server.query<{ sessionId: string }>(
        `SELECT DISTINCT sessionId FROM ${ACTIVITY} WHERE ${all([condition, ...isAfter, IS_BOT])}
        ORDER BY sessionId LIMIT ${this.botsAtOnce}`,
      );
      const last = found.length < this.botsAtOnce ? undefined : found.at(-1)?.sessionId;
      const isUntil = last === undefined ? [] : [`ifNull(sessionId, '') <= ${text(last)}`];
      const ids = found.map(({ sessionId }) => sessionId);
      yield {
        condition: all([...isAfter, ...isUntil]),
        isBot: ids.length > 0 ? `ifNull(sessionId IN ${texts(ids)}, false)` : 'false',
      };
      if (last === undefined) return;
      after = last;
    }
  }

  private async change(condition: string, isBot: string, isOfUser: boolean): Promise<number> {
    const count = await countRows(this.server, condition);
    if (count === 0) return 0;
    try {
      await this.dirtyVisits.eraseAround(
        condition,
        isOfUser,
        () =>
          this.server.command(
            `ALTER TABLE ${ACTIVITY} UPDATE userId = NULL, userName = NULL, groupName = NULL, ipAddress = NULL,
              sessionId = if(${isBot}, sessionId, NULL), properties = ${withoutPropertiesSql(this.properties)}
            WHERE ${condition}`,
          ),
        async (change) => this.sessions.deleteUnused(await this.dirtyVisits.findSessions(change)),
      );
    } finally {
      this.onChanged();
    }
    return count;
  }
}

/** Whether an activity has a session of a bot. */
const IS_BOT = `ifNull(sessionId IN (SELECT id FROM ${SESSION} FINAL WHERE bot), false)`;

/** Returns how many activities of a condition an {@link Anonymisation} would change. */
export function countIdentifying(
  server: Server,
  condition: string,
  properties: readonly string[],
): Promise<number> {
  return countRows(server, all([condition, identifyingSql(IS_BOT, properties)]));
}

/** Whether an activity identifies somebody, or has one of the properties. */
function identifyingSql(isBot: string, properties: readonly string[]): string {
  return [
    ...['userId', 'userName', 'groupName', 'ipAddress'].map((column) => `${column} IS NOT NULL`),
    `(sessionId IS NOT NULL AND NOT ${isBot})`,
    ...(properties.length > 0 ? [hasAnySql(properties)] : []),
  ].join(' OR ');
}

function hasAnySql(properties: readonly string[]): string {
  return `hasAny(JSONExtractKeys(ifNull(properties, '')), ${array(properties)})`;
}

/** The properties without some of them; `NULL` if none is left. Texts that have none of them are not changed. */
function withoutPropertiesSql(removed: readonly string[]): string {
  if (removed.length === 0) return 'properties';
  const left = `arrayFilter(pair -> NOT has(${array(removed)}, pair.1), JSONExtractKeysAndValuesRaw(ifNull(properties, '')))`;
  const object = `concat('{', arrayStringConcat(arrayMap(pair -> concat(toJSONString(pair.1), ':', pair.2), ${left}), ','), '}')`;
  return `if(${hasAnySql(removed)}, nullIf(${object}, '{}'), properties)`;
}

function array(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}
