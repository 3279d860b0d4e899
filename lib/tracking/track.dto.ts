import { Checker } from '../activity/check.js';
import { Fields } from '../activity/fields.js';
import {
  type Arrival,
  type NewActivity,
  normalizeActivity,
  type ParsedActivity,
  readActivity,
  readFields,
} from '../activity/new-activity.js';

export const MAX_ACTIVITIES = 100;

/** The body of a request with one activity. */
export interface TrackDto extends NewActivity {
  /** The client's clock at sending. */
  sentAt?: string;
}

/** The body of a request with several activities. */
export interface TrackBatchDto {
  activities: NewActivity[];
  sentAt?: string;
}

/**
 * Reads the activities of a body.
 * @param arrival without the skew, which is computed from the body
 * @throws InvalidActivityError with every error
 */
export function readActivities(body: object, arrival: Omit<Arrival, 'skew'>): ParsedActivity[] {
  const checker = new Checker();
  const activities =
    'activities' in body ? readBatch(body, arrival, checker) : readSingle(body, arrival, checker);
  checker.finish();
  return activities;
}

function readSingle(body: object, arrival: Omit<Arrival, 'skew'>, checker: Checker): ParsedActivity[] {
  const fields = new Fields(body, checker);
  const activity = readFields(fields);
  const skew = skewOf(fields, arrival);
  fields.rejectOthers();
  if (checker.count > 0) return [];
  const parsed = normalizeActivity(activity, { ...arrival, skew }, checker);
  return parsed ? [parsed] : [];
}

function readBatch(body: object, arrival: Omit<Arrival, 'skew'>, checker: Checker): ParsedActivity[] {
  const fields = new Fields(body, checker);
  const activities = fields.array('activities', MAX_ACTIVITIES);
  const skew = skewOf(fields, arrival);
  fields.rejectOthers();
  if (checker.count > 0 || !activities) return [];
  return activities.flatMap((plain, i) => {
    const prefix = `activities.${i}.`;
    const activity = readActivity(plain, checker, prefix);
    return (activity && normalizeActivity(activity, { ...arrival, skew }, checker, prefix)) ?? [];
  });
}

/** Returns by how many milliseconds the client's clock is slow. */
function skewOf(fields: Fields, { receivedAt }: Pick<Arrival, 'receivedAt'>): number {
  const sentAt = fields.date('sentAt');
  return sentAt === undefined ? 0 : receivedAt - sentAt;
}
