import { type ActivityOnPage } from '../../activity/activity.js';
import { ENGAGEMENT, timeInView } from '../../activity/engagement.js';
import { isNearStart } from '../../activity/visit-id.js';
import { parseVisitSource } from '../../statistics/visit-source.js';

/** A row to insert into the table of activities. */
export function toRow(activity: ActivityOnPage, writeId: number): object {
  const { date, receivedAt, properties, visitId, path, referer, name } = activity;
  return {
    id: activity.id,
    date: date.getTime(),
    receivedAt: receivedAt.getTime(),
    name,
    path,
    page: activity.page,
    route: activity.route ?? null,
    referer,
    properties: (properties ?? null) === null ? null : JSON.stringify(properties),
    subject: activity.subject ?? null,
    userId: activity.userId,
    userName: activity.userName,
    groupId: activity.groupId ?? null,
    groupName: activity.groupName ?? null,
    sessionId: activity.sessionId,
    visitId: visitId ?? '',
    ipAddress: activity.ipAddress,
    interactive: activity.interactive ?? null,
    // The source of the visit, if this is its first activity. It is computed here because ClickHouse parses URLs differently than `URL`.
    ...parseVisitSource(path, referer),
    inView: name === ENGAGEMENT ? timeInView(properties ?? null) : 0,
    isNear: visitId !== null && isNearStart(visitId, date),
    writeId,
  };
}
