import { ErrorCollector } from '../activity/validation-errors.js';
import { FieldReader } from '../activity/field-reader.js';
import {
  type ParseContext,
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
 * @param context without the skew, which is computed from the body
 * @throws InvalidActivityError with every error
 */
export function readActivities(body: object, context: Omit<ParseContext, 'skew'>): ParsedActivity[] {
  const errors = new ErrorCollector();
  const activities =
    'activities' in body ? readBatch(body, context, errors) : readSingle(body, context, errors);
  errors.throwIfInvalid();
  return activities;
}

function readSingle(
  body: object,
  context: Omit<ParseContext, 'skew'>,
  errors: ErrorCollector,
): ParsedActivity[] {
  const fields = new FieldReader(body, errors);
  const activity = readFields(fields);
  const skew = measureSkew(fields, context);
  fields.rejectOthers();
  if (errors.count > 0) return [];
  const parsed = normalizeActivity(activity, { ...context, skew }, errors);
  return parsed ? [parsed] : [];
}

function readBatch(
  body: object,
  context: Omit<ParseContext, 'skew'>,
  errors: ErrorCollector,
): ParsedActivity[] {
  const fields = new FieldReader(body, errors);
  const activities = fields.array('activities', MAX_ACTIVITIES);
  const skew = measureSkew(fields, context);
  fields.rejectOthers();
  if (errors.count > 0 || !activities) return [];
  return activities.flatMap((plain, i) => {
    const prefix = `activities.${i}.`;
    const activity = readActivity(plain, errors, prefix);
    return (activity && normalizeActivity(activity, { ...context, skew }, errors, prefix)) ?? [];
  });
}

/** Returns by how many milliseconds the client's clock is slow. */
function measureSkew(fields: FieldReader, { receivedAt }: Pick<ParseContext, 'receivedAt'>): number {
  const sentAt = fields.time('sentAt');
  return sentAt === undefined ? 0 : receivedAt - sentAt;
}
