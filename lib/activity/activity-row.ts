import { Activity } from './activity.js';

/** An activity as it is read in bulk: dates in milliseconds since 1970, the properties as JSON, the session shared. */
export interface ActivityRow extends Omit<Activity, 'date' | 'receivedAt' | 'properties' | 'interactive'> {
  date: string | number;
  receivedAt: string | number;
  properties: string | null;
  /** A number on some databases. */
  interactive: unknown;
}

// Assigned one by one: `Object.assign` takes four times as long, and V8 moves its temporary objects to the old generation.
export function toActivity(row: ActivityRow): Activity {
  const activity = new Activity();
  activity.id = row.id;
  activity.date = new Date(Number(row.date));
  activity.receivedAt = new Date(Number(row.receivedAt));
  activity.name = row.name;
  activity.path = row.path;
  activity.route = row.route;
  activity.referer = row.referer;
  activity.properties = row.properties === null ? null : JSON.parse(row.properties);
  activity.subject = row.subject;
  activity.userId = row.userId;
  activity.userName = row.userName;
  activity.groupId = row.groupId;
  activity.groupName = row.groupName;
  activity.sessionId = row.sessionId;
  activity.visitId = row.visitId;
  activity.ipAddress = row.ipAddress;
  activity.interactive = row.interactive === null ? null : Boolean(row.interactive);
  activity.session = row.session;
  return activity;
}
