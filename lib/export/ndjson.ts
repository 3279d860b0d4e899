import type { ActivityRow } from '../activity/reader.js';
import type { Session } from '../activity/session.entity.js';
import { isoOf } from './iso.js';

/** Writes activities as lines of JSON, each with its session, which most have in common with others. */
export function lines(): (activity: ActivityRow) => string {
  const sessions = new WeakMap<Session, string>();
  const write = (session: Session): string => {
    const known = sessions.get(session);
    if (known !== undefined) return known;
    const json = JSON.stringify(session);
    sessions.set(session, json);
    return json;
  };
  return (activity) =>
    `${bodyOf(activity)},"session":${activity.session ? write(activity.session) : 'null'}}`;
}

/** Without the bracket at its end. */
function bodyOf(row: ActivityRow): string {
  const json = JSON.stringify({
    id: row.id,
    date: isoOf(row.date),
    receivedAt: isoOf(row.receivedAt),
    name: row.name,
    path: row.path,
    referer: row.referer,
    properties: row.properties === null ? null : JSON.parse(row.properties),
    userId: row.userId,
    userName: row.userName,
    sessionId: row.sessionId,
    visitId: row.visitId,
    ipAddress: row.ipAddress,
  });
  return json.slice(0, -1);
}
