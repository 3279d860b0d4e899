import type { Properties, StoredActivity } from '../../activity/activity.js';
import type { NewSession } from '../../activity/session.js';
import { ErrorCollector } from '../../activity/validation-errors.js';
import { ENGAGEMENT, timeInView } from '../../activity/engagement.js';
import { storedCountry } from '../../activity/country.js';
import { storedIp } from '../../activity/ip-address.js';
import { storedLanguage } from '../../activity/language.js';
import { DEFAULT_NAME, MAX_NAME, MAX_PATH, MAX_ROUTE } from '../../activity/new-activity.js';
import { isObject } from '../../activity/properties.js';
import type { Session } from '../../activity/session.js';
import { MAX_SUBJECT, storedSubject, SUBJECT_FAULT } from '../../activity/subject.js';
import { parseUserAgent } from '../../activity/user-agent.js';
import { sessionOfHost } from '../../tracking/visitor.js';
import { RowFields } from './fields.js';
import { deriveActivityId, deriveVisitId } from './ids.js';
import { ImportedVisits } from './visits.js';

export interface Row {
  activity: StoredActivity;
  session: NewSession | undefined;
}

const MAX_ID = 2048;
const MAX_SESSION_ID = 64;
const MAX_VISIT_ID = 16;
const MAX_TAG = 255;

/** Reads activities with the fields of docs/import.md. */
export class RowReader {
  private readonly visits = new ImportedVisits();

  /** @throws InvalidActivityError */
  parseRow(item: Properties): Row {
    const errors = new ErrorCollector();
    const fields = new RowFields(item, errors);
    const id = fields.optionalUuid('id');
    const date = fields.date('date');
    const content = {
      date,
      receivedAt: fields.has('receivedAt') ? fields.date('receivedAt') : date,
      name: fields.optionalText('name', MAX_NAME) || DEFAULT_NAME,
      path: fields.text('path', MAX_PATH),
      route: fields.optionalText('route', MAX_ROUTE),
      referer: fields.optionalText('referer', MAX_PATH),
      properties: fields.properties('properties') ?? null,
      subject: parseSubject(fields, 'subject'),
      userId: fields.optionalText('userId', 255),
      userName: fields.optionalText('userName', 255),
      groupId: parseSubject(fields, 'groupId'),
      groupName: fields.optionalText('groupName', 255),
      sessionId: parseSessionId(item, fields),
      visitId: parseId(fields, 'visitId', MAX_VISIT_ID, deriveVisitId),
      ipAddress: parseIpAddress(fields),
      interactive: fields.optionalFlag('interactive'),
    };
    const given = fields.raw('session');
    fields.rejectOthers();
    const { sessionId } = content;
    const session =
      given === null || (given === undefined && sessionId === null)
        ? undefined
        : this.parseSession(given ?? {}, sessionId, date, errors);
    errors.throwIfInvalid();
    const visitId = fields.has('visitId') ? content.visitId : this.assignVisit(content);
    return { activity: { id: id ?? deriveActivityId(Object.values(content)), ...content, visitId }, session };
  }

  private assignVisit({
    sessionId,
    date,
    name,
    path,
    properties,
    userId,
  }: Omit<StoredActivity, 'id'>): string | null {
    if (sessionId === null) return null;
    const inView = name === ENGAGEMENT ? timeInView(properties) : undefined;
    return this.visits.assignVisit(sessionId, { date: date.getTime(), path, inView }, userId);
  }

  private parseSession(
    item: unknown,
    id: string | null,
    date: Date,
    errors: ErrorCollector,
  ): NewSession | undefined {
    if (!isObject(item)) {
      errors.addError('session', 'session must be an object');
      return undefined;
    }
    const fields = new RowFields(item, errors, 'session.');
    const given = fields.raw('id');
    if (id === null || (given !== undefined && storedSessionId(given) !== id))
      fields.addError('id', 'must be the sessionId of the activity');
    const userAgent = fields.optionalText('userAgent', MAX_ID);
    const browser = fields.optionalText('browser', 64);
    const system = fields.optionalText('system', 64);
    const device = fields.optionalText('device', 16);
    const country = fields.optionalText('country', MAX_TAG);
    const language = fields.optionalText('language', MAX_TAG);
    if (country !== null && storedCountry(country) === null)
      fields.addError('country', 'must be the code of a country as of ISO 3166-1, such as DE');
    if (language !== null && storedLanguage(language) === null)
      fields.addError('language', 'must be a language as of BCP 47, such as en-US');
    const bot = fields.has('bot') && fields.flag('bot');
    const consent = fields.optionalFlag('consent');
    const startedAt = fields.has('startedAt')
      ? fields.date('startedAt')
      : new Date(this.visits.findStart(id ?? '', date.getTime()));
    fields.rejectOthers();
    const row = (): Session => {
      const parsed = parseUserAgent(userAgent);
      return {
        id: id ?? '',
        userAgent: parsed.userAgent,
        startedAt,
        browser: fields.has('browser') ? browser : parsed.browser,
        system: fields.has('system') ? system : parsed.system,
        device: fields.has('device') ? device : parsed.device,
        country: storedCountry(country),
        language: storedLanguage(language),
        bot: fields.has('bot') ? bot : parsed.bot,
        consent,
      };
    };
    return { id: id ?? '', row };
  }
}

/** Returns the session id of the activity, or of its `session`. */
function parseSessionId(item: Properties, fields: RowFields): string | null {
  if (fields.has('sessionId') || !isObject(item.session))
    return parseId(fields, 'sessionId', MAX_SESSION_ID, sessionOfHost);
  return storedSessionId(item.session.id);
}

function storedSessionId(id: unknown): string | null {
  if (typeof id !== 'string' || id === '') return null;
  return id.length > MAX_SESSION_ID ? sessionOfHost(id) : id;
}

/** Returns an id that fits into the column: longer ones become a digest, the same in each import. */
function parseId(
  fields: RowFields,
  name: string,
  characters: number,
  digest: (text: string) => string,
): string | null {
  const text = fields.optionalText(name, MAX_ID);
  if (text === null) return null;
  return text.length > characters ? digest(text) : text;
}

function parseSubject(fields: RowFields, name: 'subject' | 'groupId'): string | null {
  const text = fields.optionalText(name, MAX_SUBJECT);
  if (text !== null && storedSubject(text) === undefined) fields.addError(name, SUBJECT_FAULT);
  return text;
}

function parseIpAddress(fields: RowFields): string | null {
  const value = fields.optionalText('ipAddress', 45);
  const address = storedIp(value ?? undefined);
  if (value !== null && address === null) fields.addError('ipAddress', 'must be an IP address');
  return address;
}
