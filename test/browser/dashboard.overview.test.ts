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

// Under the policy that helmet sets, and nothing is said in the console. What serves the page is tested on each adapter in
// test/e2e and in dashboard.views.test.ts: for the rest one is enough.
describeInBrowser.each(ADAPTERS.slice(-1))(
  'the overview of the dashboard, with the host on %s',
  (adapter) => {
    let dashboard: Dashboard;

    beforeAll(async () => {
      dashboard = await Dashboard.start(adapter);
      await trackKnown(dashboard.host);
    });

    afterEach(() => dashboard.checkConsole());

    afterAll(() => dashboard.close());

    const readMeasure = (page: Page, measure: string): Promise<string> =>
      page.locator(`[data-measure=${measure}]:not(.skeleton)`).innerText();

    it('shows the measures of ActivityStats', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      const { users, sessions, visits, views, bounceRate, visitDuration } =
        await dashboard.stats.overview(QUESTION);
      expect([users.value, sessions.value, visits.value, views.value]).toEqual([1, 3, 4, 8]);
      expect([bounceRate.value, visitDuration.value]).toEqual([0.25, 150]);
      const shown = await Promise.all(
        ['users', 'sessions', 'visits', 'views', 'bounceRate', 'visitDuration'].map((measure) =>
          readMeasure(page, measure),
        ),
      );
      expect(shown).toEqual(['1', '3', '4', '8', '25%', '2m 30s']);
    });

    it('shows a measure over time, as a chart and as a table', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.locator('.chart canvas').waitFor();
      await page.getByRole('link', { name: 'Views' }).click();
      await page.getByRole('link', { name: 'Show as table' }).click();
      const cells = await page.locator('.point-table td:nth-child(2)').allInnerTexts();
      const { points } = await dashboard.stats.series('views', 'day', QUESTION);
      expect(cells).toEqual(points.map(({ value }) => String(value)));
      expect(cells).toContain('4');
    });

    it.each<[card: string, tab: string | undefined, rows: string[]]>([
      ['Pages', undefined, ['/ 3', '/pricing 3', '/docs 2']],
      ['Pages', 'Entry pages', ['/ 2', '/docs 2']],
      ['Pages', 'Exit pages', ['/pricing 3', '/ 1']],
      ['Sources', undefined, ['Direct or unknown 3', 'duckduckgo.com 1']],
      ['Sources', 'Campaigns', ['spring 1']],
      ['Activities', undefined, ['view 8', 'bought 1']],
      ['Activities', 'Properties', ['pro 1']],
      ['Technology', undefined, ['Chrome 2', 'Firefox 2']],
      ['Technology', 'Devices', ['desktop 2', 'mobile 2']],
      ['Location', undefined, ['Germany 2', 'Unknown 1', 'France 1']],
      ['Location', 'Languages', ['Austrian German 2', 'Unknown 1', 'French 1']],
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
      ['Location', 'Germany', 'country=DE', '2'],
      ['Users', 'Zoë', 'user=17', '2'],
    ])(
      'filters by a click on a row of %s, %s, and takes that back by another',
      async (card, row, query, visits) => {
        const page = await dashboard.open(`?${DAYS}`);
        const region = page.getByRole('region', { name: card, exact: true });
        await region.getByRole('link', { name: row, exact: true }).click();
        await page.locator(`[data-measure=visits]:text-is("${visits}")`).waitFor();
        expect(page.url()).toMatch(new RegExp(`${query.replace('.', String.raw`\.`)}(&|$)`));
        await page.locator('a.chip').click();
        await page.locator(`[data-measure=visits]:text-is("4")`).waitFor();
        expect(page.url()).not.toContain(query.split('=')[0]?.concat('='));
      },
    );

    it('restores range, filters and view from its URL', async () => {
      const page = await dashboard.open(`?${DAYS}&path=/pricing&device=desktop&measure=views&pages=exit`);
      expect(await page.locator('.chip-value').allInnerTexts()).toEqual(['/pricing', 'desktop']);
      await page.locator(`[data-measure=views]:text-is("2")`).waitFor();
      expect(await rowsOf(page, 'Pages')).toEqual(['/pricing 2']);
      await page.goto(`${dashboard.host.url}/djaffar/dashboard/?${DAYS}&p.plan=pro`);
      await page.locator(`[data-measure=visits]:text-is("1")`).waitFor();
    });

    it('compares with the range before, with the year before, or with nothing', async () => {
      const page = await dashboard.open('?range=custom&from=2026-02-08&to=2026-02-14&tz=Europe/Berlin');
      const change = page.locator('.measure', { hasText: 'Visits' }).locator('.change');
      await change.getByText('-67%').waitFor();
      await page.getByLabel('Compared to').selectOption('Previous year');
      await page.locator('.change:text-is("from 0")').first().waitFor();
      await page.getByLabel('Compared to').selectOption('No comparison');
      await change.waitFor({ state: 'detached' });
      expect(page.url()).toContain('compare=none');
      await page.goBack();
      await page.locator('.change:text-is("from 0")').first().waitFor();
      expect(page.url()).toContain('compare=year');
    });

    it('compares nothing with a time before there was data', async () => {
      const page = await dashboard.open('?range=custom&from=2024-01-01&to=2024-01-02&tz=UTC');
      await page.getByText('No data before 1 Jan 2024, so there is no comparison').waitFor();
      await page.locator('[data-measure=visits]:text-is("1")').waitFor();
      expect(await page.locator('.change').count()).toBe(0);
    });

    it('has its time zone beside the range and in the URL', async () => {
      const page = await dashboard.open('?range=7d');
      await page.locator('.range-text', { hasText: 'Europe/Berlin' }).waitFor();
      expect(page.url()).toContain('tz=Europe%2FBerlin');
      await page.goto(
        `${dashboard.host.url}/djaffar/dashboard/?${DAYS.replace('Europe/Berlin', 'Asia/Tokyo')}`,
      );
      await page.locator('.range-text', { hasText: 'Asia/Tokyo' }).waitFor();
      await page.getByRole('link', { name: 'Visits', exact: true }).first().click();
      expect(page.url()).toContain('tz=Asia%2FTokyo');
    });

    it.each([
      ['tz=Mars/Phobos', '“Mars/Phobos” is not a known time zone.'],
      ['range=fortnight', '“fortnight” is not a known range.'],
      [
        'range=custom&from=2026-02-14&to=2026-02-01',
        'The range ends before it begins: from 2026-02-14 to 2026-02-01.',
      ],
      ['range=custom&from=2026-02-30&to=2026-03-01', '“2026-02-30” is not a date such as 2026-11-30.'],
      ['range=custom&from=2026-02-14', 'The range has no “to” date.'],
    ])('says what is wrong with a range that cannot be shown: %s', async (query, problem) => {
      const page = await dashboard.open(`?${query}`);
      await page.getByRole('alert').getByText(problem).waitFor();
      expect(await page.locator('.measure').count()).toBe(0);
      await page.getByRole('link', { name: 'Show the last 30 days' }).click();
      await page.locator('.measure-value:not(.skeleton)').first().waitFor();
    });

    it('refuses days in the wrong order', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.getByTitle('Choose dates and time zone').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('To (inclusive)').fill('2026-01-10');
      await dialog.getByText('The range ends before it begins.').waitFor();
      expect(await dialog.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true);
    });

    // As of Thursday 26 February 2026, 15:00 in Berlin.
    it.each([
      ['today', '26 Feb, 00:00–15:00', '25 Feb 2026'],
      ['week', '23 – 26 Feb 2026', '16 – 22 Feb 2026'],
      ['7d', '20 – 26 Feb 2026', '13 – 19 Feb 2026'],
      ['month', '1 – 26 Feb 2026', '1 – 31 Jan 2026'],
      ['lastMonth', '1 – 31 Jan 2026', '1 – 31 Dec 2025'],
      ['12m', '1 Mar 2025 – 26 Feb 2026', '1 Mar 2024 – 28 Feb 2025'],
      ['custom&from=2026-02-02&to=2026-02-05', '2 – 5 Feb 2026', '29 Jan – 1 Feb 2026'],
      ['custom&from=2025-12-01&to=2026-01-31', '1 Dec 2025 – 31 Jan 2026', '1 Oct – 30 Nov 2025'],
    ])('goes from the range %s to the one before, and back', async (range, shown, before) => {
      const page = await dashboard.open(`?range=${range}&tz=Europe/Berlin`, { time: '2026-02-26T14:00:00Z' });
      const text = async (): Promise<string> =>
        (await page.locator('.range-text > span').first().innerText()).replaceAll(/\s+/g, ' ');
      await page.locator('.range-text').waitFor();
      expect(await text()).toBe(shown);
      await page.getByRole('link', { name: 'Previous range' }).click();
      expect(await text()).toBe(before);
      await page.getByRole('link', { name: 'Next range' }).click();
      expect(await text()).toBe(shown);
      expect(page.url()).toMatch(new RegExp(`range=${range.split('&')[0]}(&|$)`));
    });

    it('shows all time, which has nothing before it', async () => {
      const page = await dashboard.open('?range=all&tz=UTC');
      await page.locator('.range-text', { hasText: '1 Jan 2024' }).waitFor();
      await page.locator('[data-measure=visits]:not(.skeleton)').waitFor();
      expect(await page.getByLabel('Compared to').count()).toBe(0);
      const previous = page.getByRole('link', { name: 'Previous range' });
      expect(await previous.getAttribute('aria-disabled')).toBe('true');
    });

    it('counts activities at pages if the filter is by one, and says that the filter is why there is nothing', async () => {
      const page = await dashboard.open(`?${DAYS}&name=bought`);
      expect(await rowsOf(page, 'Pages')).toEqual(['/pricing 1']);
      await page.locator('[data-measure=activities]:text-is("1")').waitFor();
      expect(await page.locator('[data-measure=views]').count()).toBe(0);
      await page.goto(`${dashboard.host.url}/djaffar/dashboard/?${DAYS}&name=sold`);
      const card = page.getByRole('region', { name: 'Pages', exact: true });
      await card.getByText('Nothing in this range matches the filter Activity: sold.').waitFor();
      await card.getByRole('link', { name: 'Remove the filter' }).click();
      expect(await rowsOf(page, 'Pages')).toContain('/pricing 3');
    });

    it('marks the day that is not over yet', async () => {
      const page = await dashboard.open('?range=7d&as=table');
      await page.locator('.point-table th', { hasText: '(so far)' }).waitFor();
      expect(await page.locator('.point-table th', { hasText: '(so far)' }).count()).toBe(1);
      await page.goto(`${dashboard.host.url}/djaffar/dashboard/?${DAYS}&as=table`);
      await page.locator('.point-table td').first().waitFor();
      expect(await page.locator('.point-table th', { hasText: '(so far)' }).count()).toBe(0);
    });

    it('shows properties of engagement only if its name is chosen', async () => {
      const day = { date: '2026-02-21T10:00Z', path: '/', session: 'e', visit: 'e1' };
      await dashboard.host.activities.track({ ...day, name: 'engagement', properties: { visible: 9000 } });
      const card = (page: Page): ReturnType<Page['getByRole']> =>
        page.getByRole('region', { name: 'Activities', exact: true });
      const query = '?range=custom&from=2026-02-21&to=2026-02-21&tz=UTC&activities=property';
      const page = await dashboard.open(query);
      await card(page).getByText('No activity in this range has properties.').waitFor();
      await page.goto(`${dashboard.host.url}/djaffar/dashboard/${query}&name=engagement`);
      await card(page).getByRole('link', { name: '9000' }).waitFor();
      expect(await card(page).getByText('No activity').count()).toBe(0);
    });

    it('shows the properties of activities at a page, whatever their query string', async () => {
      const query = '?range=custom&from=2026-02-22&to=2026-02-22&tz=UTC&activities=property';
      await dashboard.host.activities.track({
        date: '2026-02-22T10:00Z',
        path: '/sizes?from=mail',
        name: 'chosen',
        properties: { size: 'large' },
        session: 'p',
        visit: 'p1',
      });
      const page = await dashboard.open(`${query}&path=/sizes`);
      expect(await rowsOf(page, 'Activities')).toEqual(['large 1']);
    });

    it('shows the terms and contents of campaigns', async () => {
      await dashboard.host.activities.track({
        date: '2026-02-23T10:00Z',
        path: '/?utm_source=ads&utm_term=blue+shoes&utm_content=banner',
        session: 't',
        visit: 't1',
      });
      const query = '?range=custom&from=2026-02-23&to=2026-02-23&tz=UTC';
      const page = await dashboard.open(query);
      const card = page.getByRole('region', { name: 'Sources', exact: true });
      for (const [tab, value] of [
        ['Terms', 'blue shoes'],
        ['Contents', 'banner'],
      ] as const) {
        await card.getByRole('button', { name: tab }).click();
        await card.getByRole('link', { name: value }).waitFor();
      }
      await card.getByRole('link', { name: 'banner' }).click();
      await page.waitForURL(/utmContent=banner/);
      expect(await readMeasure(page, 'visits')).toBe('1');
    });

    it('finds users by name as well as by id', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.getByRole('button', { name: 'Search users' }).click();
      const search = page.getByRole('dialog').getByRole('searchbox');
      const rows = page.getByRole('dialog').locator('tbody tr');
      for (const [text, count] of [
        ['zO', 1],
        ['jeff', 0],
        ['17', 1],
      ] as const) {
        await search.fill(text);
        await page.waitForURL(new RegExp(`q=${text}`));
        await (count > 0 ? rows.first() : page.getByText('Nothing found.')).waitFor();
        expect(await rows.count()).toBe(count);
      }
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
      const isAtFirst = async (): Promise<boolean> => {
        for (const key of ['Escape', 'ArrowRight']) await chart.press(key);
        return (await page.locator('.chart-tip').allInnerTexts()).some((text) => text.includes('2 Feb'));
      };
      // The points of the new range may arrive later, which ends a selection.
      while (!(await isAtFirst()));
      for (const key of ['Shift+ArrowRight', 'Enter']) await chart.press(key);
      await page.waitForURL(/from=2026-02-02&to=2026-02-03/);
      await page.locator(`[data-measure=visits]:text-is("3")`).waitFor();
      expect(await page.locator('.range-text > span').first().innerText()).toMatch(/^2\s*–\s*3 Feb 2026$/);
    });

    it('takes days and a time zone of any kind', async () => {
      const page = await dashboard.open('');
      await page.getByTitle('Choose dates and time zone').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('From').fill('2026-02-10');
      await dialog.getByLabel('To (inclusive)').fill('2026-02-10');
      await dialog.getByLabel('Time zone').selectOption('Asia/Tokyo');
      await dialog.getByRole('button', { name: 'Apply' }).click();
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
      await dialog.getByLabel('Measure').selectOption('Users');
      await dialog.getByRole('columnheader', { name: 'Users' }).waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await dialog.waitFor({ state: 'detached' });
      expect(page.url()).not.toContain('more=');
    });

    it('searches for countries by their names, and names them in filters', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.getByRole('button', { name: 'Search countries' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('tbody tr').nth(2).waitFor();
      await dialog.getByRole('searchbox').fill('germ');
      await dialog.locator('tbody tr').nth(1).waitFor({ state: 'detached' });
      await dialog.getByRole('link', { name: 'Germany' }).click();
      await page.locator(`[data-measure=visits]:text-is("2")`).waitFor();
      expect(await page.locator('.chip-value').innerText()).toBe('Germany');
      await page.getByRole('button', { name: 'Add filter' }).click();
      await dialog.getByLabel('Field').selectOption('Language');
      await dialog.getByLabel('Value').fill('fr');
      await dialog
        .locator('datalist option[value="de-AT"][label="Austrian German"]')
        .waitFor({ state: 'attached' });
      await dialog.getByLabel('Condition').selectOption('is not');
      await dialog.getByLabel('Value').press('Tab');
      await dialog.getByRole('button', { name: 'Add' }).click();
      await page.waitForURL(/country=DE.*(?:!|%21)language=fr/);
      expect(await page.locator('.chip-value').allInnerTexts()).toEqual(['Germany', 'French']);
      await page.locator(`[data-measure=visits]:text-is("2")`).waitFor();
    });

    it('searches in the values of a property, too', async () => {
      const page = await dashboard.open(`?${DAYS}&activities=property`);
      await page.getByRole('button', { name: 'Search plan' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('searchbox').fill('PRO');
      await page.waitForURL(/more=property&property=plan&q=PRO/);
      await dialog.getByRole('link', { name: 'pro' }).click();
      await page.locator('[data-measure=visits]:text-is("1")').waitFor();
      expect(page.url()).toContain('p.plan=pro');
      expect(page.url()).not.toContain('more=');
    });

    it('counts bots if they are included', async () => {
      const page = await dashboard.open(`?${DAYS}`);
      await page.getByLabel('Include bots').check();
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
      await dashboard.host.activities.track({
        date: '2026-02-20T10:01Z',
        path: '/x;=cmd()',
        session: 'x',
        visit: 'x1',
      });
      const page = await dashboard.open('?range=custom&from=2026-02-20&to=2026-02-20&tz=Europe/Berlin');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download pages as CSV' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe('path.csv');
      expect(readFileSync(await download.path(), 'utf8')).toBe(
        `\uFEFFpath,views\r\n"/x;'=cmd()",1\r\n'=cmd(),1\r\n`,
      );
    });

    it('is for those whom the guards let in', async () => {
      const page = await dashboard.open('');
      await page.context().clearCookies();
      const response = await page.goto(`${dashboard.host.url}/djaffar/dashboard/`);
      expect(response?.status()).toBe(403);
      expect(await page.locator('#app').count()).toBe(0);
      expect(dashboard.console.splice(0)[0]).toContain('403');
    });
  },
);
