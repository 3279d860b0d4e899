import { typedKeys } from './keys.js';

export const VIEWS = {
  overview: 'Overview',
  live: 'Live',
  visits: 'Visits',
  funnels: 'Funnels',
  retention: 'Retention',
  journeys: 'Journeys',
} as const;

/** Views of one user or one subject, which are opened by links on them and not by the navigation. */
export const VIEWS_OF_ONE = { user: 'User', subject: 'Subject' } as const;

/** All views outside the navigation: `health` is opened by an icon. */
const OTHERS = { ...VIEWS_OF_ONE, health: 'Health' } as const;

export type ViewName = keyof typeof VIEWS | keyof typeof OTHERS;

export const TITLES: Record<ViewName, string> = { ...VIEWS, ...OTHERS };

/** Views that show the present. */
export const WITHOUT_RANGE: readonly ViewName[] = ['live', 'health'];

export function parseView(url: URLSearchParams): ViewName {
  const given = url.get('view');
  const one = typedKeys(VIEWS_OF_ONE).find((each) => each === given);
  if (one && url.get(one)) return one;
  if (given === 'health') return given;
  return typedKeys(VIEWS).find((each) => each === given) ?? 'overview';
}
