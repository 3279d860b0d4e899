import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { ARGUMENTS } from '../test/support/chromium-arguments.js';
import { FROM_SOURCE, startSample } from '../test/support/sample.js';
import { filledDatabase } from './filled-database.js';
import { table } from './markdown.js';

// How fast the dashboard is in a real browser; see README.md in this folder.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '5' },
    /** A filled database, which is not dropped. */
    'database-url': { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const VIEWS: Record<string, string> = {
  live: '?view=live',
  visits: '?view=visits',
  'a user': '?view=user&user=1001',
  'a funnel of three steps':
    '?view=funnels&step=path%3D/products/1&step=path%3D/products/2&step=name%3Dbought',
  'retention of sessions': '?view=retention&by=session',
  'journeys of all visits': '?view=journeys',
  'journeys from the commonest page': '?view=journeys&start=/products/1',
};

/** Rows to click, and the filters that they set. */
const CLICKS: Record<string, string> = {
  'a click on a referrer': 'site2.example',
  'a click on the commonest page': '/products/1',
  'a click on a browser': 'Firefox',
  'a click on a name': 'bought',
};

/** Elements that are awaited in each animation frame. */
const PARTS = {
  'the chart': '.measure-chart canvas',
  'the measures, with their change': '.measure-value:not(.skeleton)',
  'the first table': '.cards .bars',
};
const WATCH = `
  self.seen = {};
  (function look() {
    for (const [what, part] of Object.entries(${JSON.stringify(PARTS)}))
      if (!(what in self.seen) && document.querySelector(part)) self.seen[what] = performance.now();
    requestAnimationFrame(look);
  })();
`;

/** Everything that is visible has loaded. */
const SETTLED = "document.querySelector('main .card') && !document.querySelector('main [aria-busy=true]')";

async function until(page: Page, condition: string): Promise<number> {
  const handle = await page.waitForFunction(`(${condition}) && performance.now()`, undefined, {
    polling: 'raf',
    timeout: 120_000,
  });
  return Number(await handle.jsonValue());
}

/** Returns the milliseconds from a click until the whole page has loaded. */
async function click(page: Page, title: string): Promise<number> {
  await page.locator(`.cards a[title="${title}"]`).evaluate((link: { click: () => void }) => {
    performance.mark('clicked');
    link.click();
  });
  const retryOnCompaction = await until(page, `document.querySelector('.chip') && ${SETTLED}`);
  return (
    retryOnCompaction - Number(await page.evaluate("performance.getEntriesByName('clicked')[0].startTime"))
  );
}

const database = await filledDatabase(options['database-url'], Number(options.rows));
const sample = await startSample({ DATABASE_URL: database.url }, FROM_SOURCE);
const browser = await chromium.launch({
  executablePath: process.env.TEST_BROWSER ?? '/usr/bin/chromium',
  args: ARGUMENTS,
});
const times = new Map<string, number[]>();
const note = (what: string, ms: number): void => void times.set(what, [...(times.get(what) ?? []), ms]);

for (let run = 0; run < Number(options.runs); run++) {
  // A new context has an empty cache.
  const context = await browser.newContext({
    viewport: { width: 1280, height: 1400 },
    timezoneId: 'UTC',
    // `waitForFunction` uses `eval`.
    bypassCSP: true,
  });
  await context.request.post(`${sample.url}/auth/login`, { form: { username: 'ada', password: 'lovelace' } });
  const page = await context.newPage();
  const open = (query: string): Promise<unknown> => page.goto(`${sample.url}/djaffar/dashboard/${query}`);
  await page.addInitScript(WATCH);
  await open('');
  const retryOnCompaction = await until(page, SETTLED);
  const paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
  note('first contentful paint', Number(paint));
  for (const [what, ms] of Object.entries(await page.evaluate<Record<string, number>>('self.seen')))
    note(what, ms);
  note('all tables too', retryOnCompaction);
  for (const [what, title] of Object.entries(CLICKS)) {
    await open('');
    await until(page, SETTLED);
    note(what, await click(page, title));
  }
  for (const [what, query] of Object.entries(VIEWS)) {
    await open(query);
    note(what, await until(page, SETTLED));
  }
  await context.close();
  process.stderr.write(`${run + 1} of ${options.runs}\n`);
}
await browser.close();
await sample.end('SIGTERM');
const counts: number[] = [];
for (let run = 0; run < Number(options.runs); run++) {
  const begun = performance.now();
  const since = Date.now() - 30 * 86_400_000;
  await database.dataSource.query(`SELECT count(*) FROM djaffar_activity WHERE date >= ${since}`);
  counts.push(performance.now() - begun);
}
await database.close();

const median = (all: number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
const counting = median(counts);
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const lines = [...times].map(([what, all]) => [
  what,
  (median(all) / counting).toFixed(1),
  median(all).toFixed(0),
]);
const markdown = `# The dashboard

${machine}; the browser (Chromium ${browser.version()}), the host and PostgreSQL with its default settings on the same machine.
${database.activities.toLocaleString('en')} activities, a range of 30 days compared to the 30 days before; medians of ${options.runs} runs, by
\`npm run bench:dashboard\`, measured from the navigation or the click, with an empty browser cache. PostgreSQL takes ${counting.toFixed(0)} ms
to count the activities of the range.

${table(['until there is', 'of the time to count', 'ms'], lines)}
`;
writeFileSync(join(options.out, 'DASHBOARD.md'), markdown);
process.stdout.write(markdown);
