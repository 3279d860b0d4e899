import type { ActivityName, PropertiesOf } from './activities.js';
import { clear, retry } from './queue.js';
import { type Settings, settings } from './settings.js';
import { track, view } from './track.js';

/**
 * Tracks from the browser.
 *
 * @example
 * ```ts
 * import { djaffar, start } from 'nestjs-djaffar/client';
 *
 * djaffar.configure({ endpoint: 'https://api.example.com/djaffar', credentials: 'include' });
 * start({});
 * void djaffar.track('added to cart', { sku: 'A-17' });
 * ```
 */
export interface Djaffar {
  /**
   * Tracks an activity on the page of the latest view.
   * @param name up to 64 characters
   * @returns true once the server has stored it; false if the visitor must not be tracked, or if it was dropped, which the
   * console reports
   * @throws TypeError for properties that JSON cannot hold
   */
  track<N extends ActivityName>(name: N, ...properties: PropertiesOf<N>): Promise<boolean>;

  /**
   * Tracks the view of a page. Activities that follow get its path.
   * @param path by default the path that the browser shows
   * @returns the same as `track`
   */
  view(path?: string): Promise<boolean>;

  /** Changes settings. Waiting activities are sent at once, with the new headers. */
  configure(settings: Partial<Settings>): void;

  /** Stops tracking in this browser until `optIn`, and discards waiting activities. */
  optOut(): void;

  /** Reverts `optOut`. */
  optIn(): void;

  /**
   * Keeps in a cookie for 13 months whether the visitor has agreed to be identified; see the option `consent` of the module.
   * Without consent, waiting activities are discarded.
   */
  consent(isGiven: boolean): void;
}

export const djaffar = {
  track,
  view,
  configure(changes: Partial<Settings>): void {
    Object.assign(settings, changes);
    retry();
  },
  optOut(value: unknown = 1): void {
    settings.isOptedOut = value;
    try {
      localStorage.djaffar = value;
    } catch {
      // The browser refuses storage, so it lasts only as long as the page.
    }
    if (value) clear();
  },
  optIn: (): void => djaffar.optOut(''),
  consent(isGiven: boolean): void {
    // oxlint-disable-next-line unicorn/no-document-cookie -- the Cookie Store API is missing outside secure contexts
    document.cookie = `djaffar_consent=${+isGiven};path=/;max-age=34128000`;
    if (!isGiven) clear();
  },
} satisfies Djaffar;
