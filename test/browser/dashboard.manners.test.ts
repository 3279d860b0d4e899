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
];

/** So that nothing waits to be scrolled to. */
const ALL = { width: 1280, height: 3000 };

/** What a stranger may send, in every text that they choose. */
const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>\u202E{{7*7}}';

describeInBrowser.each(ADAPTERS)('the manners of the dashboard, with the host on %s', (adapter) => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await Dashboard.start(adapter);
    await trackKnown(dashboard.host);
  });

  afterEach(() => dashboard.checkConsole());

  afterAll(() => dashboard.close());

  it('says how to begin where nothing was tracked, and shows the first activity when it arrives', async () => {
    const empty = await Dashboard.start(adapter);
    const page = await empty.open('');
    await page.getByText('Nothing has been tracked yet').waitFor();
    expect(await page.locator('pre').first().innerText()).toContain('tracker.js');
    expect(await violationsOf(page)).toEqual([]);
    await page.getByText('Waiting for the first activity').waitFor();
    await empty.host.activities.track({ path: '/first', session: 'first', visit: 'first' });
    await page.getByText('The first activity is here: view at /first').waitFor();
    await page.getByRole('button', { name: 'Look at it' }).click();
    await page.locator('[data-measure=visits]:text-is("1")').waitFor();
    empty.checkConsole();
    await empty.close();
  });

  describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
    it.each(VIEWS)('has no violation that axe-core finds, at ?%s', async (query) => {
      const page = await dashboard.open(`?${DAYS}&${query}`, { colorScheme, viewport: ALL });
      await page.locator('main .card:not(.skeleton)').first().waitFor();
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      expect(await violationsOf(page)).toEqual([]);
    });
  });

  it.each([360, 2560])('fits into %d pixels', async (width) => {
    for (const query of VIEWS) {
      const page = await dashboard.open(`?${DAYS}&${query}`, { viewport: { width, height: 900 } });
      await page.locator('main .card:not(.skeleton)').first().waitFor();
      const beyond = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([query, Math.max(0, Number(beyond))]).toEqual([query, 0]);
    }
  });

  it('says so where a part fails, and tries again when asked', async () => {
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

  it('says so when whoever looks is not logged in any more', async () => {
    const page = await dashboard.open(`?${DAYS}`);
    await page.locator('[data-measure=visits]:text-is("4")').waitFor();
    await page.route('**/data/stats/*', (route) => route.fulfill({ status: 401, json: {} }));
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('You are not logged in any more.').first().waitFor();
    // Its parts ask one after the other, and some are still to be told.
    await page.close();
    expect(dashboard.console.splice(0).every((text) => text.includes('401'))).toBe(true);
  });

  it('is used with the keyboard alone', async () => {
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
    'doings=property',
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
});
