import { type Djaffar, djaffar } from './api.js';
import { type AutoTracking, start } from './page.js';

// What `tracker.js` does in a page.

declare global {
  interface Window {
    djaffar: Djaffar;
  }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is an HTML script that has been loaded
const script = document.currentScript as HTMLScriptElement;
// What is there has the value '', or another that is not null.
const data = script.dataset as AutoTracking;
self.djaffar = djaffar;
djaffar.configure({ endpoint: script.src.replace(/\/tracker.*/, ''), ...data });
start(data);
