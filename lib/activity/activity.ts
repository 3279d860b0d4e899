import type { Session } from './session.js';

/** A JSON object with details of an activity. */
export type Properties = Record<string, unknown>;

/** One thing that was done, at a `path`, at a `date`. */
export class Activity {
  /** The client's own UUID, or a UUIDv7 made by the server. */
  id!: string;

  /** When it happened, by the client's clock, which is corrected if the client sent `sentAt`. */
  date!: Date;

  /** When the server took it; by the database's clock if the server's is wrong by more than 2 s. */
  receivedAt!: Date;

  /** What was done, at most 64 characters. */
  name!: string;

  /** Where it was done, at most 2,048 characters. */
  path!: string;

  /** The pattern of the route, such as `/orders/:id/pay`, at most 255 characters; `null` if it is not known. */
  route!: string | null;

  /** Where the user came from, at most 2,048 characters. */
  referer!: string | null;

  /** A TypeORM `where` compares the whole JSON text, so the order of the keys matters. */
  properties!: Properties | null;

  /** What the activity was done to, as a type and an id such as `order:17`. Only server code sets it. */
  subject!: string | null;

  /** The host's id of the user as text; `null` for an anonymous visitor. Never a foreign key. */
  userId!: string | null;

  userName!: string | null;

  /** The group of the user, such as a customer of the application: a type and an id, such as `company:17`. */
  groupId!: string | null;

  groupName!: string | null;

  /** `null` if server code tracked the activity without a session. */
  sessionId!: string | null;

  session!: Session | null;

  /** One stay of a session, ended by 30 minutes without activity. */
  visitId!: string | null;

  ipAddress!: string | null;

  /** `false`: it does not count as an action, so it does not end a bounce; `null` is the same as `true`. */
  interactive!: boolean | null;
}

/** An activity without joined data. */
export type StoredActivity = Omit<Activity, 'session'>;

/** An activity with the page that statistics count for its path; `null` if that is the path itself. */
export type ActivityOnPage = StoredActivity & { page: string | null };
