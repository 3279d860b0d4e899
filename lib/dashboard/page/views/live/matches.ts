import type { StreamedActivity } from '../../../activity.stream.js';
import type { LiveVisitor } from '../../../../statistics/statistics.types.js';
import type { Json } from '../../data/request.js';

/** Filters of visits, which an activity alone cannot answer. */
const OF_VISITS = [
  'entry',
  'exit',
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
];

/**
 * Whether an activity of the stream, which has all of them, is one of those that are filtered by.
 * @param visitors as the host has filtered them
 */
export function matches(
  activity: Json<StreamedActivity>,
  filter: Record<string, string>,
  visitors: LiveVisitor[],
): boolean {
  const { session } = activity;
  if (filter.bots !== 'true' && session?.bot) return false;
  const values: Record<string, string | null | undefined> = {
    name: activity.name,
    user: activity.userId,
    session: activity.sessionId,
    browser: session?.browser,
    system: session?.system,
    device: session?.device,
  };
  for (const [name, value] of Object.entries(values))
    if (filter[name] !== undefined && filter[name] !== (value ?? '')) return false;
  if (filter.path !== undefined && !isAt(activity.page, filter.path)) return false;
  const wanted: Record<string, unknown> =
    filter.properties === undefined ? {} : JSON.parse(filter.properties);
  for (const [key, value] of Object.entries(wanted))
    if (String(activity.properties?.[key]) !== value) return false;
  if (OF_VISITS.every((name) => filter[name] === undefined)) return true;
  return visitors.some((visitor) => visitor.session === activity.sessionId);
}

/** The filter by a path is about pages, as in statistics. */
function isAt(page: string, wanted: string): boolean {
  return wanted.endsWith('*') ? page.startsWith(wanted.slice(0, -1)) : page === wanted;
}
