/** The fields of a row; docs/import.md has the same. */
export const FIELDS_HELP = `
A row is an activity: an object in NDJSON or in a JSON array, or a line of CSV with these
names as its header. Only date and path are mandatory; a field that is not known is an error.

  date        when it happened: ISO 8601; without an offset it is UTC
  path        where: at most 2,048 characters
  id          a UUID; an id that is stored already is skipped. Missing: derived from the other
              fields, so a row that is imported twice is stored once
  receivedAt  when the server received it. Missing: date
  name        the name of the activity, at most 64 characters. Missing: view
  route       the pattern of the route, such as /orders/:id, at most 255 characters
  referer     where the user came from, at most 2,048 characters
  properties  a JSON object, at most 4 KiB, up to 3 levels deep
  userId      your id of the user; userName: the name. At most 255 characters each
  groupId     the group of the user: a type and an id, such as company:17; groupName: its name,
              at most 255 characters
  sessionId   one browser; an id of more than 64 characters is stored as its SHA-256
  visitId     one stay of it; an id of more than 16 characters is stored as a digest.
              Missing: found by 30 minutes of inactivity, 24 hours, a logout or another
              login, in the order of the file. null: no visit
  ipAddress   an IPv4 or IPv6 address
  subject     the object of the activity: a type and an id, such as order:17
  interactive false if the user did not cause it directly: a visit with it and one other
              activity is still a bounce
  session     userAgent, startedAt, browser, system, device, country (such as DE), language
              (such as en-US), bot, consent (in CSV: session.userAgent, …). Missing: startedAt
              is the date of the session's first row, country, language and consent are not
              known, the others are parsed from userAgent, bot too. null: no session is stored
`;
