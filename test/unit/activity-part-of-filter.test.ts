import { parseFilter } from '../../lib/activity/activity.filter.js';
import type { StatisticsFilter } from '../../lib/index.js';
import { parseStatisticsFilter, toActivityFilter } from '../../lib/statistics/statistics-filter.js';

const activityFilterOf = (filter: StatisticsFilter): unknown =>
  toActivityFilter(parseStatisticsFilter(filter));

describe('the filter of activities for a filter of the statistics', () => {
  it.each(['user', 'route', 'subject', 'name', 'group', 'ip'] as const)('has the same %s', (field) => {
    const value = field === 'ip' ? '192.0.2.1' : 'order:1';
    const others = field === 'ip' ? ['192.0.2.1', '192.0.2.2'] : ['order:1', 'order:2'];
    expect(activityFilterOf({ [field]: value })).toEqual({ [field]: value });
    expect(activityFilterOf({ [field]: others })).toEqual({ conditions: [{ field, anyOf: others }] });
  });

  it('has the path as the page, and its conditions too', () => {
    expect(activityFilterOf({ path: '/' })).toEqual(parseFilter({ page: '/' }));
    const path = { startsWith: '/a', not: '/ab' };
    expect(activityFilterOf({ path })).toEqual(parseFilter({ page: path }));
  });

  it('has the conditions on properties, and all conditions together', () => {
    const properties = { plan: ['free', 'pro'] };
    expect(activityFilterOf({ properties })).toEqual(parseFilter({ properties }));
    const both = { name: ['a', 'b'], properties };
    expect(activityFilterOf({ route: '/:id', ...both })).toEqual(parseFilter({ route: '/:id', ...both }));
  });

  it('has nothing of visits', () => {
    const ofVisits = {
      entry: '/',
      exit: ['/a', '/b'],
      browser: null,
      session: ['s', 't'],
      visit: 'v',
      bots: true,
    };
    expect(activityFilterOf({ ...ofVisits, user: null })).toEqual({});
    expect(activityFilterOf({ ...ofVisits, name: 'view' })).toEqual({ name: 'view' });
    expect(activityFilterOf({})).toEqual({});
  });
});
