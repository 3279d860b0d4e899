import type { Properties, StoredActivity } from '../../activity/activity.entity.js';
import type { NewSession } from '../../activity/activity.writer.js';
import { Checker } from '../../activity/check.js';
import { storedIp } from '../../activity/ip-address.js';
import { MAX_NAME, MAX_PATH } from '../../activity/new-activity.js';
import { faultOfProperties, isObject } from '../../activity/properties.js';
import { Fields } from './fields.js';

/** What is written of one item. */
export interface Row {
  activity: StoredActivity;
  session: NewSession | undefined;
}

/**
 * Reads an activity as an export has it.
 * @throws InvalidActivityError
 */
export function rowOf(item: Properties): Row {
  const checker = new Checker();
  const fields = new Fields(item, checker);
  const activity: StoredActivity = {
    id: fields.uuid('id'),
    date: fields.date('date'),
    receivedAt: fields.date('receivedAt'),
    name: fields.text('name', MAX_NAME),
    path: fields.text('path', MAX_PATH),
    referer: fields.optionalText('referer', MAX_PATH),
    properties: propertiesOf(fields),
    userId: fields.optionalText('userId', 255),
    userName: fields.optionalText('userName', 255),
    sessionId: fields.optionalText('sessionId', 64),
    visitId: fields.optionalText('visitId', 16),
    ipAddress: ipAddressOf(fields),
  };
  const session = fields.value('session') ?? null;
  fields.end();
  const newSession = session === null ? undefined : newSessionOf(session, activity.sessionId, checker);
  checker.finish();
  return { activity, session: newSession };
}

function propertiesOf(fields: Fields): Properties | null {
  const value = fields.value('properties') ?? null;
  if (value === null) return null;
  const fault = faultOfProperties(value);
  if (fault) fields.blame('properties', fault);
  return isObject(value) ? value : null;
}

function ipAddressOf(fields: Fields): string | null {
  const value = fields.optionalText('ipAddress', 45);
  const address = value === null ? null : storedIp(value);
  if (value !== null && address === null) fields.blame('ipAddress', 'must be an IP address');
  return address;
}

function newSessionOf(item: unknown, id: string | null, checker: Checker): NewSession | undefined {
  if (!isObject(item)) {
    checker.blame('session', 'session must be an object');
    return undefined;
  }
  const fields = new Fields(item, checker, 'session.');
  if (id === null || fields.value('id') !== id) fields.blame('id', 'must be the sessionId of the activity');
  const session = {
    id: id ?? '',
    userAgent: fields.optionalText('userAgent', 1024),
    startedAt: fields.date('startedAt'),
    browser: fields.optionalText('browser', 64),
    system: fields.optionalText('system', 64),
    device: fields.optionalText('device', 16),
    bot: fields.flag('bot'),
  };
  fields.end();
  return { id: session.id, row: () => session };
}
