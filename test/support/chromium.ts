/** What Chromium is started with: it stays on this machine, without a sandbox or a screen of its own. */
export const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
