import { matcherOf } from '../../lib/activity/activity-pattern.js';
import type { StoredActivity } from '../../lib/activity/activity.js';
import {
  type ActivityField,
  dependsOnUser,
  InvalidFilterError,
  parseFilter,
} from '../../lib/activity/activity.filter.js';
import type { ParsedCondition } from '../../lib/activity/condition.js';
import { matchesFilter } from '../../lib/activity/matches.js';

const PAID: StoredActivity = {
  id: '0190163d-8694-739b-aea5-966c26f8ad91',
  date: new Date('2026-11-03T10:00Z'),
  receivedAt: new Date('2026-11-03T10:00Z'),
  name: 'order.paid',
  path: '/shop/pay',
  route: '/shop/:action',
  referer: null,
  properties: { total: 100, plan: 'pro', seats: '5', isFirst: true, coupon: null, items: [1, 2] },
  subject: 'order:17',
  userId: '5',
  userName: 'Ada',
  groupId: 'company:1',
  groupName: null,
  sessionId: 's',
  visitId: 'v',
  ipAddress: '10.0.0.1',
  interactive: null,
};
const ANONYMOUS: StoredActivity = {
  ...PAID,
  route: null,
  properties: null,
  subject: null,
  userId: null,
  groupId: null,
  sessionId: null,
  visitId: null,
  ipAddress: null,
};

describe('a pattern of activities', () => {
  it.each([
    [{}],
    [{ name: undefined }],
    [{ name: 'order.paid' }],
    [{ name: 'order.*' }],
    [{ name: ['refund', 'order.*'] }],
    [{ name: { startsWith: 'order', not: 'order.draft*' } }],
    [{ path: '/shop/*' }],
    [{ path: { not: ['/', '/admin*'] } }],
    [{ route: '/shop/*' }],
    [{ user: '5' }],
    [{ user: { not: '6' } }],
    [{ session: 's' }],
    [{ visit: 'v' }],
    [{ subject: ['order', 17] as const }],
    [{ subject: 'order:17' as const }],
    [{ subject: ['order:16', 'order:17'] as const }],
    [{ group: ['company', 1] as const }],
    [{ ip: '10.0.0.1' }],
    [{ ip: '::ffff:10.0.0.1' }],
    [{ properties: { total: 100 } }],
    [{ properties: { total: '100' } }],
    [{ properties: { total: { gte: 100, lte: 100 } } }],
    [{ properties: { isFirst: true } }],
    [{ properties: { plan: ['team', 'pro'] } }],
    [{ properties: { plan: { startsWith: 'pr' } } }],
    [{ properties: { coupon: { not: 'SPRING' } } }],
    [{ properties: { items: '[1,2]' } }],
    [{ name: 'order.paid', user: '5', properties: { total: 100, plan: 'pro' } }],
  ])('%j matches', (pattern) => {
    expect(matcherOf(pattern)(PAID)).toBe(true);
  });

  it.each([
    [{ name: 'order' }],
    [{ name: 'order.paid.twice' }],
    [{ name: { not: 'order.*' } }],
    [{ name: { startsWith: 'order', not: 'order.paid' } }],
    [{ path: '/shop' }],
    [{ path: '/shop/pay/*' }],
    [{ user: '5*' }],
    [{ session: 't' }],
    [{ visit: 'w' }],
    [{ subject: ['order', 1] as const }],
    [{ group: { not: 'company:1' as const } }],
    [{ ip: '10.0.0.2' }],
    [{ properties: { total: { gte: 101 } } }],
    [{ properties: { total: { lte: 99 } } }],
    [{ properties: { plan: { gte: 0 } } }],
    [{ properties: { plan: { lte: 0 } } }],
    [{ properties: { seats: { gte: 0 } } }],
    [{ properties: { seats: { lte: 9 } } }],
    [{ properties: { coupon: { gte: 0 } } }],
    [{ properties: { coupon: { lte: 0 } } }],
    [{ properties: { isFirst: { gte: 0 } } }],
    [{ properties: { isFirst: { lte: 1 } } }],
    [{ properties: { plan: 'pro*' } }],
    [{ properties: { coupon: 'null' } }],
    [{ properties: { missing: { startsWith: 'a' } } }],
    [{ name: 'order.paid', user: '6' }],
  ])('%j does not match', (pattern) => {
    expect(matcherOf(pattern)(PAID)).toBe(false);
  });

  it('of a field does not match an activity without it, and its opposite does', () => {
    for (const pattern of [
      { route: '/*' },
      { user: '5' },
      { session: 's' },
      { visit: 'v' },
      { subject: 'order:17' as const },
      { group: 'company:1' as const },
      { ip: '10.0.0.1' },
      { properties: { total: 100 } },
      { properties: { total: { startsWith: '1' } } },
    ])
      expect(matcherOf(pattern)(ANONYMOUS)).toBe(false);
    expect(
      matcherOf({ user: { not: '5' }, route: { not: '/*' }, properties: { total: { not: 1 } } })(ANONYMOUS),
    ).toBe(true);
  });

  it.each([
    [{ page: '/' }, 'page is not known; allowed: user, session'],
    [{ to: '2026-11-01' }, 'to is not known'],
    [{ name: '' }, 'name must be a text that is not empty'],
    [{ user: 5 }, "user must be a text, such as '5'"],
    [{ name: 'a\0' }, 'name must not contain NUL or lone surrogates'],
    [{ ip: 'here' }, 'ip must be an IP address'],
    [{ subject: 'order' }, 'subject must be'],
    [{ name: [] }, 'name must have 1 to 100 values'],
    [{ name: { startsWith: '' } }, 'name.startsWith must be a text'],
    [{ name: { not: undefined } }, 'name must have one of not, startsWith, and nothing else'],
    [{ properties: 'plan' }, 'properties must be an object'],
    [{ properties: { plan: {} } }, 'properties.plan must have one of not, startsWith, gte, lte'],
    [
      { properties: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, 1])) },
      'properties must have at most 20 keys',
    ],
  ])('%j is refused', (pattern, message) => {
    expect(() => matcherOf(pattern as object)).toThrow(InvalidFilterError);
    expect(() => matcherOf(pattern as object)).toThrow(message);
  });

  it('may have 20 properties and 100 values', () => {
    const twenty = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, { not: 1 }]));
    expect(matcherOf({ properties: twenty })(PAID)).toBe(true);
    expect(matcherOf({ user: Array.from({ length: 100 }, (_, i) => String(i)) })(PAID)).toBe(true);
  });
});

describe('a filter in memory', () => {
  it('includes its start and excludes its end', () => {
    const within = (from: string, to: string): boolean => matchesFilter(parseFilter({ from, to }), PAID);
    expect(within('2026-11-03T10:00Z', '2026-11-03T10:00:00.001Z')).toBe(true);
    expect(within('2026-11-03T10:00:00.001Z', '2026-11-04')).toBe(false);
    expect(within('2026-11-02', '2026-11-03T10:00Z')).toBe(false);
    expect(within('2026-11-03', '2026-11-03')).toBe(true);
  });

  it('compares the page as which statistics count a path, or the path itself', () => {
    const isOn = (page: string, path: string | null): boolean =>
      matchesFilter(parseFilter({ page }), { ...PAID, page: path });
    expect(isOn('/shop', '/shop')).toBe(true);
    expect(isOn('/shop/pay', '/shop')).toBe(false);
    expect(isOn('/shop/pay', null)).toBe(true);
    expect(isOn('/sh*', null)).toBe(true);
  });

  it('takes a name with an asterisk as it is', () => {
    expect(matchesFilter(parseFilter({ name: 'order.*' }), PAID)).toBe(false);
  });

  it('is limited by its scopes, all of them', () => {
    const scope = (user: string, plan: string) => ({
      filter: parseFilter({ user }),
      properties: new Map([
        ['plan', plan],
        ['seats', '5'],
      ]),
    });
    const isSeen = (...scopes: ReturnType<typeof scope>[]): boolean => matchesFilter({ scope: scopes }, PAID);
    expect(isSeen(scope('5', 'pro'))).toBe(true);
    expect(isSeen(scope('5', 'free'))).toBe(false);
    expect(isSeen(scope('6', 'pro'))).toBe(false);
    expect(isSeen(scope('5', 'pro'), scope('6', 'pro'))).toBe(false);
    expect(isSeen({ filter: parseFilter({ user: '5' }), properties: new Map() })).toBe(true);
  });

  it('has null for what has no value', () => {
    const isFound = (
      condition: Omit<ParsedCondition<ActivityField>, 'field'>,
      field: ActivityField,
    ): boolean[] =>
      [PAID, ANONYMOUS].map((activity) => matchesFilter({ conditions: [{ field, ...condition }] }, activity));
    for (const field of ['user', 'route'] as const) {
      expect(isFound({ anyOf: [null] }, field)).toEqual([false, true]);
      expect(isFound({ noneOf: [null] }, field)).toEqual([true, false]);
    }
    expect(isFound({ key: 'plan', anyOf: [null] }, 'properties')).toEqual([false, true]);
    expect(isFound({ key: 'coupon', anyOf: [null] }, 'properties')).toEqual([true, true]);
    expect(isFound({ key: 'missing', noneOf: [null] }, 'properties')).toEqual([false, false]);
  });
});

it('knows which filters depend on the user', () => {
  const scope = (filter: object) => ({ filter: parseFilter(filter), properties: new Map<string, string>() });
  for (const filter of [{ user: '5' }, { user: ['5', '6'] }, { user: { not: '5' } }]) {
    expect(dependsOnUser(parseFilter({ ...filter, name: 'view' }))).toBe(true);
    expect(dependsOnUser({ scope: [scope({ name: 'view' }), scope(filter)] })).toBe(true);
  }
  const others = parseFilter({ session: 's', path: ['/', '/a'], to: '2026-11-01' });
  expect(dependsOnUser({ ...others, scope: [scope({ name: 'view' })] })).toBe(false);
});
