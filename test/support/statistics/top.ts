import type {
  Activity,
  ActivityDimension,
  AmountMeasure,
  Dimension,
  TopMeasure,
  TopOptions,
  TopRow,
} from '../../../lib/index.js';
import { isActivityDimension, TOP_MEASURES } from '../../../lib/statistics/statistics.types.js';
import { topAggregates } from './amounts.js';
import { SESSION_PROPERTIES } from '../../../lib/activity/session.js';
import { type History, isSessionProperty, propertyOf, rangeOf, type VisitFacts } from './history.js';
import { countDistinct, nullFirst, sum } from './order.js';
import { pageOf } from './pages.js';

export function top(history: History, dimension: Dimension, options: TopOptions): { items: TopRow[] } {
  const { limit = 10, measure = defaultMeasure(dimension, options), property = '', search } = options;
  const { activities, visits } = history.of(options);
  const holds = (text: string): boolean => text.toLowerCase().includes(search?.toLowerCase() ?? '');
  const isFound = (value: string | null): boolean =>
    search === undefined ||
    (value !== null && [value, ...namesSince(history, dimension, value, rangeOf(options).from)].some(holds));
  const counted = TOP_MEASURES.find((each) => each === measure);
  const rows = !counted
    ? topAggregates(history, measure as AmountMeasure, dimension, activities, (activity, own) =>
        valueOfActivity(activity, own, property),
      ).filter(({ value }) => value !== null || MAY_BE_NULL.has(dimension))
    : isActivityDimension(dimension)
      ? rowsOf(
          activities,
          (activity) => valueOfActivity(activity, dimension, property),
          OF_ACTIVITIES[counted],
        ).filter(({ value }) => value !== null)
      : rowsOf(visits, (visit) => valueOf(visit, dimension), OF_VISITS[counted]).filter(
          ({ value }) => value !== null || MAY_BE_NULL.has(dimension),
        );
  const found = rows
    .filter(({ value, count }) => (!counted || count > 0) && isFound(value))
    .sort((a, b) => b.count - a.count || nullFirst(a.value, b.value))
    .slice(0, limit);
  if (dimension === 'group')
    return { items: found.map((row) => ({ ...row, name: history.nameOfGroup(row.value) })) };
  return {
    items: dimension === 'user' ? found.map((row) => ({ ...row, name: history.nameOf(row.value) })) : found,
  };
}

function namesSince(history: History, dimension: Dimension, value: string, from: number): string[] {
  if (dimension === 'user') return history.namesSince(value, from);
  return dimension === 'group' ? history.namesOfGroupSince(value, from) : [];
}

const MAY_BE_NULL = new Set<Dimension>(['referrer', ...SESSION_PROPERTIES]);

function defaultMeasure(dimension: Dimension, { name = 'view' }: TopOptions): TopMeasure {
  const isOfViews = name === 'view' || (Array.isArray(name) && name.length === 1 && name[0] === 'view');
  if (dimension === 'path' && isOfViews) return 'views';
  if (dimension === 'path') return 'activities';
  return isActivityDimension(dimension) ? 'activities' : 'visits';
}

function valueOfActivity(activity: Activity, dimension: ActivityDimension, property: string): string | null {
  if (dimension === 'property') return propertyOf(activity, property);
  if (dimension === 'route') return activity.route;
  if (dimension === 'group') return activity.groupId;
  return dimension === 'path' ? pageOf(activity.path) : activity.name;
}

function rowsOf<T>(
  items: T[],
  valueOfItem: (item: T) => string | null,
  count: (items: T[]) => number,
): TopRow[] {
  const values = new Set(items.map(valueOfItem));
  return [...values].map((value) => ({
    value,
    count: count(items.filter((item) => valueOfItem(item) === value)),
  }));
}

function valueOf(visit: VisitFacts, dimension: Exclude<Dimension, ActivityDimension>): string | null {
  if (isSessionProperty(dimension)) return visit.session?.[dimension] ?? null;
  return visit[dimension];
}

const OF_ACTIVITIES: Record<TopMeasure, (activities: Activity[]) => number> = {
  activities: (activities) => activities.length,
  views: (activities) => activities.filter(({ name }) => name === 'view').length,
  visits: (activities) => countDistinct(activities.map(({ visitId }) => visitId)),
  sessions: (activities) => countDistinct(activities.map(({ sessionId }) => sessionId)),
  users: (activities) => countDistinct(activities.map(({ userId }) => userId)),
};

const OF_VISITS: Record<TopMeasure, (visits: VisitFacts[]) => number> = {
  activities: (visits) => sum(visits.map(({ activities }) => activities.length)),
  views: (visits) => sum(visits.map(({ views }) => views)),
  visits: (visits) => visits.length,
  sessions: (visits) => countDistinct(visits.map(({ sessionId }) => sessionId)),
  users: (visits) => countDistinct(visits.map(({ user }) => user)),
};
