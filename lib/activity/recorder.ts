import { Inject, Injectable } from '@nestjs/common';
import { type Settings, SETTINGS } from '../djaffar.options.js';
import { uuidv7 } from '../random.js';
import { ActivityWriter, type NewSession, type StoredActivity } from './activity.writer.js';
import type { Checker } from './check.js';
import { DEFAULT_NAME, MAX_NAME, MAX_PATH, type NewActivity } from './new-activity.js';
import { storedIp } from './ip-address.js';
import { LAST_INSTANT, parseIsoDate } from './iso-date.js';
import { cut, isLongerThan, makeStorable } from './text.js';

const DAY = 86_400_000;
const MAX_USER = 255;

/** An activity as it was told, with what the server adds to each. */
export type ToldActivity = Pick<
  StoredActivity,
  'id' | 'date' | 'receivedAt' | 'name' | 'path' | 'referer' | 'properties'
>;

/** What the server knows of a request. */
export interface Arrival {
  /** Milliseconds since 1970. */
  receivedAt: number;
  /** Milliseconds by which the client's clock is slow. */
  skew: number;
  /** Stands in for a path that was not told. */
  path?: string | undefined;
}

/**
 * @param prefix stands before the names in what is blamed
 * @returns `undefined` where something was blamed
 */
export function complete(
  activity: NewActivity,
  arrival: Arrival,
  checker: Checker,
  prefix = '',
): ToldActivity | undefined {
  const { receivedAt, skew } = arrival;
  const path = activity.path ?? arrival.path;
  const date = (parseIsoDate(activity.date) ?? Number.NaN) + skew;
  const isDate = date >= 0 && date <= Math.min(receivedAt + DAY, LAST_INSTANT);
  if (!isDate) {
    const fault = date > 0 ? "must be at most a day ahead of the server's clock" : 'must not be before 1970';
    checker.blame(`${prefix}date`, `${prefix}date ${fault}`);
  }
  if (!path)
    checker.blame(`${prefix}path`, `${prefix}path must not be empty where there is no Referer header`);
  if (!isDate || !path) return undefined;
  return {
    id: activity.id?.toLowerCase() ?? uuidv7(),
    date: new Date(date),
    receivedAt: new Date(receivedAt),
    name: activity.name ?? DEFAULT_NAME,
    path,
    referer: activity.referer ?? null,
    properties: activity.properties ?? null,
  };
}

/** The host's last word, then the writer. */
@Injectable()
export class Recorder {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly writer: ActivityWriter,
  ) {}

  /** Whether the application is shutting down, and accepts no requests any more. */
  get isClosing(): boolean {
    return this.writer.isClosing;
  }

  /**
   * To be called before any work is done on a request.
   * @throws UnavailableError where there is no room for more
   */
  checkRoom(): void {
    this.writer.checkRoom();
  }

  /**
   * Resolves once what `transform` left is committed.
   * @returns how many activities it left
   */
  async record(activities: StoredActivity[], session?: NewSession, request?: unknown): Promise<number> {
    const transformed = this.settings.transform ? await this.transformed(activities, request) : activities;
    for (const activity of transformed) fit(activity);
    const isOf = (activity: StoredActivity): boolean => activity.sessionId === session?.id;
    if (transformed.length > 0)
      await this.writer.write(transformed, transformed.some(isOf) ? session : undefined);
    return transformed.length;
  }

  private async transformed(activities: StoredActivity[], request: unknown): Promise<StoredActivity[]> {
    const kept: StoredActivity[] = [];
    for (const activity of activities) {
      const transformed = await this.settings.transform?.(activity, request);
      if (transformed) kept.push({ ...transformed });
    }
    return kept;
  }
}

/**
 * Cuts what the host's functions gave to what the table holds.
 * @throws Error for an id that is too long: to cut it might make one of two
 */
function fit(activity: StoredActivity): void {
  const { id, sessionId, visitId, userId, userName, ipAddress, referer } = activity;
  checkLength('id', id, 36);
  if (sessionId !== null) checkLength('sessionId', sessionId, 64);
  if (visitId !== null) checkLength('visitId', visitId, 16);
  if (userId !== null) {
    checkLength('userId', userId, MAX_USER);
    activity.userId = makeStorable(userId);
  }
  if (userName !== null) activity.userName = fitText(userName, MAX_USER);
  if (ipAddress !== null) activity.ipAddress = storedIp(ipAddress);
  if (referer !== null) activity.referer = fitText(referer, MAX_PATH);
  activity.name = fitText(activity.name, MAX_NAME);
  activity.path = fitText(activity.path, MAX_PATH);
}

function checkLength(property: string, text: string, characters: number): void {
  if (isLongerThan(text, characters)) {
    throw new Error(
      `the ${property} that the options "user" or "transform" gave has more than ${characters} characters`,
    );
  }
}

function fitText(text: string, characters: number): string {
  return cut(makeStorable(text), characters);
}
