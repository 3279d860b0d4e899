import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Session } from '../../../../activity/session.js';

/** Bots are few among the sessions that are asked for: to look for them is less work than to look at each session. */
export function leaveOutBots(query: SelectQueryBuilder<ObjectLiteral>): void {
  const bots = query
    .subQuery()
    .select('1')
    .from(Session, 'robot')
    .where('robot.id = activity.sessionId AND robot.bot');
  query.andWhere(`NOT EXISTS ${bots.getQuery()}`);
}
