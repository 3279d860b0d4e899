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
import type { ActivityService } from '../activity/activity.service.js';
import { monotonicClock } from '../time/clock.js';
import { Pages } from '../activity/page.js';
import { Turns } from './turns.js';

export const MINUTE = 60_000;
/** How many one look sends at most: the newest. Any more are left out. */
const LIMIT = 100;
/** How many known ids are kept: those seen last. */
const MAX_KNOWN = 50_000;

/** Milliseconds. */
interface Pace {
  /** Between two reads of the database. */
  look: number;
  /** How far each goes back before the last one: longer than an activity may take from its receipt to its commit. */
  back: number;
  /** Between two signs of life, because proxies close a silent connection. */
  ping: number;
  /** After this time a stream ends, and the browser connects again. Without it, streams stay open. */
  end?: number;
}

const PACE: Pace = { look: 1000, back: MINUTE, ping: 20_000 };

/** An activity of the stream, by whose page the dashboard filters, as statistics do. */
export type StreamedActivity = Activity & { page: string };

/** What all watchers get of one look into the database. */
interface Look {
  /** As events: what was not there at the look before, if anything was; and what a new watcher begins with. */
  news: string | undefined;
  beginning: string;
}

/**
 * New activities as they are committed, at any instance, whatever their dates are: the database is what all have in common.
 * It is asked once for all subscribers, and only while there are any. Each look goes back for longer than an activity may
 * take from its receipt to its commit, and leaves out what an earlier look has found. After looks that failed it goes back to
 * the last one that did not. One look sends the newest 100 of those: if more than 100 a second arrive, the others are left out.
 */
export class ActivityStream implements OnModuleDestroy {
  private readonly closed = new ReplaySubject<void>(1);
  private readonly pace: Pace;
  private readonly found: Observable<Look | Error>;
  private readonly turns = new Turns();
  private looking: Promise<Look | Error> | undefined;
  /** When the last look that has found anything out began, by the clock. */
  private lastLook: number | undefined;
  /** When ids were found last, by the clock, in that order. An erasure may let older ones be found again. */
  private readonly known = new Map<string, number>();
  /** The last ones of these, each as JSON by its id. */
  private recent = new Map<string, string>();

  constructor(
    private readonly activities: Pick<ActivityService, 'findReceived'>,
    private readonly pages = new Pages(),
    pace: Partial<Pace> = {},
    private readonly clock = monotonicClock,
  ) {
    this.pace = { ...PACE, ...pace };
    this.found = defer(() => {
      // Nobody has missed what was received while nobody watched.
      this.lastLook = undefined;
      return defer(() => this.look()).pipe(repeat({ delay: this.pace.look }));
    }).pipe(
      distinctUntilChanged((one, next) => one instanceof Error && next instanceof Error),
      // Whoever comes later begins with what was found last.
      share({ connector: () => new ReplaySubject(1) }),
    );
  }

  /** An open stream would keep the server from closing. */
  onModuleDestroy(): void {
    this.closed.next();
  }

  /** Server-sent events: `activities`, at first those of the last minute, and `trouble` while there are none to be had. */
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
        // That there are none is news if it was not known that they can be had.
        const text = hasBegun ? (found.news ?? (isWorking ? undefined : NOTHING)) : found.beginning;
        hasBegun = true;
        isWorking = true;
        return text === undefined ? [] : [text];
      }),
    );
  }

  /** A look that is under way is not begun a second time by whoever comes while nobody waits for it. */
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
      this.note(ids, now, within);
      const found = new Set(ids);
      const fresh = activities.map((activity): [string, string] => [activity.id, this.json(activity)]);
      // Without what was erased, and what is too old.
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

  /** An activity is found as long as it was received `within` before or, by a clock that is ahead, after a look. */
  private note(ids: string[], now: number, within: number): void {
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
