import { type Browser, chromium } from 'playwright-core';
import { ARGUMENTS } from './chromium-arguments.js';

/** Launch options; by default Playwright disables the back/forward cache. */
export const LAUNCH = {
  executablePath: process.env.TEST_BROWSER,
  args: ARGUMENTS,
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
};

let browser: Promise<Browser> | undefined;

/** Returns the browser of a test file. Each test opens a new context, which shares nothing with others. */
export function sharedBrowser(): Promise<Browser> {
  browser ??= chromium.launch(LAUNCH);
  return browser;
}

afterAll(async () => {
  await (await browser)?.close();
});
