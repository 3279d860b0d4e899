import { LRUCache } from 'lru-cache';
import type { Activity } from '../activity/activity.entity.js';
import type { Session } from '../activity/session.entity.js';
import { isoOf } from './iso.js';

/** Writes activities as lines of JSON, each with its session, which most have in common with others. */
export function lines(): (activity: Activity) => string {
  const sessions = new LRUCache<string, string>({ max: 10_000 });
  const write = (session: Session): string => {
    const known = sessions.get(session.id);
    if (known !== undefined) return known;
    const json = JSON.stringify(session);
    sessions.set(session.id, json);
    return json;
  };
  return (activity) =>
    `${bodyOf(activity)},"session":${activity.session ? write(activity.session) : 'null'}}`;
}

/** Without the bracket at its end. */
function bodyOf(activity: Activity): string {
  const { id, date, receivedAt, name, path, referer, properties } = activity;
  const { userId, userName, sessionId, visitId, ipAddress } = activity;
  // Stringifying the entity itself, with its dates, takes three times as long.
  const json = JSON.stringify({
    id,
    date: isoOf(date),
    receivedAt: isoOf(receivedAt),
    name,
    path,
    referer,
    properties,
    userId,
    userName,
    sessionId,
    visitId,
    ipAddress,
  });
  return json.slice(0, -1);
}
