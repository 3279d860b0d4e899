import type { StreamedActivity } from '../../../activity.stream.js';
import type { LiveVisitor } from '../../../../statistics/statistics.types.js';
import type { Json } from '../../data/request.js';

/** Filters of visits, which cannot be checked with an activity alone. */
const VISIT_FILTERS = [
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
 * Whether an activity of the (unfiltered) stream matches the filters.
 * @param visitors the active visitors, which the server has filtered
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
    group: activity.groupId,
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
  if (VISIT_FILTERS.every((name) => filter[name] === undefined)) return true;
  return visitors.some((visitor) => visitor.session === activity.sessionId);
}

/** A filter by path matches pages, as in statistics. */
function isAt(page: string, wanted: string): boolean {
  return wanted.endsWith('*') ? page.startsWith(wanted.slice(0, -1)) : page === wanted;
}
