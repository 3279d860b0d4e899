import { type Djaffar, djaffar as api } from './api.js';
import { type AutoTracking, start } from './page.js';
import type { Properties } from './activity.js';
import { type Settings, settings } from './settings.js';

// What a bundler takes: the same as `tracker.js`, but that nothing starts by itself.

settings.endpoint = '/djaffar';

export const djaffar: Djaffar = api;
export { start };
export type { AutoTracking, Djaffar, Properties, Settings };
