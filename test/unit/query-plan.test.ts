import {
  type FilterKind,
  planMeasure,
  planTop,
  classifyFilter,
  type Source,
  chooseTopMeasure,
} from '../../lib/store/typeorm/statistics/query-plan.js';
import { parseStatisticsFilter } from '../../lib/statistics/statistics-filter.js';
import { type Dimension, MEASURES, type TopMeasure } from '../../lib/statistics/statistics.types.js';
import type { StatisticsFilter } from '../../lib/statistics/question.types.js';

const KINDS: FilterKind[] = ['none', 'view', 'name', 'path', 'visits', 'mixed'];

const sourceOf = (
  dimension: Dimension,
  measure: TopMeasure,
  kind: FilterKind,
  asked: { property?: string; search?: string } = {},
): Source => {
  const { property = dimension === 'property' ? 'plan' : undefined, search } = asked;
  return planTop({ dimension, measure, property, search, limit: 10 }, kind);
};

describe('the kind of a filter', () => {
  it.each<[StatisticsFilter, FilterKind]>([
    [{}, 'none'],
    [{ bots: false, from: new Date(0), name: undefined }, 'none'],
    [{ name: 'view' }, 'view'],
    [{ name: 'bought' }, 'name'],
    [{ path: '/a' }, 'path'],
    [{ path: '/a*', name: 'view' }, 'path'],
    [{ path: '/a', name: 'bought' }, 'mixed'],
    [{ bots: true }, 'visits'],
    [{ browser: ['Firefox', 'Chrome'] }, 'visits'],
    [{ path: { not: '/a' } }, 'mixed'],
    [{ user: null }, 'visits'],
    [{ session: 's', visit: 'v' }, 'visits'],
    [{ entry: '/a', browser: null }, 'visits'],
    [{ country: 'DE', language: null }, 'visits'],
    [{ user: '17' }, 'mixed'],
    [{ group: ['company', 17] }, 'mixed'],
    [{ ip: '127.0.0.1' }, 'mixed'],
    [{ properties: { plan: 'a' } }, 'mixed'],
    [{ name: 'view', device: 'mobile' }, 'mixed'],
    [{ path: '/a', user: null }, 'mixed'],
    [{ name: 'bought', bots: true }, 'mixed'],
  ])('%j is %s', (filter, kind) => {
    expect(classifyFilter(parseStatisticsFilter(filter))).toBe(kind);
  });

  it('is mixed if the request may see only a part', () => {
    const scope = [{ filter: {}, properties: new Map([['tenant', 'a']]) }];
    expect(classifyFilter({ scope })).toBe('mixed');
  });
});

describe('what answers a question', () => {
  it('about a measure', () => {
    const table = Object.fromEntries(
      MEASURES.map((measure) => [measure, KINDS.map((kind) => planMeasure(measure, kind)).join(' ')]),
    );
    const visits = 'visits visits visits visits visits visits';
    const counts = 'rollup rollup rollup rollup visits activities';
    expect(table).toEqual({
      users: visits,
      sessions: visits,
      visits,
      activities: counts,
      views: counts,
      bounceRate: visits,
      visitDuration: visits,
    });
  });

  it.each<[Dimension, TopMeasure, string]>([
    ['path', 'views', 'rollup rollup activities rollup visit-paths activities'],
    ['path', 'activities', 'rollup rollup activities rollup activities activities'],
    ['path', 'visits', 'daily-cache activities activities activities visit-paths activities'],
    ['path', 'users', 'daily-cache activities activities activities activities activities'],
    ['name', 'activities', 'rollup rollup rollup activities visit-paths activities'],
    ['name', 'views', 'rollup rollup rollup activities activities activities'],
    ['name', 'visits', 'daily-cache activities activities activities visit-paths activities'],
    ['path', 'sessions', 'daily-cache activities activities activities visit-paths activities'],
    ['name', 'sessions', 'daily-cache activities activities activities visit-paths activities'],
    ['name', 'users', 'daily-cache activities activities activities activities activities'],
    ['property', 'activities', 'daily-cache daily-cache daily-cache activities activities activities'],
    ['property', 'views', 'daily-cache daily-cache daily-cache activities activities activities'],
    ['property', 'visits', 'activities activities activities activities activities activities'],
    ...(['views', 'activities', 'visits', 'sessions', 'users'] as const).map(
      (measure): [Dimension, TopMeasure, string] => [
        'route',
        measure,
        'activities activities activities activities activities activities',
      ],
    ),
    ['group', 'activities', 'activities activities activities activities activities activities'],
    ['browser', 'visits', 'daily-cache visits visits visits visits visits'],
    ['browser', 'sessions', 'visits visits visits visits visits visits'],
    ['entry', 'visits', 'daily-cache visits visits visits visits visits'],
    ['referrer', 'sessions', 'daily-cache visits visits visits visits visits'],
    ['referrer', 'users', 'visits visits visits visits visits visits'],
    ['user', 'views', 'visits visits visits visits visits visits'],
  ])('top %s by %s', (dimension, measure, sources) => {
    expect(KINDS.map((kind) => sourceOf(dimension, measure, kind)).join(' ')).toBe(sources);
  });

  it('with a search: what has the values in rows', () => {
    const search = { search: 'a' };
    expect(sourceOf('path', 'views', 'none', search)).toBe('rollup');
    expect(sourceOf('path', 'views', 'visits', search)).toBe('activities');
    expect(sourceOf('path', 'visits', 'none', search)).toBe('activities');
    expect(sourceOf('name', 'activities', 'visits', search)).toBe('activities');
    expect(sourceOf('property', 'activities', 'none', search)).toBe('activities');
    expect(sourceOf('browser', 'visits', 'none', search)).toBe('visits');
  });

  it('about a property whose key is too long to be cached: the activities', () => {
    expect(sourceOf('property', 'activities', 'none', { property: 'x'.repeat(64) })).toBe('daily-cache');
    expect(sourceOf('property', 'activities', 'none', { property: 'x'.repeat(65) })).toBe('activities');
  });

  it('without a measure: visits of what visits have, views of paths if any can match, activities of the rest', () => {
    const measureOf = (dimension: Dimension, name?: string): TopMeasure =>
      chooseTopMeasure({ dimension, measure: undefined }, name);
    expect(measureOf('browser')).toBe('visits');
    expect(measureOf('path')).toBe('views');
    expect(measureOf('path', 'view')).toBe('views');
    expect(measureOf('path', 'bought')).toBe('activities');
    expect(measureOf('name')).toBe('activities');
    expect(measureOf('group')).toBe('activities');
    expect(chooseTopMeasure({ dimension: 'path', measure: 'users' }, undefined)).toBe('users');
  });
});
