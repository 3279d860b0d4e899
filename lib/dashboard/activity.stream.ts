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
import type { Activity } from '../activity/activity.entity.js';
import type { ActivityService } from '../activity/activity.service.js';
import { Pages } from '../activity/page.js';
import { Turns } from './turns.js';

export const MINUTE = 60_000;
/** How many are found at once. */
const LIMIT = 100;

/** Milliseconds. */
interface Pace {
  /** Between two reads of the database. */
  look: number;
  /** How far each goes back: longer than an activity may take from its receipt to its commit. */
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
 * take from its receipt to its commit, and leaves out what an earlier look has found.
 */
export class ActivityStream implements OnModuleDestroy {
  private readonly closed = new ReplaySubject<void>(1);
  private readonly pace: Pace;
  private readonly found: Observable<Look | Error>;
  private readonly turns = new Turns();
  private looking: Promise<Look | Error> | undefined;
  /** The ids that the last look has found. */
  private known = new Set<string>();
  /** The last ones of these, each as JSON by its id. */
  private recent = new Map<string, string>();

  constructor(
    private readonly activities: Pick<ActivityService, 'findReceived'>,
    private readonly pages = new Pages(),
    pace: Partial<Pace> = {},
  ) {
    this.pace = { ...PACE, ...pace };
    this.found = defer(() => this.look()).pipe(
      repeat({ delay: this.pace.look }),
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
      const { ids, activities } = await this.activities.findReceived(this.pace.back, LIMIT, this.known);
      this.known = new Set(ids);
      const fresh = activities.map((activity): [string, string] => [activity.id, this.json(activity)]);
      // Without what was erased, and what is too old.
      const left = [...this.recent].filter(([id]) => this.known.has(id));
      this.recent = new Map([...left, ...fresh].slice(-LIMIT));
      return {
        news: fresh.length > 0 ? activitiesEvent(fresh.map(([, json]) => json)) : undefined,
        beginning: activitiesEvent([...this.recent.values()]),
      };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
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
