import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Session } from '../../../../activity/session.js';

/** Excludes bots. They are few, so a subquery is less work than joining each session. */
export function leaveOutBots(query: SelectQueryBuilder<ObjectLiteral>): void {
  const bots = query
    .subQuery()
    .select('1')
    .from(Session, 'robot')
    .where('robot.id = activity.sessionId AND robot.bot');
  query.andWhere(`NOT EXISTS ${bots.getQuery()}`);
}
