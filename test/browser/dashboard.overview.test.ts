import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { Dashboard, DAYS, QUESTION, trackKnown } from '../support/dashboard-in-browser.js';
import { ADAPTERS } from '../support/host.js';

/** The rows of a card's table, as `label count`. */
async function rowsOf(page: Page, card: string): Promise<string[]> {
  const rows = page.getByRole('region', { name: card, exact: true }).locator('tbody tr');
  await rows.first().waitFor();
  const texts = await rows.evaluateAll((elements) =>
    elements.map((row) => [...row.querySelectorAll('td')].map(({ textContent }) => textContent)),
  );
  return texts.map(([label, count]) => `${label} ${count}`);
}

// Under the policy that helmet sets, and nothing is said in the console.
describeInBrowser.each(ADAPTERS)('the overview of the dashboard, with the host on %s', (adapter) => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await Dashboard.start(adapter);
    await trackKnown(dashboard.host);
  });

  afterEach(() => dashboard.checkConsole());

  afterAll(() => dashboard.close());

  const figure = (page: Page, measure: string): Promise<string> =>
    page.locator(`[data-measure=${measure}]:not(.skeleton)`).innerText();

  it('shows the figures that ActivityStats tells', async () => {
    const page = await dashboard.open(`?${DAYS}`);
    const { users, sessions, visits, views, bounceRate, visitDuration } =
      await dashboard.stats.overview(QUESTION);
    expect([users.value, sessions.value, visits.value, views.value]).toEqual([1, 3, 4, 8]);
    expect([bounceRate.value, visitDuration.value]).toEqual([0.25, 150]);
    const shown = await Promise.all(
      ['users', 'sessions', 'visits', 'views', 'bounceRate', 'visitDuration'].map((measure) =>
        figure(page, measure),
      ),
    );
    expect(shown).toEqual(['1', '3', '4', '8', '25%', '2m 30s']);
  });

  it('shows a figure over time, as a chart and as a table', async () => {
    const page = await dashboard.open(`?${DAYS}`);
    await page.locator('.chart canvas').waitFor();
    await page.getByRole('link', { name: 'Views' }).click();
    await page.getByRole('link', { name: 'As a table' }).click();
    const cells = await page.locator('.point-table td:nth-child(2)').allInnerTexts();
    const { points } = await dashboard.stats.series('views', 'day', QUESTION);
    expect(cells).toEqual(points.map(({ value }) => String(value)));
    expect(cells).toContain('4');
  });

  it.each<[card: string, tab: string | undefined, rows: string[]]>([
    ['Pages', undefined, ['/pricing 3', '/ 2', '/docs 2', '/?utm_source=mail&utm_campaign=spring 1']],
    ['Pages', 'Entries', ['/docs 2', '/ 1', '/?utm_source=mail&utm_campaign=spring 1']],
    ['Pages', 'Exits', ['/pricing 3', '/?utm_source=mail&utm_campaign=spring 1']],
    ['Sources', undefined, ['Direct or unknown 3', 'duckduckgo.com 1']],
    ['Sources', 'Campaigns', ['spring 1']],
    ['Activities', undefined, ['view 8', 'bought 1']],
    ['Activities', 'Properties', ['pro 1']],
    ['Technology', undefined, ['Chrome 2', 'Firefox 2']],
    ['Technology', 'Devices', ['desktop 2', 'mobile 2']],
    ['Users', undefined, ['Zoë 2']],
  ])('tells in the table of %s, %s, what there was most of', async (card, tab, rows) => {
    const page = await dashboard.open(`?${DAYS}`);
    if (tab) await page.getByRole('button', { name: tab }).click();
    expect(await rowsOf(page, card)).toEqual(rows);
  });

  it.each([
    ['Pages', '/docs', 'path=%2Fdocs', '2'],
    ['Sources', 'duckduckgo.com', 'referrer=duckduckgo.com', '1'],
    ['Sources', 'Direct or unknown', 'referrer=', '3'],
    ['Technology', 'Firefox', 'browser=Firefox', '2'],
    ['Users', 'Zoë', 'user=17', '2'],
  ])(
    'filters by a click on a row of %s, %s, and takes that back by another',
    async (card, row, query, visits) => {
      const page = await dashboard.open(`?${DAYS}`);
      const region = page.getByRole('region', { name: card, exact: true });
      await region.getByRole('link', { name: row, exact: true }).click();
      await page.locator(`[data-measure=visits]:text-is("${visits}")`).waitFor();
      expect(page.url()).toMatch(new RegExp(`${query.replace('.', String.raw`\.`)}(&|$)`));
      await page.locator('.chip').click();
      await page.locator(`[data-measure=visits]:text-is("4")`).waitFor();
      expect(page.url()).not.toContain(query.split('=')[0]?.concat('='));
    },
  );

  it('shows what its address says, filters and all, to whoever opens it', async () => {
    const page = await dashboard.open(`?${DAYS}&path=/pricing&device=desktop&measure=views&pages=exit`);
    expect(await page.locator('.chip-value').allInnerTexts()).toEqual(['/pricing', 'desktop']);
    await page.locator(`[data-measure=views]:text-is("2")`).waitFor();
    expect(await rowsOf(page, 'Pages')).toEqual(['/pricing 2']);
    await page.goto(`${dashboard.host.url}/djaffar/dashboard/?${DAYS}&p.plan=pro`);
    await page.locator(`[data-measure=visits]:text-is("1")`).waitFor();
  });

  it('compares with the range before, with the year before, or with nothing', async () => {
    const page = await dashboard.open('?range=custom&from=2026-02-08&to=2026-02-14&tz=Europe/Berlin');
    const change = page.locator('.figure', { hasText: 'Visits' }).locator('.change');
    await change.getByText('-67%').waitFor();
    await page.getByLabel('Compared to').selectOption('vs. a year ago');
    await page.locator('.change:text-is("new")').first().waitFor();
    await page.getByLabel('Compared to').selectOption('Not compared');
    await change.waitFor({ state: 'detached' });
    expect(page.url()).toContain('compare=none');
    await page.goBack();
    await page.locator('.change:text-is("new")').first().waitFor();
    expect(page.url()).toContain('compare=year');
  });

  it('narrows the range to a part of the chart, by dragging and with the keyboard', async () => {
    const page = await dashboard.open(`?${DAYS}&compare=none`);
    const chart = page.getByRole('application');
    await page.locator('.u-over').waitFor();
    const box = await page.locator('.u-over').boundingBox();
    if (!box) throw new Error('no chart');
    const day = box.width / 13;
    await page.mouse.move(box.x + day * 0.9, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + day * 9.1, box.y + 50, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=2026-02-02&to=2026-02-10/);
    await page.locator(`[data-measure=visits]:text-is("4")`).waitFor();
    await page.locator('.u-over').waitFor();
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/from=2026-02-02&to=2026-02-03/);
    await page.locator(`[data-measure=visits]:text-is("3")`).waitFor();
    expect(await page.locator('.range-text').innerText()).toMatch(/^2\s*–\s*3 Feb 2026$/);
  });

  it('takes days and a time zone of any kind', async () => {
    const page = await dashboard.open('');
    await page.getByTitle('Choose the days').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('From').fill('2026-02-10');
    await dialog.getByLabel('To, with').fill('2026-02-10');
    await dialog.getByLabel('Time zone').selectOption('Asia/Tokyo');
    await dialog.getByRole('button', { name: 'Show' }).click();
    await page.locator(`[data-measure=visits]:text-is("1")`).waitFor();
    expect(page.url()).toContain('tz=Asia%2FTokyo');
  });

  it('shows all rows of a table, and searches in them', async () => {
    const page = await dashboard.open(`?${DAYS}`);
    await page.getByRole('button', { name: 'Search pages' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('tbody tr').nth(1).waitFor();
    await dialog.getByRole('searchbox').fill('PRIC');
    await dialog.locator('tbody tr').nth(1).waitFor({ state: 'detached' });
    expect(await dialog.locator('tbody tr').innerText()).toContain('/pricing');
    expect(page.url()).toContain('more=path&q=PRIC');
    await dialog.getByLabel('By').selectOption('Users');
    await dialog.getByRole('columnheader', { name: 'Users' }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('more=');
  });

  it('searches in the values of a property, too', async () => {
    const page = await dashboard.open(`?${DAYS}&doings=property`);
    await page.getByRole('button', { name: 'Search plan' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('searchbox').fill('PRO');
    await page.waitForURL(/more=property&property=plan&q=PRO/);
    await dialog.getByRole('link', { name: 'pro' }).click();
    await page.locator('[data-measure=visits]:text-is("1")').waitFor();
    expect(page.url()).toContain('p.plan=pro');
    expect(page.url()).not.toContain('more=');
  });

  it('counts bots where they are asked for', async () => {
    const page = await dashboard.open(`?${DAYS}`);
    await page.getByLabel('Bots too').check();
    await page.locator(`[data-measure=visits]:text-is("5")`).waitFor();
    expect(page.url()).toContain('bots=true');
  });

  it('exports what is shown as CSV, with nothing in it that a spreadsheet would run', async () => {
    await dashboard.host.activities.track({
      date: '2026-02-20T10:00Z',
      path: '=cmd()',
      session: 'x',
      visit: 'x1',
    });
    const page = await dashboard.open('?range=custom&from=2026-02-20&to=2026-02-20&tz=Europe/Berlin');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download pages as CSV' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('path.csv');
    expect(readFileSync(await download.path(), 'utf8')).toBe("path,views\r\n'=cmd(),1\r\n");
  });

  it('is for those whom the guards let in', async () => {
    const page = await dashboard.open('');
    await page.context().clearCookies();
    const response = await page.goto(`${dashboard.host.url}/djaffar/dashboard/`);
    expect(response?.status()).toBe(403);
    expect(await page.locator('#app').count()).toBe(0);
    expect(dashboard.console.splice(0)[0]).toContain('403');
  });
});
