import { readFileSync } from 'node:fs';
import { describeInBrowser, doings, Stage } from '../support/browser.js';
import { ADAPTERS } from '../support/host.js';

/** As a browser that has no Navigation API. */
const NO_NAVIGATION_API = 'Object.defineProperty(self, "navigation", { value: undefined })';

/** Activities of the same millisecond have none. */
function inNoOrder(rows: (string | null)[][]): (string | null)[][] {
  return [...rows].sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

describeInBrowser.each(ADAPTERS)('the tracker in a browser, with the host on %s', (adapter) => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.start(adapter);
  });

  afterEach(() => stage.close());

  it('tracks a view when a page is loaded, with where the visitor came from', async () => {
    stage.serve();
    const page = await stage.open('/a?b=1');
    await stage.stored(1);
    await page.evaluate('location.href = "/c"');
    const rows = await stage.stored(2);
    expect(rows.map(({ name, path, referer }) => [name, path, referer])).toEqual([
      ['view', '/a?b=1', null],
      ['view', '/c', `${stage.front.url}/a?b=1`],
    ]);
    expect(new Set(rows.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(stage.console).toEqual([]);
  });

  describe.each([
    ['the Navigation API', ''],
    ['the History API alone', NO_NAVIGATION_API],
  ])('with %s', (_, prepare) => {
    async function open(path: string): ReturnType<Stage['open']> {
      const context = await stage.browser();
      await context.addInitScript({ content: prepare });
      return stage.open(path);
    }

    it('tracks a view at each change of the URL, but none where the path stays the same', async () => {
      stage.serve();
      const page = await open('/a');
      for (const path of ['/b', '/c?d=1']) await page.evaluate(`history.pushState(null, '', '${path}')`);
      await page.evaluate(`history.replaceState({ x: 1 }, '', '/c?d=1')`);
      await page.evaluate(`history.replaceState(null, '', '/c?d=1#top')`);
      await page.evaluate(`history.replaceState(null, '', '/e')`);
      await page.evaluate('history.back()');
      const rows = await stage.stored(5);
      expect(inNoOrder(rows.map(({ name, path, referer }) => [name, path, referer]))).toEqual(
        inNoOrder([
          ['view', '/a', null],
          ['view', '/b', '/a'],
          ['view', '/c?d=1', '/b'],
          ['view', '/e', '/c?d=1'],
          ['view', '/b', '/e'],
        ]),
      );
    });

    it('takes the fragment as the path with data-hash', async () => {
      stage.serve('data-hash', '<a href="#/shop/17">17</a>');
      const page = await open('/app');
      await page.click('a');
      await page.evaluate('location.hash = "#/cart"');
      await page.evaluate('history.pushState(null, "", "/other#/cart")');
      await page.evaluate('history.go(-2)');
      const rows = await stage.stored(4);
      expect(inNoOrder(rows.map(({ path, referer }) => [path, referer]))).toEqual(
        inNoOrder([
          ['/', null],
          ['/shop/17', '/'],
          ['/cart', '/shop/17'],
          ['/shop/17', '/cart'],
        ]),
      );
    });
  });

  it('tracks a view on return from the back/forward cache', async () => {
    stage.serve();
    const page = await stage.open('/a');
    await stage.stored(1);
    await page.evaluate('addEventListener("pageshow", (event) => (self.wasKept = event.persisted))');
    await page.evaluate('location.href = "/b"');
    await stage.stored(2);
    await page.evaluate('history.back()').catch(() => {});
    const rows = await stage.stored(3);
    expect(await page.evaluate('wasKept')).toBe(true);
    expect(rows.map(({ path }) => path)).toEqual(['/a', '/b', '/a']);
  });

  it('tracks a prerendered page only when it is shown', async () => {
    // The first page prerenders two, and shows one of them when both are ready, and itself has its tracker.
    stage.serve(
      '',
      `<script>
        if (location.pathname === '/a') {
          const show = () => document.readyState === 'complete' && localStorage['/shown'] && localStorage['/never'] && (location.href = '/shown');
          addEventListener('storage', show);
          addEventListener('load', show);
          const rules = document.createElement('script');
          rules.type = 'speculationrules';
          rules.text = JSON.stringify({ prerender: [{ urls: ['/shown', '/never'], eagerness: 'immediate' }] });
          document.head.append(rules);
        } else {
          addEventListener('load', () => document.prerendering && (localStorage[location.pathname] = 'ready'));
        }
      </script>`,
    );
    stage.openAlone('/a');
    await stage.front.until(() => stage.front.acknowledged.size >= 2);
    const rows = await stage.rows();
    expect(rows.map(({ name, path, referer }) => [name, path, referer])).toEqual([
      ['view', '/a', null],
      ['view', '/shown', `${stage.front.url}/a`],
    ]);
  });

  it('tracks nothing by itself with data-manual, and what it is told to', async () => {
    stage.serve('data-manual data-outbound data-engagement', '<button data-djaffar="no">No</button>');
    const page = await stage.open('/a');
    await page.click('button');
    await page.evaluate('history.pushState(null, "", "/b")');
    await page.evaluate('djaffar.view("/mine"); djaffar.track("done", { how: "well" }); djaffar.view()');
    const rows = await stage.stored(3);
    expect(doings(rows)).toEqual(['done /mine', 'view /b', 'view /mine']);
    expect(rows.find(({ name }) => name === 'done')?.properties).toEqual({ how: 'well' });
  });

  it('tracks clicks on what has data-djaffar, whatever is in it', async () => {
    stage.serve(
      '',
      '<button data-djaffar="bought" data-djaffar-plan="pro" data-djaffar-order-id="17" data-other="x"><b>Buy</b></button><i>Not</i>',
    );
    const page = await stage.open('/a');
    await page.click('i');
    await page.click('b');
    const rows = await stage.stored(2);
    expect(doings(rows)).toEqual(['bought /a', 'view /a']);
    expect(rows.find(({ name }) => name === 'bought')?.properties).toEqual({ plan: 'pro', 'order-id': '17' });
  });

  it('tracks links that leave the site, and downloads, with data-outbound', async () => {
    stage.serve(
      'data-outbound',
      `<a id="out" href="http://elsewhere.invalid/x?y=1"><b>Out</b></a>
       <a id="file" href="/files/report.pdf">File</a>
       <a id="named" href="/export" download="x">Export</a>
       <a id="in" href="/in.html">In</a> <a id="mail" href="mailto:a@example.com">Mail</a>
       <script>addEventListener('click', (event) => event.preventDefault())</script>`,
    );
    const page = await stage.open('/a');
    for (const link of ['in', 'mail', 'out', 'file', 'named']) await page.click(`#${link}`);
    const rows = await stage.stored(4);
    const links = rows.filter(({ name }) => name !== 'view');
    expect(links.map(({ name, properties }) => [name, properties?.url])).toEqual([
      ['outbound', 'http://elsewhere.invalid/x?y=1'],
      ['download', `${stage.front.url}/files/report.pdf`],
      ['download', `${stage.front.url}/export`],
    ]);
  });

  it('tracks the time in view of each page, and how far it was scrolled, with data-engagement', async () => {
    stage.serve('data-engagement', '<div style="height: 4000px">long</div>');
    const page = await stage.open('/a');
    await stage.stored(1);
    await page.evaluate(
      'new Promise((done) => { document.onscrollend = done; scrollTo(0, 2000 - innerHeight); })',
    );
    const left = await page.evaluate<number>('history.pushState(null, "", "/b"), performance.now()');
    await stage.stored(3);
    await page.evaluate('location.href = "/c"');
    const rows = await stage.stored(5);
    const engagements = rows.filter(({ name }) => name === 'engagement');
    expect(engagements.map(({ path }) => path).sort()).toEqual(['/a', '/b']);
    const { visible, scroll } = engagements.find(({ path }) => path === '/a')?.properties ?? {};
    // Since the script has run, a little after the page began.
    expect(Number(visible)).toBeGreaterThan(0);
    expect(Number(visible)).toBeLessThanOrEqual(left);
    expect([49, 50]).toContain(scroll);
  });

  it('sends to another base path with data-endpoint', async () => {
    stage.serve('data-endpoint="/moved/djaffar"');
    await stage.open('/a');
    expect(doings(await stage.stored(1))).toEqual(['view /a']);
    expect(stage.front.sent.map(({ path }) => path)).toEqual(['/moved/djaffar/track/']);
  });

  it('keeps calls made before it has loaded, with the line of the README', async () => {
    const [stub] = /^<script>.*<\/script>$/m.exec(readFileSync('README.md', 'utf8')) ?? [];
    expect(stub).toContain('Proxy');
    stage.serve(
      '',
      `${stub}<script>djaffar.track('early', { n: 1 }).then((isThere) => (self.answer = isThere))</script>`,
    );
    const page = await stage.open('/a');
    const rows = await stage.stored(2);
    expect(doings(rows)).toEqual(['early /a', 'view /a']);
    expect(await page.waitForFunction('self.answer').then((handle) => handle.jsonValue())).toBe(true);
  });
});
