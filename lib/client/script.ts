import { type Djaffar, djaffar } from './api.js';
import { start } from './page.js';

// The entry of `tracker.js`.

declare global {
  interface Window {
    djaffar?: Djaffar;
  }
}

// The tag may be there twice, or be evaluated again. A stub that keeps early calls is a proxy without properties.
if (!('view' in (self.djaffar ?? {}))) {
  // A module script is not the current script. The server replaces the name if its option is different.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is an HTML script that has been loaded
  const { src, dataset } = (document.currentScript ??
    document.querySelector('[src*="tracker.js"]')) as HTMLScriptElement;
  // The server replaces the name of the route, too.
  (self.djaffar = djaffar).configure({
    endpoint: src.replace(/\/[^/?]*(\?.*)?$/, ''),
    ...dataset,
    route: 'track',
  });
  // An attribute without a value is ''.
  start(dataset);
}
