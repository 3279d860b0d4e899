import { ArrayMaxSize, ArrayMinSize, IsArray, IsOptional } from 'class-validator';
import { Checker, Shape } from '../activity/check.js';
import { parseIsoDate } from '../activity/iso-date.js';
import { IsoDate, NewActivity } from '../activity/new-activity.js';
import { type Arrival, complete, type ToldActivity } from '../activity/recorder.js';

export const MAX_ACTIVITIES = 100;

/** The body of a request with one activity. */
export class TrackDto extends NewActivity {
  /** The client's clock at sending. */
  @IsOptional()
  @IsoDate()
  sentAt?: string;
}

/** The body of a request with several. */
export class TrackBatchDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ACTIVITIES)
  activities!: unknown[];

  @IsOptional()
  @IsoDate()
  sentAt?: string;
}

const single = new Shape(TrackDto);
const batch = new Shape(TrackBatchDto);
const item = new Shape(NewActivity);

/**
 * Reads the activities of a body.
 * @param arrival without the skew, which is computed from the body
 * @throws InvalidActivityError with all that is wrong
 */
export function readActivities(body: object, arrival: Omit<Arrival, 'skew'>): ToldActivity[] {
  const checker = new Checker();
  const activities =
    'activities' in body ? readBatch(body, arrival, checker) : readSingle(body, arrival, checker);
  checker.finish();
  return activities;
}

function readSingle(body: object, arrival: Omit<Arrival, 'skew'>, checker: Checker): ToldActivity[] {
  const read = single.read(body, checker);
  const parsed = read && complete(read, { ...arrival, skew: skewOf(read, arrival) }, checker);
  return parsed ? [parsed] : [];
}

function readBatch(body: object, arrival: Omit<Arrival, 'skew'>, checker: Checker): ToldActivity[] {
  const read = batch.read(body, checker);
  if (!read) return [];
  const skew = skewOf(read, arrival);
  return read.activities.flatMap((plain, i) => {
    const prefix = `activities.${i}.`;
    const activity = item.read(plain, checker, prefix);
    return (activity && complete(activity, { ...arrival, skew }, checker, prefix)) ?? [];
  });
}

function skewOf({ sentAt }: { sentAt?: string }, { receivedAt }: Pick<Arrival, 'receivedAt'>): number {
  const sent = sentAt === undefined ? undefined : parseIsoDate(sentAt);
  return sent === undefined ? 0 : receivedAt - sent;
}
