import type { ActivityRow } from '../store/typeorm/reading/rows.js';
import { isoOf } from './iso.js';
import { once } from './once.js';

/** Writes activities as lines of JSON, each with its session, which most have in common with others. */
export function lines(): (activity: ActivityRow) => string {
  const write = once((session) => JSON.stringify(session));
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
