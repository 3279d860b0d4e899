import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { SubscriptionState } from '../../lib/store/typeorm/tables/outbox.entity.js';
import { describeInBrowser } from '../support/browser.js';
import { Dashboard, DAYS, QUESTION, trackKnown } from '../support/dashboard-in-browser.js';
import { ADAPTERS } from '../support/host.js';

describeInBrowser.each(ADAPTERS)('the views of the dashboard, with the host on %s', (adapter) => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await Dashboard.start(adapter);
    await trackKnown(dashboard.host);
  });

  afterEach(() => dashboard.checkConsole());

  afterAll(() => dashboard.close());

  describe('health', () => {
    it('shows what was refused, with its remedy, as it happens', async () => {
      const page = await dashboard.open('');
      await page.getByRole('link', { name: 'Health' }).click();
      await page.getByText('No request was refused since this instance started.').waitFor();
      expect(await page.title()).toBe('Health – Djaffar');
      expect(await page.locator('.toolbar').innerText()).toBe('');
      await dashboard.host.post({ path: '/' }, { Origin: 'https://shop.example' });
      const cause = page.locator('.causes li', { hasText: '400.date' });
      await cause.waitFor();
      expect(await cause.innerText()).toMatch(
        /1 400\.date A wrong "date"[^]*The answer to the request[^]*Refused/,
      );
      const refusal = page.locator('.refusals tbody tr');
      expect(await refusal.innerText()).toMatch(/400\.date\s+application\/json\s+https:\/\/shop\.example/);
      await page.locator('.legend').getByText('Requests refused: 1').waitFor();
      await page.locator('.health select').selectOption('Last 30 days');
      await page.locator('.health-hour').nth(47).waitFor();
    });

    it('shows subscriptions, and which of them are parked', async () => {
      const { dataSource } = dashboard.host;
      const subscriptions = dataSource.getRepository(SubscriptionState);
      const now = new Date();
      const delivered = { createdAt: now, failures: 0, retryAt: now, leaseUntil: now };
      const failed = { ...delivered, failures: 8, error: '503' };
      await subscriptions.insert([
        { name: 'invoices', ...delivered },
        { name: 'ledger', ...failed },
        { name: 'mail', ...failed, parkedAt: new Date(Date.UTC(2026, 1, 3)) },
      ]);
      const page = await dashboard.open('?view=health&tz=UTC');
      const rows = page.locator('.subscriptions tbody tr');
      await rows.nth(2).waitFor();
      expect((await rows.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
        'invoices 0 Delivering',
        expect.stringMatching(/^ledger 0 Failed 8 times in a row: 503; next try \d+:/),
        expect.stringMatching(/^mail 0 Parked since .*3.* after 503: nothing is delivered until/),
      ]);
      await subscriptions.clear();
    });
  });

  describe('visits', () => {
    it('shows the visits of ActivityStats, the latest first', async () => {
      const page = await dashboard.open(`?view=visits&${DAYS}`);
      await page.locator('.visit').first().waitFor();
      const times = await page
        .locator('.visit time')
        .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')));
      const { items } = await dashboard.stats.visits(QUESTION);
      expect(items).toHaveLength(4);
      expect(times).toEqual(items.map(({ startedAt }) => startedAt));
      expect(await page.locator('.visit').last().innerText()).toMatch(
        /Zoë[^]*duckduckgo.com[^]*3 activities/,
      );
    });

    it('opens a visit as a timeline, and gives that an address of its own', async () => {
      const page = await dashboard.open(`?view=visits&${DAYS}`);
      await page.locator('.visit-toggle').last().click();
      const moments = page.locator('.timeline .moment');
      await moments.first().waitFor();
      expect((await moments.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
        '11:00:00 view /',
        '11:01:00 view /pricing',
        '11:04:00 bought /pricing plan pro',
      ]);
      expect(await page.locator('.timeline').innerText()).toContain('logged in as Zoë');
      expect(page.url()).toContain('open=v1');
      await page.goto(`${dashboard.host.url}/djaffar/dashboard/?view=visits&range=today&open=v1`);
      await page.locator('.timeline .moment').nth(2).waitFor();
    });

    it('loads earlier visits', async () => {
      const start = Date.UTC(2026, 2, 1);
      for (let i = 0; i < 25; i++)
        await dashboard.host.activities.track({
          date: new Date(start + i * 60_000),
          path: '/many',
          session: `many${i}`,
          visit: `many${i}`,
        });
      const page = await dashboard.open('?view=visits&range=custom&from=2026-03-01&to=2026-03-01&tz=UTC');
      await page.getByRole('button', { name: 'Show earlier visits' }).click();
      await page.locator('.visit').nth(24).waitFor();
      expect(await page.locator('.visit').count()).toBe(25);
      expect(await page.getByRole('button', { name: 'Show earlier visits' }).count()).toBe(0);
    });

    it('exports the activities of the filter', async () => {
      const page = await dashboard.open(`?view=visits&${DAYS}&path=/docs`);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export activities as CSV' }).click(),
      ]);
      const lines = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\r\n');
      expect(lines).toHaveLength(3);
      expect(lines[0]).toMatch(/^id,date,/);
    });

    it('exports the activities of a page, whatever their query string', async () => {
      const date = '2026-02-24T10:00Z';
      await dashboard.host.activities.track({ date, path: '/list?q=1', session: 'q', visit: 'q1' });
      const page = await dashboard.open(
        '?view=visits&range=custom&from=2026-02-24&to=2026-02-24&tz=UTC&path=/list',
      );
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export activities as CSV' }).click(),
      ]);
      expect(readFileSync(await download.path(), 'utf8')).toContain('/list?q=1');
    });
  });

  describe('a user', () => {
    it('shows their metrics, devices and visits', async () => {
      const page = await dashboard.open(`?view=user&user=17&${DAYS}`);
      await page.getByRole('heading', { name: 'Zoë' }).waitFor();
      await page.locator('[data-measure=visits]:text-is("2")').waitFor();
      await page.getByRole('region', { name: 'Devices' }).getByText('desktop').waitFor();
      await page.locator('.visit').nth(1).waitFor();
      expect(await page.locator('.visit').count()).toBe(2);
    });

    it('exports all that there is of them', async () => {
      const page = await dashboard.open(`?view=user&user=17&${DAYS}`);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'NDJSON' }).click(),
      ]);
      const lines = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { path: string }).path)).toEqual([
        '/pricing',
        '/docs',
        '/pricing',
      ]);
    });

    it('is erased for good, once that is confirmed', async () => {
      await dashboard.host.activities.track({ path: '/secret', user: { id: 99, name: 'Nobody' } });
      const page = await dashboard.open('?view=user&user=99');
      await page.getByRole('button', { name: 'Erase' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('This erases 1 activity of Nobody').waitFor();
      const confirm = dialog.getByRole('button', { name: 'Erase', exact: true });
      expect(await confirm.isDisabled()).toBe(true);
      await dialog.getByRole('textbox').fill('99');
      await confirm.click();
      await dialog.getByText('Erased 1 activity.').waitFor();
      await dialog.getByRole('button', { name: 'Done' }).click();
      await page.waitForURL((url) => !url.search.includes('user'));
      expect(await dashboard.host.activities.count({ user: '99' })).toBe(0);
    });

    it.each([
      { keeps: true, left: ['/before'] },
      { keeps: false, left: [] },
    ])(
      'is erased with what was done before logging in, unless that is kept: $keeps',
      async ({ keeps, left }) => {
        const { activities } = dashboard.host;
        const same = { session: 'cautious', visit: 'cautious' };
        await activities.track({ ...same, path: '/before' });
        await activities.track({ ...same, path: '/after', user: { id: 98 } });
        const page = await dashboard.open('?view=user&user=98');
        await page.getByRole('button', { name: 'Erase' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByText('before logging in during the same visits').waitFor();
        await dialog.getByRole('checkbox', { name: 'Keep what' }).setChecked(keeps);
        expect(await dialog.getByText('before logging in during the same visits').count()).toBe(
          keeps ? 0 : 1,
        );
        await dialog.getByRole('textbox').fill('98');
        await dialog.getByRole('button', { name: 'Erase', exact: true }).click();
        await dialog.getByText(keeps ? 'Erased 1 activity.' : 'Erased 3 activities.').waitFor();
        const { items } = await activities.find({ session: 'cautious' });
        expect(items.map(({ path }) => path)).toEqual(left);
      },
    );
  });

  describe('a subject', () => {
    it('shows what was done to it, by everybody, the latest first', async () => {
      const order = { subject: ['order', 17] as [string, number], visit: 'v17' };
      const hour = Date.UTC(2026, 1, 2, 11);
      for (const [i, path] of ['/orders/17', '/orders/17/pay'].entries())
        await dashboard.host.activities.track({
          ...order,
          date: new Date(hour + i * 60_000),
          path,
          session: 's17',
          properties: { total: 42 },
        });
      await dashboard.host.activities.track({ date: new Date(hour), path: '/else', subject: ['order', 18] });
      const page = await dashboard.open('?view=visits&range=custom&from=2026-02-02&to=2026-02-02&open=v17');
      await page.locator('.timeline').getByRole('link', { name: 'order:17' }).first().click();
      const rows = page.locator('.subject li');
      await rows.nth(1).waitFor();
      expect(await page.title()).toBe('Subject – Djaffar');
      expect((await rows.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
        expect.stringMatching(/^Visitor s17 view \/orders\/17\/pay total 42 2 Feb/),
        expect.stringMatching(/^Visitor s17 view \/orders\/17 total 42 2 Feb/),
      ]);
    });
  });

  it('shows a funnel whose steps are in the address', async () => {
    const steps = [{ path: '/' }, { path: '/pricing' }, { name: 'bought' }];
    const { steps: answered } = await dashboard.stats.funnel(steps, QUESTION);
    expect(answered.map(({ visitors }) => visitors)).toEqual([3, 2, 1]);
    const page = await dashboard.open(
      `?view=funnels&${DAYS}&step=path%3D/&step=path%3D/pricing&step=name%3Dbought`,
    );
    const shown = page.locator('.step-counts strong');
    await shown.first().waitFor();
    expect(await shown.allInnerTexts()).toEqual(['3', '2', '1']);
  });

  it('shows the retention of ActivityStats as a table', async () => {
    const { cohorts } = await dashboard.stats.retention({ ...QUESTION, period: 'week', by: 'session' });
    const page = await dashboard.open(`?view=retention&${DAYS}&by=session&period=week`);
    const cells = page.locator('tbody tr:not(.average) td[title]');
    await cells.first().waitFor();
    const titles = await cells.evaluateAll((all) => all.map((cell) => cell.getAttribute('title')));
    const returned = titles.map((title) => Number(/: (\d+) of/.exec(title ?? '')?.[1]));
    expect(returned).toEqual(cohorts.filter(({ size }) => size > 0).flatMap((cohort) => cohort.returned));
    expect(returned).toContain(1);
  });

  it('shows journeys as a flow, and as a table', async () => {
    const { links } = await dashboard.stats.journeys({ ...QUESTION, start: '/docs' });
    const page = await dashboard.open(`?view=journeys&${DAYS}&start=/docs`);
    const bands = page.locator('.band');
    await bands.first().waitFor();
    const labels = await bands.evaluateAll((all) => all.map((band) => band.getAttribute('aria-label') ?? ''));
    const shown = labels.map((label) => label.replace(/ visits.*/, ''));
    const answered = links.map(({ from, to, visits }) => `${from} to ${to}: ${visits}`);
    expect(new Set(shown)).toEqual(new Set(answered));
    expect(shown.length).toBeGreaterThan(1);
  });

  it('shows journeys by route, from a route that is clicked, and back to pages', async () => {
    const date = Date.parse(QUESTION.from) + 3_600_000;
    for (const [visit, id] of [
      ['first', 1],
      ['second', 2],
    ] as const)
      for (const [i, route] of ['/shop', '/orders/:id', '/orders/:id/pay'].entries())
        await dashboard.host.activities.track({
          name: 'request',
          path: route.replace(':id', String(id)),
          route,
          date: new Date(date + i * 1000),
          session: visit,
          visit,
        });
    const page = await dashboard.open(`?view=journeys&${DAYS}`);
    await page.getByRole('combobox', { name: 'Of' }).selectOption('Routes');
    await page.getByRole('link', { name: '/orders/:id, Step 2: 2 visits' }).click();
    await page.getByRole('link', { name: '/orders/:id, Start: 2 visits' }).waitFor();
    expect(await page.getByLabel('Start route').inputValue()).toBe('/orders/:id');
    await page.getByRole('img', { name: '/orders/:id to /orders/:id/pay: 2 visits' }).waitFor();
    await page.getByRole('combobox', { name: 'Of' }).selectOption('Pages');
    await page.getByRole('combobox', { name: 'Paths' }).selectOption('From entry pages');
    expect(new URL(page.url()).search).not.toContain('route');
  });

  describe('live', () => {
    const rows = (page: Page): ReturnType<Page['locator']> => page.locator('.stream li');

    it('shows activities as they happen, and current visitors', async () => {
      const page = await dashboard.open('?view=live');
      await page.getByText('Connected').waitFor();
      await dashboard.host.activities.track({
        path: '/now',
        session: 'now',
        visit: 'now',
        user: { id: 5, name: 'Now' },
      });
      await rows(page).filter({ hasText: '/now' }).waitFor();
      await page.getByRole('list', { name: 'Active visitors' }).getByText('/now').waitFor();
      expect(await page.locator('[data-live=sessions]').innerText()).toBe('1');
    });

    it('shows nothing new while it is paused', async () => {
      const page = await dashboard.open('?view=live');
      await rows(page).first().waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      const count = await rows(page).count();
      await dashboard.host.activities.track({ path: '/later', session: 'later', visit: 'later' });
      await page.getByRole('list', { name: 'Active visitors' }).getByText('/later').waitFor();
      expect(await rows(page).count()).toBe(count);
      await page.getByRole('button', { name: 'Resume' }).click();
      await rows(page).filter({ hasText: '/later' }).waitFor();
    });

    it('shows only activities that match the filter', async () => {
      const page = await dashboard.open('?view=live&path=/now');
      await rows(page).filter({ hasText: '/now' }).waitFor();
      expect(await rows(page).filter({ hasText: '/later' }).count()).toBe(0);
    });

    it('is filtered by pages, whatever their query string', async () => {
      await dashboard.host.activities.track({
        path: '/sale?utm_source=mail',
        session: 'sale',
        visit: 'sale',
      });
      for (const page of ['/sale', '/sal*']) {
        const opened = await dashboard.open(`?view=live&path=${page}`);
        await rows(opened).filter({ hasText: '/sale?utm_source=mail' }).waitFor();
        expect(await rows(opened).count()).toBe(1);
      }
    });
  });
});
