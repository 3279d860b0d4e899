import { Controller, Get, Header } from '@nestjs/common';
import type { BrowserContext, Page } from 'playwright-core';
import { type Activity, consentCookie, type DjaffarOptions } from '../../lib/index.js';
import { describeInBrowser } from '../support/browser.js';
import { sharedBrowser } from '../support/chromium.js';
import { type Host, startHost } from '../support/host.js';

/** The attributes of the tracker's tag. */
let attributes = '';

@Controller('page')
class PageController {
  @Get()
  @Header('Content-Type', 'text/html')
  page(): string {
    return `<!doctype html><title>Page</title><script defer src="/djaffar/tracker.js" ${attributes}></script>`;
  }
}

/** All that a page may keep on a device. */
const KEPT = `(async () => ({
  cookie: document.cookie,
  localStorage: Object.keys(localStorage),
  sessionStorage: Object.keys(sessionStorage),
  databases: (await indexedDB.databases()).map(({ name }) => name),
  caches: await caches.keys(),
}))()`;
const NOTHING = { cookie: '', localStorage: [], sessionStorage: [], databases: [], caches: [] };

describeInBrowser('a browser', () => {
  let host: Host;
  let context: BrowserContext;
  let page: Page;

  afterEach(async () => {
    await context.close();
    await host.close();
  });

  async function start(djaffar: DjaffarOptions, given = ''): Promise<void> {
    attributes = given;
    host = await startHost({ adapter: 'express', djaffar, controllers: [PageController] });
    context = await (await sharedBrowser()).newContext({ baseURL: host.url });
    page = await context.newPage();
    await page.goto('/page');
  }

  /** Once the server has so many. */
  async function stored(count: number): Promise<Activity[]> {
    for (;;) {
      const rows = await host.stored();
      if (rows.length >= count) return rows;
      await page.waitForTimeout(20);
    }
  }

  const names = async (): Promise<string[]> => (await context.cookies()).map(({ name }) => name).sort();
  const doings = (rows: Activity[]): string[] => rows.map(({ name, path }) => `${name} ${path}`);

  it('keeps nothing of a visitor without a cookie', async () => {
    await start({ privacy: 'cookieless' }, 'data-engagement');
    expect(await page.evaluate('djaffar.track("bought")')).toBe(true);
    await page.reload();
    const rows = await stored(4);
    expect(doings(rows)).toContain('bought /page');
    expect(new Set(rows.map(({ sessionId, visitId }) => `${sessionId} ${visitId}`)).size).toBe(1);
    expect(await names()).toEqual([]);
    expect(await page.evaluate(KEPT)).toEqual(NOTHING);
  });

  it('keeps nothing with data-storage="memory" but the cookie', async () => {
    await start({}, 'data-storage="memory"');
    await stored(1);
    expect(await page.evaluate('djaffar.track("bought")')).toBe(true);
    expect(await names()).toEqual(['djaffar_session']);
    expect(await page.evaluate(KEPT)).toEqual(NOTHING);
  });

  it('gets a cookie and a new session by consent, and loses the cookie when that is withdrawn', async () => {
    await start({ consent: consentCookie });
    await stored(1);
    expect(await names()).toEqual([]);
    await page.evaluate('djaffar.consent(true)');
    expect(await page.evaluate('djaffar.track("agreed")')).toBe(true);
    expect(await names()).toEqual(['djaffar_consent', 'djaffar_session']);
    await page.evaluate('djaffar.consent(false)');
    expect(await page.evaluate('djaffar.track("withdrawn")')).toBe(true);
    expect(await names()).toEqual(['djaffar_consent']);
    const rows = await stored(3);
    const [before, agreed, withdrawn] = rows.map(({ sessionId }) => sessionId);
    expect(withdrawn).toBe(before);
    expect(agreed).not.toBe(before);
  });
});
