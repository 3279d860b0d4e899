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
 * Whether an activity of the stream, which the server does not filter, matches the filters.
 * @param visitors the active visitors, which the server has filtered
 */
export function passesFilters(
  activity: Json<StreamedActivity>,
  filter: Record<string, string>,
  visitors: LiveVisitor[],
): boolean {
  const { session } = activity;
  if (filter.bots !== 'true' && session?.bot) return false;
  const others: Record<string, unknown> = filter.filter === undefined ? {} : JSON.parse(filter.filter);
  const asked: Record<string, unknown> = { ...filter, ...others };
  const values: Record<string, string | null | undefined> = {
    name: activity.name,
    route: activity.route,
    subject: activity.subject,
    user: activity.userId,
    group: activity.groupId,
    session: activity.sessionId,
    browser: session?.browser,
    system: session?.system,
    device: session?.device,
    country: session?.country,
    language: session?.language,
  };
  for (const [name, value] of Object.entries(values))
    if (!isMatching(value ?? null, asked[name], name === 'route' ? isAt : undefined)) return false;
  if (!isMatching(activity.page, asked.path, isAt)) return false;
  const wanted: Record<string, unknown> =
    filter.properties === undefined ? {} : JSON.parse(filter.properties);
  for (const [key, condition] of Object.entries(wanted))
    if (!hasProperty(activity.properties?.[key], condition)) return false;
  if (VISIT_FILTERS.every((name) => asked[name] === undefined)) return true;
  return visitors.some((visitor) => visitor.session === activity.sessionId);
}

interface Conditions {
  not?: unknown;
  startsWith?: string;
  gte?: number;
  lte?: number;
}

const isConditions = (asked: unknown): asked is Conditions =>
  typeof asked === 'object' && asked !== null && !Array.isArray(asked);

/** True if a value matches a condition. An empty text counts as no value. */
function isMatching(
  value: string | null,
  asked: unknown,
  isEqual: (value: string, wanted: string) => boolean = (own, wanted) => own === wanted,
): boolean {
  const isOne = (one: unknown): boolean =>
    value === null ? one === null || one === '' : typeof one === 'string' && isEqual(value, one);
  if (asked === undefined) return true;
  if (Array.isArray(asked)) return asked.some(isOne);
  if (!isConditions(asked)) return isOne(asked);
  const { not, startsWith } = asked;
  return (
    (not === undefined || ![not].flat().some(isOne)) &&
    (startsWith === undefined || (value?.startsWith(startsWith) ?? false))
  );
}

function hasProperty(value: unknown, asked: unknown): boolean {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : null;
  const { gte, lte } = isConditions(asked) ? asked : {};
  const isWithin =
    (gte === undefined && lte === undefined) ||
    (typeof value === 'number' && value >= (gte ?? -Infinity) && value <= (lte ?? Infinity));
  return isWithin && (asked !== '' || text !== null) && isMatching(text, asked);
}

/** A filter by path matches pages, as in statistics. */
function isAt(page: string, wanted: string): boolean {
  return wanted.endsWith('*') ? page.startsWith(wanted.slice(0, -1)) : page === wanted;
}
