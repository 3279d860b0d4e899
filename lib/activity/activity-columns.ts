/** The columns that are read of an activity, in the order of exports. */
export const ACTIVITY_COLUMNS = [
  'id',
  'date',
  'receivedAt',
  'name',
  'path',
  'route',
  'referer',
  'properties',
  'subject',
  'userId',
  'userName',
  'groupId',
  'groupName',
  'sessionId',
  'visitId',
  'ipAddress',
  'interactive',
];

/** The columns of a session. */
export const SESSION_COLUMNS = [
  'id',
  'userAgent',
  'startedAt',
  'browser',
  'system',
  'device',
  'country',
  'language',
  'bot',
  'consent',
];
