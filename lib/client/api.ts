import type { Properties } from './activity.js';
import { clear, retry } from './queue.js';
import { type Settings, settings } from './settings.js';
import { track, view } from './track.js';

/** The browser's side of Djaffar. */
export interface Djaffar {
  /**
   * Tracks what was done, up to 64 characters, on the page of the latest view.
   * @returns whether the server has it, once that is known: it has not where the visitor is not to be tracked, or where it
   * had to be dropped, which the console then says; rejects with a TypeError for properties that are no JSON
   */
  track(name: string, properties?: Properties): Promise<boolean>;

  /**
   * Tracks a view of a path, by default of what the browser shows, and makes it the path of what follows.
   * @returns as `track`
   */
  view(path?: string): Promise<boolean>;

  /** Changes settings from now on; new headers are tried at once. */
  configure(settings: Partial<Settings>): void;

  /** Tracks this visitor no more, and forgets what waits; it lasts. */
  optOut(): void;

  /** Takes back `optOut`. */
  optIn(): void;
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
      // Storage is refused: it lasts as long as the page.
    }
    if (value) clear();
  },
  optIn: (): void => djaffar.optOut(''),
} satisfies Djaffar;
