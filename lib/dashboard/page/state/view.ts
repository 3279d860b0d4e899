import { keysOf } from './keys.js';

export const VIEWS = {
  overview: 'Overview',
  live: 'Live',
  visits: 'Visits',
  funnels: 'Funnels',
  retention: 'Retention',
  journeys: 'Journeys',
} as const;

/** `user` is opened by links on names, not by the navigation. */
export type ViewName = keyof typeof VIEWS | 'user';

export function viewOf(url: URLSearchParams): ViewName {
  const given = url.get('view');
  if (given === 'user' && url.get('user')) return 'user';
  return keysOf(VIEWS).find((each) => each === given) ?? 'overview';
}
