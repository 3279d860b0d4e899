import type { OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import {
  concatMap,
  defer,
  distinctUntilChanged,
  map,
  merge,
  type Observable,
  repeat,
  ReplaySubject,
  share,
  takeUntil,
  timer,
} from 'rxjs';
import type { Activity } from '../activity/activity.entity.js';
import type { ActivityService } from '../activity/activity.service.js';
import { Pages } from '../activity/page.js';

const MINUTE = 60_000;
/** How many are found at once. */
const LIMIT = 100;
/** How many are remembered for each subscriber. */
const SEEN = 10 * LIMIT;

/** Milliseconds. */
interface Pace {
  /** Between two reads of the database. */
  look: number;
  /** Between two signs of life, because proxies close a silent connection. */
  ping: number;
  /** After this time a stream ends, and the browser connects again. Without it, streams stay open. */
  end?: number;
}

export const PACE: Pace = { look: 1000, ping: 20_000 };

/** An activity of the stream, by whose page the dashboard filters, as statistics do. */
export type StreamedActivity = Activity & { page: string };

/** Those received in the last minute, the newest last; or why they cannot be found. */
type Found = Activity[] | Error;

/**
 * New activities as they arrive, at any instance, whatever their dates are: the database is what all have in common. It
 * is asked once for all subscribers, and only while there are any. Each look goes back a minute, which is longer than an
 * activity may take from its receipt to its commit.
 */
export class ActivityStream implements OnModuleDestroy {
  private readonly closed = new ReplaySubject<void>(1);
  private readonly found: Observable<Found>;
  private looking: Promise<Found> | undefined;
  private readonly made = new WeakMap<Activity, string>();

  constructor(
    private readonly activities: Pick<ActivityService, 'findReceived'>,
    private readonly pages = new Pages(),
    private readonly pace = PACE,
  ) {
    this.found = defer(() => this.look()).pipe(
      repeat({ delay: pace.look }),
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
    const pings = timer(0, this.pace.ping).pipe(map(() => ': ping\n\n'));
    return merge(
      pings,
      defer(() => this.news()),
    ).pipe(takeUntil(this.pace.end === undefined ? this.closed : merge(this.closed, timer(this.pace.end))));
  }

  private news(): Observable<string> {
    const seen = new LRUCache<string, true>({ max: SEEN });
    let isWorking = false;
    return this.found.pipe(
      concatMap((found) => {
        if (found instanceof Error) {
          isWorking = false;
          return [event('trouble', '{}')];
        }
        const fresh = found.filter(({ id }) => !seen.has(id));
        for (const { id } of fresh) seen.set(id, true);
        // That there are none is news where it was not known that they can be had.
        if (fresh.length === 0 && isWorking) return [];
        isWorking = true;
        return [event('activities', `[${fresh.map((activity) => this.json(activity)).join(',')}]`)];
      }),
    );
  }

  /** Made once for all subscribers: each is told of the same objects. */
  private json(activity: Activity): string {
    const made = this.made.get(activity) ?? JSON.stringify(this.withPage(activity));
    this.made.set(activity, made);
    return made;
  }

  private withPage(activity: Activity): StreamedActivity {
    return { ...activity, page: this.pages.find(activity.path) ?? activity.path };
  }

  /** A look that is under way is not begun a second time by whoever comes while nobody waits for it. */
  private look(): Promise<Found> {
    return (this.looking ??= this.find().finally(() => (this.looking = undefined)));
  }

  private async find(): Promise<Found> {
    try {
      return (await this.activities.findReceived(MINUTE, LIMIT)).toReversed();
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

function event(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`;
}
