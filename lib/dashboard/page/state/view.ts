import { keysOf } from './keys.js';

export const VIEWS = {
  overview: 'Overview',
  live: 'Live',
  visits: 'Visits',
  funnels: 'Funnels',
  retention: 'Retention',
  journeys: 'Journeys',
} as const;

/** `user` is led to by a user's name, not by the navigation. */
export type ViewName = keyof typeof VIEWS | 'user';

export function viewOf(address: URLSearchParams): ViewName {
  const given = address.get('view');
  if (given === 'user' && address.get('user')) return 'user';
  return keysOf(VIEWS).find((each) => each === given) ?? 'overview';
}
