import type { Properties } from '../../activity/activity.js';
import { ErrorCollector } from '../../activity/validation-errors.js';
import { storedIp } from '../../activity/ip-address.js';
import { DEFAULT_NAME, MAX_PATH } from '../../activity/new-activity.js';
import { isObject } from '../../activity/properties.js';
import { buildSession } from '../../activity/user-agent.js';
import { sessionOfHost } from '../../tracking/visitor.js';
import { RowFields } from './fields.js';
import { deriveActivityId } from './ids.js';
import type { Row } from './row.js';
import { ImportedVisits } from './visits.js';

export const ACTIVITY = 'djaffar.activity';
export const SESSION_INFO = 'djaffar.sessioninfo';

const MAX_KEY = 255;

/** A record of Django's `dumpdata`. */
export interface DjangoRecord {
  model: string;
  fields: RowFields;
  /** Collects the errors of the fields. */
  errors: ErrorCollector;
  pk: string;
}

/** The user agent of a session. */
export interface SessionInfo {
  session: string;
  userAgent: string | null;
}

/** @returns `undefined` if the item is not a record of Django */
export function parseDjangoRecord(item: Properties): DjangoRecord | undefined {
  if (typeof item.model !== 'string' || !isObject(item.fields)) return undefined;
  const errors = new ErrorCollector();
  const outer = new RowFields(item, errors);
  const pk = parseKey(outer, 'pk');
  if (pk === null) outer.addError('pk', 'must be a primary key');
  return {
    model: item.model.toLowerCase(),
    fields: new RowFields(item.fields, errors),
    errors,
    pk: pk ?? '',
  };
}

/** @throws InvalidActivityError */
export function parseSessionInfo({ pk, fields, errors }: DjangoRecord): SessionInfo {
  const userAgent = fields.optionalText('user_agent', MAX_PATH);
  errors.throwIfInvalid();
  return { session: sessionOfHost(pk), userAgent };
}

/** Converts the activities of a dump, in their order, and finds their sessions and visits. */
export class DjangoActivities {
  private readonly visits = new ImportedVisits();

  /** @throws InvalidActivityError */
  parseRow({ pk, fields, errors }: DjangoRecord): Row {
    const date = fields.date('date');
    const path = fields.text('path', MAX_PATH);
    if (path === '') fields.addError('path', 'must not be empty');
    const referer = fields.optionalText('referer', MAX_PATH);
    const userId = parseKey(fields, 'user');
    const session = parseKey(fields, 'session');
    // An invalid address is omitted, as in tracking.
    const ipAddress = storedIp(fields.optionalText('ip_address', MAX_PATH) ?? undefined);
    errors.throwIfInvalid();
    const sessionId = session === null ? null : sessionOfHost(session);
    const time = date.getTime();
    const visitId = sessionId === null ? null : this.visits.assignVisit(sessionId, { date: time }, userId);
    return {
      activity: {
        // The same row gets the same id in each dump.
        id: deriveActivityId([ACTIVITY, pk, date, session]),
        date,
        receivedAt: date,
        name: DEFAULT_NAME,
        path,
        referer: referer === '' ? null : referer,
        properties: null,
        userId,
        userName: null,
        groupId: null,
        groupName: null,
        sessionId,
        visitId,
        ipAddress,
        route: null,
        subject: null,
        interactive: null,
      },
      session:
        sessionId === null
          ? undefined
          : buildSession(sessionId, this.visits.findStart(sessionId, time), () => ({}), null),
    };
  }
}

/** Returns a primary or foreign key as text; `null` if it is empty. */
function parseKey(fields: RowFields, name: string): string | null {
  const value = fields.raw(name) ?? null;
  if (Array.isArray(value)) fields.addError(name, 'is a natural key: dump without --natural-foreign');
  else if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  else return fields.optionalText(name, MAX_KEY) || null;
  return null;
}
