import type { AmountMeasure, Dimension, Question, TopMeasure, TopOptions } from '../../../lib/index.js';
import { aggregate } from './amounts.js';
import { isIn, rangeOf } from './calendar.js';
import { selectActivities, selectVisits, textOfProperty } from './filter.js';
import type { History, HistoryActivity, Visit } from './history.js';
import { countDistinct, countViews } from './measures.js';
import { byText, nullFirst } from './order.js';

export interface Row {
  value: string | null;
  count: number;
  name?: string | null;
}

const TOP_MEASURES: readonly string[] = [
  'users',
  'sessions',
  'visits',
  'activities',
  'views',
] satisfies TopMeasure[];
const ACTIVITY_DIMENSIONS = ['path', 'route', 'name', 'property', 'group'] as const;
type ActivityDimension = (typeof ACTIVITY_DIMENSIONS)[number];
type VisitDimension = Exclude<Dimension, ActivityDimension>;
/** Without a value, a visit has a row of `null` for all other dimensions. */
const WITHOUT_NULL: readonly Dimension[] = [
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
  'user',
];

/** All rows, the most frequent first, whatever the limit is. */
export function top(history: History, dimension: Dimension, options: TopOptions): Row[] {
  const {
    limit: _,
    search,
    property = '',
    measure = defaultMeasure(dimension, options),
    ...question
  } = options;
  const rows = isOfActivities(dimension)
    ? rowsOfActivities(history, dimension, property, measure, question)
    : rowsOfVisits(history, dimension, measure, question);
  const { from } = rangeOf(question);
  return (
    rows
      .filter(({ value }) => value !== null || !WITHOUT_NULL.includes(dimension))
      // Of what a measure counts, a value without any has no row; a sum may be 0.
      .filter(({ count }) => count !== 0 || !isCount(measure))
      .filter((row) => search === undefined || isFound(history, dimension, row, search, from))
      .map((row) =>
        dimension === 'user' || dimension === 'group'
          ? { ...row, name: latestName(history, dimension, row.value) }
          : row,
      )
      .sort((a, b) => b.count - a.count || nullFirst(a.value, b.value))
  );
}

function isOfActivities(dimension: Dimension): dimension is ActivityDimension {
  return ACTIVITY_DIMENSIONS.some((each) => each === dimension);
}

function isCount(measure: TopMeasure | AmountMeasure): measure is TopMeasure {
  return TOP_MEASURES.includes(measure);
}

function defaultMeasure(dimension: Dimension, { name }: TopOptions): TopMeasure {
  if (!isOfActivities(dimension)) return 'visits';
  const isOfViews = name === undefined || [name].flat().every((each) => each === 'view');
  return dimension === 'path' && isOfViews ? 'views' : 'activities';
}

function rowsOfActivities(
  history: History,
  dimension: ActivityDimension,
  property: string,
  measure: TopMeasure | AmountMeasure,
  question: Question,
): Row[] {
  const range = rangeOf(question);
  const activities = selectActivities(history, question).filter(({ time }) => isIn(time, range));
  const groups = groupBy(activities, (activity) => [valueOf(activity, dimension, property)]);
  return rowsFrom(groups, (group) =>
    isCount(measure) ? countOfActivities(group, measure) : aggregateOf(group, measure),
  ).filter(({ value }) => value !== null);
}

function valueOf(
  { stored, page }: HistoryActivity,
  dimension: ActivityDimension,
  property: string,
): string | null {
  if (dimension === 'path') return page;
  if (dimension === 'group') return stored.groupId;
  return dimension === 'property' ? textOfProperty(stored.properties?.[property]) : stored[dimension];
}

function countOfActivities(activities: readonly HistoryActivity[], measure: TopMeasure): number {
  if (measure === 'activities') return activities.length;
  if (measure === 'views') return countViews(activities);
  const id = ({ visits: 'visitId', sessions: 'sessionId', users: 'userId' } as const)[measure];
  return countDistinct(activities.map(({ stored }) => stored[id]));
}

function rowsOfVisits(
  history: History,
  dimension: VisitDimension,
  measure: TopMeasure | AmountMeasure,
  question: Question,
): Row[] {
  const range = rangeOf(question);
  if (isCount(measure)) {
    const visits = selectVisits(history, question).filter(({ start }) => isIn(start, range));
    const groups = groupBy(visits, (visit) => [valueOfVisit(visit, dimension)]);
    return rowsFrom(groups, (group) => countOfVisits(group, measure));
  }
  const activities = selectActivities(history, question).filter(({ time }) => isIn(time, range));
  const groups = groupBy(activities, ({ stored, visit }) => {
    if (visit) return [valueOfVisit(visit, dimension)];
    return dimension === 'user' ? [stored.userId] : [];
  });
  return rowsFrom(groups, (group) => aggregateOf(group, measure));
}

/** `null` without a number. */
function aggregateOf(activities: readonly HistoryActivity[], measure: AmountMeasure): number | null {
  const { value, count } = aggregate(measure, activities);
  return count > 0 ? value : null;
}

function valueOfVisit(visit: Visit, dimension: VisitDimension): string | null {
  switch (dimension) {
    case 'browser':
    case 'system':
    case 'device':
    case 'country':
    case 'language':
      return visit.session?.[dimension] ?? null;
    default:
      return visit[dimension];
  }
}

function countOfVisits(visits: readonly Visit[], measure: TopMeasure): number {
  if (measure === 'visits') return visits.length;
  if (measure === 'users') return countDistinct(visits.map(({ user }) => user));
  if (measure === 'sessions') return countDistinct(visits.map(({ sessionId }) => sessionId));
  const activities = visits.flatMap((visit) => visit.activities);
  return measure === 'views' ? countViews(activities) : activities.length;
}

function groupBy<T>(items: readonly T[], valuesOf: (item: T) => (string | null)[]): Map<string | null, T[]> {
  const groups = new Map<string | null, T[]>();
  for (const item of items)
    for (const value of valuesOf(item)) groups.set(value, [...(groups.get(value) ?? []), item]);
  return groups;
}

function rowsFrom<T>(groups: Map<string | null, T[]>, count: (group: T[]) => number | null): Row[] {
  return [...groups].flatMap(([value, group]) => {
    const counted = count(group);
    return counted === null ? [] : [{ value, count: counted }];
  });
}

function isFound(
  history: History,
  dimension: Dimension,
  { value }: Row,
  search: string,
  from: number,
): boolean {
  const contains = (text: string | null): boolean =>
    text?.toLowerCase().includes(search.toLowerCase()) ?? false;
  if (contains(value)) return true;
  return history.activities.some(({ stored, time }) => {
    if (time < from) return false;
    if (dimension === 'user') return stored.userId === value && contains(stored.userName);
    return dimension === 'group' && stored.groupId === value && contains(stored.groupName);
  });
}

function latestName(history: History, dimension: 'user' | 'group', id: string | null): string | null {
  if (dimension === 'group')
    return (
      history.activities.findLast(({ stored }) => stored.groupId === id && stored.groupName !== null)?.stored
        .groupName ?? null
    );
  const visits = history.visits.filter(({ user }) => user === id);
  const latest = visits.sort((a, b) => a.start - b.start || byText(a.id, b.id)).at(-1);
  return (
    latest?.activities.findLast(({ stored }) => stored.userId === id && stored.userName !== null)?.stored
      .userName ?? null
  );
}
