import { keysOf } from './keys.js';

export const VIEWS = {
  overview: 'Overview',
  live: 'Live',
  visits: 'Visits',
  funnels: 'Funnels',
  retention: 'Retention',
  journeys: 'Journeys',
} as const;

/** Views outside the navigation: `user` is opened by links on names, `health` by an icon. */
const OTHERS = { user: 'User', health: 'Health' } as const;

export type ViewName = keyof typeof VIEWS | keyof typeof OTHERS;

export const TITLES: Record<ViewName, string> = { ...VIEWS, ...OTHERS };

/** Views that show the present. */
export const WITHOUT_RANGE: readonly ViewName[] = ['live', 'health'];

export function viewOf(url: URLSearchParams): ViewName {
  const given = url.get('view');
  if (given === 'user' && url.get('user')) return 'user';
  if (given === 'health') return given;
  return keysOf(VIEWS).find((each) => each === given) ?? 'overview';
}
