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
  // Also if the server cannot answer: then the page says why.
  health: true,
};

export const AboutContext = createContext(UNKNOWN);

export const useAbout = (): About => useContext(AboutContext);
