import { describeInBrowser } from '../support/browser.js';
import { Dashboard, DAYS, trackKnown, violationsOf } from '../support/dashboard-in-browser.js';
import { ADAPTERS } from '../support/host.js';

const VIEWS = [
  '',
  'as=table',
  'more=path',
  'view=live',
  'view=visits&open=v1',
  'view=user&user=17',
  'view=funnels',
  'view=funnels&step=path%3D/&step=name%3Dbought',
  'view=retention&by=session',
  'view=journeys',
  'view=journeys&start=/docs&as=table',
  'view=health',
];

/** So that nothing waits to be scrolled to. */
const ALL = { width: 1280, height: 3000 };

/** What a stranger may send, in every text that they choose. */
const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>\u202E{{7*7}}';

// What serves the page is tested on each adapter in test/e2e and in dashboard.views.test.ts: for the rest one is enough.
describeInBrowser.each(ADAPTERS.slice(0, 1))(
  'the manners of the dashboard, with the host on %s',
  (adapter) => {
    let dashboard: Dashboard;

    beforeAll(async () => {
      dashboard = await Dashboard.start(adapter);
      await trackKnown(dashboard.host);
    });

    afterEach(() => dashboard.checkConsole());

    afterAll(() => dashboard.close());

    it('explains the first steps if nothing was tracked, and shows the first activity when it arrives', async () => {
      const empty = await Dashboard.start(adapter);
      const page = await empty.open('');
      await page.getByText('Nothing has been tracked yet').waitFor();
      expect(await page.locator('pre').first().innerText()).toContain('src="/djaffar/tracker.js"');
      expect(await violationsOf(page)).toEqual([]);
      await page.getByText('Waiting for the first activity').waitFor();
      await page.getByText('No page has loaded the tracker script').waitFor();
      await fetch(`${empty.host.url}/djaffar/tracker.js`);
      await page.getByText('The tracker script was loaded').waitFor();
      await empty.host.post({ path: '/' });
      await page.getByText('all was refused, mostly for a wrong "date"').waitFor();
      await empty.host.activities.track({ path: '/first', session: 'first', visit: 'first' });
      await page.getByText('First activity: view at /first').waitFor();
      await page.getByRole('button', { name: 'Show the dashboard' }).click();
      await page.locator('[data-measure=visits]:text-is("1")').waitFor();
      empty.checkConsole();
      await empty.close();
    });

    it('prints the URL of the tracker that pages of the host need', async () => {
      const prefixed = await Dashboard.start(adapter, { prefix: '/api', timeZone: 'Asia/Tokyo' });
      const page = await prefixed.open('');
      const snippet = await page.locator('pre').first().innerText();
      const src = /src="([^"]+)"/.exec(snippet)?.[1] ?? '';
      expect(src).toBe('/api/djaffar/tracker.js');
      // As a page anywhere on the host resolves it.
      const script = await fetch(new URL(src, `${prefixed.host.url}/shop/shoes`));
      expect(script.headers.get('Content-Type')).toContain('text/javascript');
      // The team's reporting zone, wherever the viewer is.
      await page.locator('.range-text', { hasText: 'Asia/Tokyo' }).waitFor();
      expect(page.url()).toContain('tz=Asia%2FTokyo');
      prefixed.checkConsole();
      await prefixed.close();
    });

    it.each(VIEWS)(
      'has no violation that axe-core finds, in light and in dark colours, at ?%s',
      async (query) => {
        const page = await dashboard.open(`?${DAYS}&${query}`, { colorScheme: 'light', viewport: ALL });
        await page.locator('main .card:not(.skeleton)').first().waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        expect(await violationsOf(page)).toEqual([]);
        const color = 'getComputedStyle(document.body).color';
        const light = await page.evaluate(color);
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await page.evaluate(color)).not.toBe(light);
        expect(await violationsOf(page)).toEqual([]);
      },
    );

    it.each([...VIEWS, 'view=visits&open=v3'])('fits into every width, at ?%s', async (query) => {
      await dashboard.host.activities.track({
        id: '018f0000-0000-7000-8000-000000000003',
        date: '2026-02-10T09:10:00Z',
        session: 'one',
        visit: 'v3',
        path: `/${'long'.repeat(100)}`,
        name: 'saved',
        properties: { text: 'x'.repeat(1500) },
      });
      const page = await dashboard.open(`?${DAYS}&${query}`, { viewport: { width: 360, height: 900 } });
      await page.locator('main .card:not(.skeleton)').first().waitFor();
      for (const width of [360, 640, 768, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        // Charts follow in the next frame.
        await page.waitForFunction(
          `innerWidth === ${width} && document.documentElement.scrollWidth <= document.documentElement.clientWidth`,
        );
        // The user's profile has no tab.
        const tabs = await page.evaluate<
          [number, number][]
        >(`[...document.querySelectorAll('.top nav [aria-current]')].map((tab) => {
          const [outer, inner] = [tab.parentElement.getBoundingClientRect(), tab.getBoundingClientRect()];
          return [inner.left - outer.left, outer.right - inner.right];
        })`);
        expect([width, tabs.flat().every((room) => room >= -1)]).toEqual([width, true]);
      }
    });

    it('keeps long texts short until they are opened', async () => {
      const page = await dashboard.open(`?view=visits&${DAYS}&open=v3`);
      const value = page.locator('.property-value');
      await page.locator('details.property summary').waitFor();
      expect(await value.isVisible()).toBe(false);
      await page.locator('details.property summary').click();
      expect(await value.innerText()).toHaveLength(1500);
      await page.getByRole('link', { name: 'Live' }).click();
      await dashboard.host.activities.track({
        path: '/x',
        name: 'saved',
        properties: { text: 'x'.repeat(3000) },
      });
      const row = page.locator('.stream li').first();
      await row.waitFor();
      expect((await row.boundingBox())?.height).toBeLessThan(100);
    });

    it('aligns the parts of the toolbar in rows', async () => {
      for (const width of [360, 640, 768, 1280]) {
        const page = await dashboard.open(`?${DAYS}&path=/docs&name=view`, {
          viewport: { width, height: 900 },
        });
        await page.locator('.range-text').waitFor();
        const boxes = await page
          .locator('.controls .range, .controls > .select, .refresh, .range-text')
          .evaluateAll((all) =>
            all.map((each) => each.getBoundingClientRect()).map(({ top, bottom }) => ({ top, bottom })),
          );
        // Two that overlap from top to bottom are in one row, and have one middle.
        const misaligned = boxes.flatMap((one) =>
          boxes.filter(
            (other) =>
              one.top < other.bottom &&
              other.top < one.bottom &&
              Math.abs(one.top + one.bottom - other.top - other.bottom) > 4,
          ),
        );
        expect([width, misaligned]).toEqual([width, []]);
      }
    });

    it('is laid out for paper', async () => {
      const page = await dashboard.open(`?${DAYS}`, {
        colorScheme: 'dark',
        viewport: { width: 1280, height: 900 },
      });
      await page.locator('.chart canvas').waitFor();
      await page.locator('.bars a').first().waitFor();
      // As `print()` does, without a dialog.
      await page.evaluate("dispatchEvent(new Event('beforeprint'))");
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      await page.setViewportSize({ width: 700, height: 900 });
      const card = await page.locator('.measures-card').boundingBox();
      const canvas = await page.locator('.chart canvas').boundingBox();
      expect(canvas && card && canvas.x + canvas.width <= card.x + card.width).toBe(true);
      const shown = await page.locator('button:visible, select:visible, input:visible').allInnerTexts();
      // What stays says what it is about: the range, the tab of each card, and the filters.
      expect(
        shown.filter((text) => !/2026|^(Pages|Referrers|Activities|Browsers|Countries|Users)$/.test(text)),
      ).toEqual([]);
      expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('light');
    });

    it('shows an error if a part fails, and a button to retry', async () => {
      const page = await dashboard.open(`?view=retention&${DAYS}`);
      await page.locator('main table').waitFor();
      const series = '**/data/stats/series*';
      await page.route(series, (route) => route.fulfill({ status: 503, json: { message: 'no database' } }));
      await page.getByRole('link', { name: 'Overview' }).click();
      const failure = page.getByRole('alert');
      await failure.getByText('no database').waitFor();
      await page.locator('[data-measure=visits]:text-is("4")').waitFor();
      await page.unroute(series);
      await failure.getByRole('button', { name: 'Try again' }).click();
      await page.locator('.chart canvas').waitFor();
      expect(dashboard.console.splice(0).every((text) => text.includes('503'))).toBe(true);
    });

    it('shows that the session of the viewer has expired', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.locator('[data-measure=visits]:text-is("4")').waitFor();
      await page.route('**/data/stats/*', (route) => route.fulfill({ status: 401, json: {} }));
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.getByText('Your session has expired.').first().waitFor();
      // Its parts ask one after the other, and some are still to be told.
      await page.close();
      expect(dashboard.console.splice(0).every((text) => text.includes('401'))).toBe(true);
    });

    it('says so when a view that was not loaded yet is opened after that', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.locator('[data-measure=visits]:text-is("4")').waitFor();
      for (const refused of ['**/assets/*', '**/data/**'])
        await page.route(refused, (route) => route.fulfill({ status: 401, json: {} }));
      await page.getByRole('link', { name: 'Funnels' }).click();
      const failure = page.getByRole('alert');
      await failure.getByRole('button', { name: 'Reload the page' }).waitFor();
      expect(await failure.innerText()).toContain('Your session has expired.');
      await page.close();
      dashboard.console.splice(0);
    });

    it('shows its data if its address holds a name and a password', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.goto(page.url().replace('://', '://ada:lovelace@'));
      expect(await page.locator('[data-measure=visits]').innerText()).toBe('4');
    });

    it('can be used with only the keyboard', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.locator('.bars a').first().waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('main');
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate('document.activeElement.matches(".bars a")')) break;
      }
      await page.keyboard.press('Enter');
      await page.locator('.chip[title]').waitFor();
      expect(page.url()).toContain('path=');
    });

    it.each([
      'activities=property',
      'more=path',
      'view=visits&open=evil',
      `view=user&user=${encodeURIComponent(HOSTILE)}`,
      `view=funnels&step=path%3D${encodeURIComponent(`/${HOSTILE}`)}`,
      'view=journeys',
      'view=journeys&as=table',
      `path=${encodeURIComponent(HOSTILE)}&referrer=${encodeURIComponent(HOSTILE)}`,
    ])('shows hostile texts as the texts that they are, at ?%s', async (query) => {
      const evil = { session: 'evil', visit: 'evil' };
      await dashboard.host.activities.track({
        ...evil,
        id: '018f0000-0000-7000-8000-000000000001',
        date: '2026-02-25T10:00Z',
        path: `/${HOSTILE}`,
        referer: `javascript:alert(3)//${HOSTILE}`,
        name: 'view',
        properties: { [HOSTILE]: HOSTILE },
        user: { id: HOSTILE, name: HOSTILE },
        userAgent: `Mozilla/5.0 ${HOSTILE}`,
      });
      await dashboard.host.activities.track({
        ...evil,
        id: '018f0000-0000-7000-8000-000000000002',
        date: '2026-02-25T10:01Z',
        path: `/?utm_campaign=${HOSTILE}`,
        name: HOSTILE.slice(0, 64),
      });
      const page = await dashboard.open(`?range=custom&from=2026-02-25&to=2026-02-25&tz=UTC&${query}`);
      page.on('dialog', () => dashboard.console.push('a dialog'));
      await page.getByText('"><img src').locator('visible=true').first().waitFor();
      const made = page.locator('img[src=x], a[href^="javascript"], script:not([src])');
      expect(await made.count()).toBe(0);
    });
  },
);
