import { type Djaffar, djaffar as api } from './api.js';
import { type AutoTracking, start as startPage } from './page.js';
import type { Properties } from './activity.js';
import { type Settings, settings } from './settings.js';

// The entry for bundlers. It is like `tracker.js`, except that the app must start it.

Object.assign(settings, { endpoint: '/djaffar', route: 'track' });

let hasStarted = false;

/** Starts automatic tracking. Further calls do nothing. */
export function start(auto: AutoTracking): void {
  if (!hasStarted) startPage(auto);
  hasStarted = true;
}

/** The tracker. */
export const djaffar: Djaffar = api;
export type * from './activities.js';
export type { AutoTracking, Djaffar, Properties, Settings };
