import { type Browser, chromium } from 'playwright-core';
import { ARGUMENTS } from './chromium-arguments.js';

/** How Playwright starts it; Playwright turns the back/forward cache off. */
export const LAUNCH = {
  executablePath: process.env.TEST_BROWSER,
  args: ARGUMENTS,
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
};

let browser: Promise<Browser> | undefined;

/** The browser of a test file. Each test opens a context of its own in it, which shares nothing with others. */
export function sharedBrowser(): Promise<Browser> {
  browser ??= chromium.launch(LAUNCH);
  return browser;
}

afterAll(async () => {
  await (await browser)?.close();
});
