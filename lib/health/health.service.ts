import { Inject, Injectable } from '@nestjs/common';
import { ActivityWriter } from '../activity/activity.writer.js';
import { type OutcomeCount, OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { HOUR } from '../time/units.js';
import { version } from '../generated/version.js';
import type { RetentionPolicy } from '../options/privacy.options.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { explain, isRefusal } from './causes.js';
import type {
  Health,
  HealthCause,
  HealthCheck,
  HealthHour,
  HealthRetention,
  HealthSubscription,
} from './health.types.js';
import { OutcomeFlush } from './outcome-flush.js';

/** The maximum number of stored hours. */
export const MAX_HOURS = 30 * 24;
/** The checks look at the last hours. */
const CHECKED_HOURS = 24;
/** Milliseconds that this instance takes to store its own counts before it answers. */
const FLUSH_TIMEOUT = 500;

/** Reports how many activities arrive, and why others do not. */
@Injectable()
export class HealthService {
  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly outcomes: OutcomeCounter,
    private readonly flush: OutcomeFlush,
    private readonly writer: ActivityWriter,
  ) {}

  /**
   * Other instances may be 15 seconds behind.
   * @param hours how many of the last hours are counted, at most 720
   * @throws UnavailableError
   */
  async report(hours = CHECKED_HOURS): Promise<Health> {
    await this.flush.flush(FLUSH_TIMEOUT);
    try {
      return await this.read(hours);
    } catch (error) {
      if (!this.store.classifyError(error)?.isNotMigrated) throw error;
      return this.reportWithoutTables(hours);
    }
  }

  /** Returns the age of the oldest change that is not in the statistics yet, in milliseconds. */
  async rollupLag(): Promise<number> {
    return (await this.store.findLag()).lag;
  }

  private reportWithoutTables(hours: number): Health {
    const cure = 'run the migrations: see README.md';
    return {
      ...this.own(),
      now: new Date().toISOString(),
      hours: groupByHour([], Date.now() - (Date.now() % HOUR) - (hours - 1) * HOUR, hours),
      causes: [],
      checks: [wrong('tables', 'Tables or columns are missing.', cure)],
      lastCommit: null,
      rollupLag: 0,
      retention: null,
      subscriptions: [],
    };
  }

  /** The part of the report that needs no database. */
  private own(): Pick<Health, 'refusals' | 'waiting' | 'maxWaiting' | 'versions'> {
    return {
      refusals: this.outcomes.lastRefusals,
      waiting: this.writer.waitingActivities,
      maxWaiting: this.settings.writer.maxWaiting,
      versions: { djaffar: version, node: process.version, database: this.store.engine },
    };
  }

  private async read(hours: number): Promise<Health> {
    const { lag, now } = await this.store.findLag();
    const currentHour = now - (now % HOUR);
    const asked = currentHour - (hours - 1) * HOUR;
    const checkedFrom = currentHour - (CHECKED_HOURS - 1) * HOUR;
    const counts = await this.store.findOutcomes(Math.min(asked, checkedFrom));
    const checked = counts.filter(({ hour }) => hour >= checkedFrom);
    const latest = await this.latest();
    const inRange = counts.filter(({ hour }) => hour >= asked);
    return {
      ...this.own(),
      now: new Date(now).toISOString(),
      hours: groupByHour(inRange, asked, hours),
      causes: groupByCause(inRange),
      checks: this.runChecks(checked, latest !== null),
      lastCommit: latest === null ? null : new Date(latest).toISOString(),
      rollupLag: lag / 1000,
      retention: await this.retention(),
      subscriptions: await this.subscriptions(),
    };
  }

  /** Milliseconds since 1970, by the clocks of instances. */
  private async latest(): Promise<number | null> {
    const [newest] = await this.store.page({}, { limit: 1, order: 'desc' });
    const own = this.outcomes.storedAt;
    if (!newest) return own ?? null;
    return Math.max(newest.receivedAt.getTime(), own ?? 0);
  }

  private async retention(): Promise<HealthRetention | null> {
    const { retention } = this.settings;
    if (!retention) return null;
    const { doneAt } = await this.store.retainedAt();
    return { policy: describePolicy(retention), doneAt: doneAt > 0 ? new Date(doneAt).toISOString() : null };
  }

  private async subscriptions(): Promise<HealthSubscription[]> {
    const found = (await this.store.outbox?.status()) ?? [];
    return found.map(({ nextTryAt, parkedAt, ...status }) => ({
      ...status,
      nextTryAt: nextTryAt?.toISOString() ?? null,
      parkedAt: parkedAt?.toISOString() ?? null,
    }));
  }

  private runChecks(counts: OutcomeCount[], isAnythingStored: boolean): HealthCheck[] {
    const count = (cause: string): number =>
      counts.reduce((sum, each) => (each.cause === cause ? sum + each.count : sum), 0);
    const [stored, bots, scripts] = [count('stored'), count('bot'), count('script')];
    const [worst] = groupByCause(counts).filter(({ kind }) => kind === 'refused');
    const [dropped] = groupByCause(counts).filter(({ kind }) => kind === 'dropped');
    const checks: HealthCheck[] = [ok('tables', 'The tables are there, and can be read.')];
    const isSent = stored > 0 || worst !== undefined || dropped !== undefined;
    if (scripts > 0) checks.push(ok('script', 'The tracker script was loaded.'));
    else if (!isSent && !isAnythingStored)
      checks.push(
        waiting(
          'script',
          'No page has loaded the tracker script. It is not needed if you track with the npm package or on the server.',
        ),
      );
    if (isSent) checks.push(ok('sent', 'Activities are sent.'));
    else
      checks.push(
        waiting(
          'sent',
          scripts > 0
            ? 'Nothing has been sent: look for an error in the console of the browser. A blocker or a Content-Security-Policy (connect-src) may stop the tracker.'
            : 'Nothing has been sent.',
        ),
      );
    if (stored > 0) checks.push(ok('stored', 'Activities are stored.'));
    else if (worst)
      checks.push(
        wrong('stored', `Nothing was stored: all was refused, mostly for ${worst.meaning}.`, worst.cure),
      );
    else if (dropped) checks.push(wrong('stored', `Nothing was stored: ${dropped.meaning}.`, dropped.cure));
    else checks.push(waiting('stored', 'Nothing has been stored in the last day.'));
    if (stored > 0 && bots >= stored)
      checks.push(
        wrong(
          'people',
          'Only bots so far, which statistics leave out.',
          'open a page in your own browser; headless browsers, curl and monitors count as bots',
        ),
      );
    else if (stored > 0) checks.push(ok('people', 'Not only bots.'));
    if (this.settings.privacy === 'identified' && stored > 0)
      checks.push(this.cookieCheck(count('cookie'), stored));
    const proxied = count('proxied');
    if (count('public') > 0) checks.push(ok('addresses', 'The addresses of visitors are known.'));
    else if (proxied > 0)
      checks.push(
        wrong(
          'addresses',
          'All requests seem to come from a private address, though a proxy sends X-Forwarded-For.',
          "trust the proxy: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
        ),
      );
    return checks;
  }

  private cookieCheck(returned: number, stored: number): HealthCheck {
    if (returned > 0) return ok('cookie', 'The cookie of the session comes back.');
    if (stored < 5) return waiting('cookie', 'The cookie of the session has not come back yet.');
    return wrong(
      'cookie',
      'The cookie of the session never comes back, so each activity is a new visitor.',
      "if your pages are of another site, set session.sameSite: 'none' and allow credentials in CORS; over HTTPS behind a proxy, trust the proxy",
    );
  }
}

const ok = (name: string, text: string): HealthCheck => ({ name, state: 'ok', text, cure: null });
const waiting = (name: string, text: string): HealthCheck => ({ name, state: 'waiting', text, cure: null });
const wrong = (name: string, text: string, cure: string): HealthCheck => ({
  name,
  state: 'wrong',
  text,
  cure,
});

function groupByHour(counts: OutcomeCount[], from: number, hours: number): HealthHour[] {
  const result = Array.from({ length: hours }, (_, i) => ({
    start: new Date(from + i * HOUR).toISOString(),
    stored: 0,
    dropped: 0,
    refused: 0,
  }));
  for (const { hour, cause, count } of counts) {
    const at = result[Math.round((hour - from) / HOUR)];
    if (!at) continue;
    if (cause === 'stored') at.stored += count;
    else if (isRefusal(cause)) at.refused += count;
    else if (explain(cause)?.kind === 'dropped') at.dropped += count;
  }
  return result;
}

function groupByCause(counts: OutcomeCount[]): HealthCause[] {
  const causes = new Map<string, HealthCause>();
  for (const { hour, cause, count } of counts) {
    const explanation = explain(cause);
    if (!explanation) continue;
    const last = new Date(hour).toISOString();
    const found = causes.get(cause);
    if (!found) causes.set(cause, { cause, count, last, ...explanation });
    else {
      found.count += count;
      if (found.last < last) found.last = last;
    }
  }
  return [...causes.values()].sort((a, b) => b.count - a.count || (a.cause < b.cause ? -1 : 1));
}

function describePolicy({ keep, names, anonymiseAfter }: RetentionPolicy): string {
  const parts = [
    keep !== undefined && `erased after ${keep}`,
    anonymiseAfter !== undefined && `anonymised after ${anonymiseAfter}`,
    ...Object.entries(names ?? {}).map(([name, duration]) => `${name}: ${duration}`),
  ];
  return parts.filter((part) => part !== false).join(', ');
}
