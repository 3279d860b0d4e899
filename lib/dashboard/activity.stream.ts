import type { OnModuleDestroy } from '@nestjs/common';
import {
  concatMap,
  defer,
  distinctUntilChanged,
  interval,
  map,
  merge,
  type Observable,
  repeat,
  ReplaySubject,
  share,
  startWith,
  takeUntil,
  timer,
} from 'rxjs';
import type { Activity } from '../activity/activity.js';
import type { ScopedActivities } from '../activity/scoped-activities.js';
import { monotonicClock } from '../time/clock.js';
import { MINUTE } from '../time/units.js';
import { PageResolver } from '../activity/page.js';
import { Turns } from './turns.js';

/** The maximum number of activities that one poll sends; older ones are omitted. */
const LIMIT = 100;
/** How many of the latest ids are remembered. */
const MAX_KNOWN = 50_000;

/** Intervals in milliseconds. */
interface Pace {
  /** Between two polls of the database. */
  look: number;
  /** How far a poll goes back before the previous one: longer than an activity may take from its receipt to its commit. */
  back: number;
  /** Between two pings, because proxies close a silent connection. */
  ping: number;
  /** After this time a stream ends, and the browser reconnects. By default streams stay open. */
  end?: number;
}

const PACE: Pace = { look: 1000, back: MINUTE, ping: 20_000 };

/** An activity of the stream with its page, by which the dashboard filters as statistics do. */
export type StreamedActivity = Activity & { page: string };

/** The result of one poll, which all watchers share. */
interface Look {
  /** Encoded events: new activities since the previous poll, if any; and the first event of a new watcher. */
  news: string | undefined;
  beginning: string;
}

/**
 * Finds new activities of all instances when they are committed, with any dates, by polling the database. It polls once for
 * all subscribers, and only while there are any. Each poll goes back for longer than an activity may take from its receipt to
 * its commit, and skips the activities of earlier polls. After failed polls it goes back to the last successful one. A poll
 * sends the newest 100 activities: if more than 100 arrive between two polls, the others are omitted.
 */
export class ActivityStream implements OnModuleDestroy {
  private readonly closed = new ReplaySubject<void>(1);
  private readonly pace: Pace;
  private readonly found: Observable<Look | Error>;
  private readonly turns = new Turns();
  private looking: Promise<Look | Error> | undefined;
  /** When the last successful poll started. */
  private lastLook: number | undefined;
  /** When each id was found last, in that order. After an erasure, older ids may be found again. */
  private readonly known = new Map<string, number>();
  /** The latest activities as JSON, by id. */
  private recent = new Map<string, string>();

  constructor(
    private readonly activities: Pick<ScopedActivities, 'findReceived'>,
    private readonly pages = new PageResolver(),
    pace: Partial<Pace> = {},
    private readonly clock = monotonicClock,
  ) {
    this.pace = { ...PACE, ...pace };
    this.found = defer(() => {
      // Activities from the time without watchers are not sent.
      this.lastLook = undefined;
      return defer(() => this.look()).pipe(repeat({ delay: this.pace.look }));
    }).pipe(
      distinctUntilChanged((one, next) => one instanceof Error && next instanceof Error),
      // A later subscriber starts with the latest result.
      share({ connector: () => new ReplaySubject(1) }),
    );
  }

  /** An open stream would prevent the server from closing. */
  onModuleDestroy(): void {
    this.closed.next();
  }

  /** Server-sent events: `activities`, at first those of the last minute, and `trouble` while the database does not answer. */
  events(): Observable<string> {
    const pings = interval(this.pace.ping).pipe(map(() => PING));
    return merge(
      this.turns.spread(pings).pipe(startWith(PING)),
      defer(() => this.news()),
    ).pipe(takeUntil(this.pace.end === undefined ? this.closed : merge(this.closed, timer(this.pace.end))));
  }

  private news(): Observable<string> {
    let hasBegun = false;
    let isWorking = false;
    return this.turns.spread(this.found).pipe(
      concatMap((found) => {
        if (found instanceof Error) {
          isWorking = false;
          return [event('trouble', '{}')];
        }
        // An empty event ends `trouble`.
        const text = hasBegun ? (found.news ?? (isWorking ? undefined : NOTHING)) : found.beginning;
        hasBegun = true;
        isWorking = true;
        return text === undefined ? [] : [text];
      }),
    );
  }

  /** Returns the running poll if there is one, so that a new watcher does not start a second one. */
  private look(): Promise<Look | Error> {
    return (this.looking ??= this.find().finally(() => (this.looking = undefined)));
  }

  private async find(): Promise<Look | Error> {
    try {
      const now = this.clock.now();
      const within = this.pace.back + (this.lastLook === undefined ? 0 : Math.ceil(now - this.lastLook));
      const known = new Set(this.known.keys());
      const { ids, activities } = await this.activities.findReceived(within, LIMIT, known);
      this.lastLook = now;
      this.remember(ids, now, within);
      const found = new Set(ids);
      const fresh = activities.map((activity): [string, string] => [activity.id, this.json(activity)]);
      // Without erased activities, and those that are too old.
      const left = [...this.recent].filter(([id]) => found.has(id));
      this.recent = new Map([...left, ...fresh].slice(-LIMIT));
      return {
        news: fresh.length > 0 ? activitiesEvent(fresh.map(([, json]) => json)) : undefined,
        beginning: activitiesEvent([...this.recent.values()]),
      };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Remembers ids for as long as a poll may find them: `within` before it, or after it if a clock is ahead. */
  private remember(ids: string[], now: number, within: number): void {
    for (const id of ids) {
      this.known.delete(id);
      this.known.set(id, now);
    }
    for (const [id, seen] of this.known) {
      if (this.known.size <= MAX_KNOWN && now - seen <= 2 * within) break;
      this.known.delete(id);
    }
  }

  private json(activity: Activity): string {
    const streamed: StreamedActivity = {
      ...activity,
      page: this.pages.find(activity.path) ?? activity.path,
    };
    return JSON.stringify(streamed);
  }
}

const PING = ': ping\n\n';
const NOTHING = activitiesEvent([]);

function activitiesEvent(activities: string[]): string {
  return event('activities', `[${activities.join(',')}]`);
}

function event(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}
