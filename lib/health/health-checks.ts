import type { OutcomeCount } from '../diagnostics/outcome-counter.js';
import type { RetentionPolicy } from '../options/privacy.options.js';
import type { Settings } from '../options/settings.js';
import { HOUR } from '../time/units.js';
import { explain, isRefusal } from './causes.js';
import type { HealthCause, HealthCheck, HealthHour } from './health.types.js';

/**
 * Says what works, what does not, and what is still missing, from the counts of the last day.
 * @param isAnythingStored whether there are activities, also older ones
 */
export function runChecks(
  counts: OutcomeCount[],
  { isAnythingStored, privacy }: { isAnythingStored: boolean; privacy: Settings['privacy'] },
): HealthCheck[] {
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
  if (privacy === 'identified' && stored > 0) checks.push(cookieCheck(count('cookie'), stored));
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

function cookieCheck(returned: number, stored: number): HealthCheck {
  if (returned > 0) return ok('cookie', 'The cookie of the session comes back.');
  if (stored < 5) return waiting('cookie', 'The cookie of the session has not come back yet.');
  return wrong(
    'cookie',
    'The cookie of the session never comes back, so each activity is a new visitor.',
    "if your pages are of another site, set session.sameSite: 'none' and allow credentials in CORS; over HTTPS behind a proxy, trust the proxy",
  );
}

const ok = (name: string, text: string): HealthCheck => ({ name, state: 'ok', text, cure: null });
const waiting = (name: string, text: string): HealthCheck => ({ name, state: 'waiting', text, cure: null });
export const wrong = (name: string, text: string, cure: string): HealthCheck => ({
  name,
  state: 'wrong',
  text,
  cure,
});

/** @param from the beginning of the first hour, in milliseconds since 1970 */
export function groupByHour(counts: OutcomeCount[], from: number, hours: number): HealthHour[] {
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

/** The most frequent first. */
export function groupByCause(counts: OutcomeCount[]): HealthCause[] {
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

/** Describes a policy in a line. */
export function describePolicy({ keep, names, anonymiseAfter }: RetentionPolicy): string {
  const parts = [
    keep !== undefined && `erased after ${keep}`,
    anonymiseAfter !== undefined && `anonymised after ${anonymiseAfter}`,
    ...Object.entries(names ?? {}).map(([name, duration]) => `${name}: ${duration}`),
  ];
  return parts.filter((part) => part !== false).join(', ');
}
