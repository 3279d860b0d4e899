import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { About } from '../../about.controller.js';

/** Used until the server has answered, or if it does not. */
export const UNKNOWN: About = {
  version: '',
  user: null,
  tracker: '../tracker.js',
  since: null,
  timeZone: null,
  // The view is offered even if the server does not answer; it then shows the reason.
  health: true,
};

export const AboutContext = createContext(UNKNOWN);

export const useAbout = (): About => useContext(AboutContext);
