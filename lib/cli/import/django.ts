import type { Properties } from '../../activity/activity.entity.js';
import { Checker } from '../../activity/check.js';
import { storedIp } from '../../activity/ip-address.js';
import { DEFAULT_NAME, MAX_PATH } from '../../activity/new-activity.js';
import { isObject } from '../../activity/properties.js';
import { sessionOf } from '../../activity/user-agent.js';
import { sessionOfHost } from '../../tracking/visitor.js';
import { Fields } from './fields.js';
import { activityIdOf } from './ids.js';
import type { Row } from './row.js';
import { ImportedVisits } from './visits.js';

export const ACTIVITY = 'djaffar.activity';
export const SESSION_INFO = 'djaffar.sessioninfo';

const MAX_KEY = 255;

/** A record of Django's `dumpdata`. */
export interface DjangoRecord {
  model: string;
  fields: Fields;
  /** Tells what the fields are blamed for. */
  checker: Checker;
  pk: string;
}

/** The user agent of a session. */
export interface SessionInfo {
  session: string;
  userAgent: string | null;
}

/** @returns `undefined` for what is no record of Django */
export function djangoRecordOf(item: Properties): DjangoRecord | undefined {
  if (typeof item.model !== 'string' || !isObject(item.fields)) return undefined;
  const checker = new Checker();
  const outer = new Fields(item, checker);
  const pk = keyOf(outer, 'pk');
  if (pk === null) outer.blame('pk', 'must be a primary key');
  return {
    model: item.model.toLowerCase(),
    fields: new Fields(item.fields, checker),
    checker,
    pk: pk ?? '',
  };
}

/** @throws InvalidActivityError */
export function sessionInfoOf({ pk, fields, checker }: DjangoRecord): SessionInfo {
  const userAgent = fields.optionalText('user_agent', MAX_PATH);
  checker.finish();
  return { session: sessionOfHost(pk), userAgent };
}

/** Tells sessions and visits of the activities of a dump, in their order. */
export class DjangoActivities {
  private readonly visits = new ImportedVisits();

  /** @throws InvalidActivityError */
  rowOf({ pk, fields, checker }: DjangoRecord): Row {
    const date = fields.date('date');
    const path = fields.text('path', MAX_PATH);
    if (path === '') fields.blame('path', 'must not be empty');
    const referer = fields.optionalText('referer', MAX_PATH);
    const userId = keyOf(fields, 'user');
    const session = keyOf(fields, 'session');
    // What is no address is not kept of a request either.
    const ipAddress = storedIp(fields.optionalText('ip_address', MAX_PATH) ?? undefined);
    checker.finish();
    const sessionId = session === null ? null : sessionOfHost(session);
    const time = date.getTime();
    const visitId = sessionId === null ? null : this.visits.visitOf(sessionId, { date: time }, userId);
    return {
      activity: {
        // The same row is the same activity, however often it is dumped.
        id: activityIdOf([ACTIVITY, pk, date, session]),
        date,
        receivedAt: date,
        name: DEFAULT_NAME,
        path,
        referer: referer === '' ? null : referer,
        properties: null,
        userId,
        userName: null,
        sessionId,
        visitId,
        ipAddress,
      },
      session:
        sessionId === null
          ? undefined
          : sessionOf(sessionId, this.visits.startOf(sessionId, time), undefined),
    };
  }
}

/** A primary or foreign key as text; empty is missing. */
function keyOf(fields: Fields, name: string): string | null {
  const value = fields.value(name) ?? null;
  if (Array.isArray(value)) fields.blame(name, 'is a natural key: dump without --natural-foreign');
  else if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  else return fields.optionalText(name, MAX_KEY) || null;
  return null;
}
