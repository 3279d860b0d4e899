import type { Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { sharedBrowser } from '../support/chromium.js';
import { createDatabase, type TestDatabase } from '../support/databases.js';
import { type Sample, startSample } from '../support/sample.js';

describeInBrowser("the sample's page", () => {
  let database: TestDatabase;
  let sample: Sample;
  let page: Page;

  beforeAll(async () => {
    database = await createDatabase('sqlite');
    sample = await startSample({ DATABASE_URL: database.url });
  });

  afterAll(async () => {
    await sample.end('SIGTERM');
    await database.drop();
  });

  beforeEach(async () => {
    page = await (await sharedBrowser()).newPage({ baseURL: sample.url });
  });

  afterEach(() => page.close());

  it('logs in as whom one chooses, and stays', async () => {
    await page.goto('/');
    await page.selectOption('[name=username]', 'ada');
    await page.click('text=Log in');
    await page.waitForSelector('#who:text("ada")');
    await page.selectOption('[name=username]', 'jeff');
    await page.click('text=Log in');
    await page.waitForSelector('#who:text("jeff")');
    expect(page.url()).toBe(`${sample.url}/`);
  });

  it('redirects to the page from which the visitor came', async () => {
    await page.goto(`/?next=${encodeURIComponent('/auth/me?a=1')}`);
    await page.click('text=Log in');
    await page.waitForURL('/auth/me?a=1');
    expect(await page.textContent('body')).toBe('{"username":"ada"}');
  });

  it.each([
    '//elsewhere.example',
    '/\\elsewhere.example',
    '/\t/elsewhere.example',
    'https://elsewhere.example',
  ])('does not leave the host for %j', async (next) => {
    await page.goto(`/?next=${encodeURIComponent(next)}`);
    await page.click('text=Log in');
    await page.waitForSelector('#who:text("jeff")');
    expect(new URL(page.url()).origin).toBe(sample.url);
  });
});
