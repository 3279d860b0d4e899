import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { ARGUMENTS } from '../test/support/chromium-arguments.js';
import { FROM_SOURCE, startSample } from '../test/support/sample.js';

// Pictures of the dashboard with the sample's activity, for the documentation: `npm run screenshots [folder] [view]`.
const [FOLDER = 'docs/dashboard', ONLY] = process.argv.slice(2);

const VIEWS = {
  overview: '',
  live: '?view=live',
  visits: '?view=visits&name=bought',
  user: '?view=user&user=2',
  funnels: '?view=funnels&step=path%3D/products&step=path%3D/cart&step=name%3Dbought',
  retention: '?view=retention&by=session',
  journeys: '?view=journeys&start=/pricing',
  health: '?view=health',
};

const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 780 } };

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** Creates active visitors for the live view. */
async function visit(url: string, browser: Browser): Promise<void> {
  for (const paths of [['/', '/products'], ['/docs/api'], ['/blog/station-17', '/pricing', '/signup']]) {
    // With its own user agent, headless Chromium would be a bot.
    const { request } = await browser.newContext({ userAgent: USER_AGENT });
    for (const path of paths)
      await request.post(`${url}/djaffar/track/`, { data: { date: new Date().toISOString(), path } });
  }
}

/** Something is wrong: an old page sends no date, and an app an expired token. */
async function refuse(url: string): Promise<void> {
  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': USER_AGENT,
        Origin: 'https://shop.example',
        ...headers,
      },
      body,
    });
  const date = new Date().toISOString();
  for (let i = 0; i < 7; i++) await post(JSON.stringify({ path: '/old-page' }));
  for (let i = 0; i < 3; i++)
    await post(JSON.stringify({ date, path: '/app' }), { Authorization: 'Bearer expired' });
  await post('<activity/>', { 'Content-Type': 'application/xml' });
  for (let i = 0; i < 4; i++)
    await post(JSON.stringify({ date, path: '/' }), { 'X-Forwarded-For': '8.8.8.8' });
  // Its webhook cannot be delivered, because the service is not there.
  await fetch(`${url}/orders/17/pay`, { method: 'POST' });
}

const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
const sample = await startSample(
  {
    SEED: 'true',
    DATABASE_URL: `sqlite:${join(folder, 'sample.sqlite')}`,
    LEDGER_URL: 'http://127.0.0.1:9/ledger',
  },
  FROM_SOURCE,
);
const browser = await chromium.launch({
  executablePath: process.env.TEST_BROWSER ?? '/usr/bin/chromium',
  args: ARGUMENTS,
});
await refuse(sample.url);
await mkdir(FOLDER, { recursive: true });
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({
      viewport,
      colorScheme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    await context.request.post(`${sample.url}/auth/login`, {
      form: { username: 'ada', password: 'lovelace' },
    });
    const page = await context.newPage();
    for (const [view, query] of Object.entries(VIEWS)) {
      if (ONLY !== undefined && view !== ONLY) continue;
      if (view === 'live') await visit(sample.url, browser);
      await page.goto(`${sample.url}/djaffar/dashboard/${query}`);
      await page.locator('main .card:not(.skeleton)').first().waitFor();
      if (view === 'visits') await page.locator('.visit-toggle').first().click();
      // The network is never idle while an event stream is open.
      if (view === 'live') await page.locator('.stream li').nth(3).waitFor();
      else if (view === 'health') await page.locator('.causes li').first().waitFor();
      else await page.waitForLoadState('networkidle');
      if (view === 'health') await page.locator('.subscriptions .is-wrong').first().waitFor();
      await page.screenshot({
        fullPage: view === 'health',
        path: join(FOLDER, `${view}-${colorScheme}-${size}.png`),
      });
    }
    await context.close();
  }
}
await browser.close();
await sample.end('SIGTERM');
rmSync(folder, { recursive: true });
