import { readFileSync } from 'node:fs';
import type { Activity } from '../../lib/index.js';
import { describeInBrowser, describeInWholeBrowser, namesAndPaths, Stage } from '../support/browser.js';

/** As a browser that has no Navigation API. */
const NO_NAVIGATION_API = 'Object.defineProperty(self, "navigation", { value: undefined })';

/** Activities of the same millisecond have none. */
function inNoOrder(rows: (string | null)[][]): (string | null)[][] {
  return [...rows].sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

/** So that nothing leaves the page. */
const STAY = `<script>
  for (const type of ['click', 'submit', 'auxclick']) addEventListener(type, (event) => event.preventDefault());
</script>`;

/** In the order of the URLs: dates are corrected by the time of each request, so those of clicks may change places. */
function links(rows: Activity[], origin: string): unknown[] {
  return rows
    .filter(({ name }) => name !== 'view')
    .map(({ name, properties }) => [name, String(properties?.url).replace(origin, '')])
    .toSorted(([, one = ''], [, other = '']) => (one < other ? -1 : 1));
}

describeInBrowser('the tracker in a browser', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.start('fastify');
  });

  afterEach(() => stage.close());

  it('tracks a view when a page is loaded, with the referrer', async () => {
    stage.serve();
    const page = await stage.open('/a?b=1');
    await stage.stored(1);
    await page.evaluate('location.href = "/c"');
    const rows = await stage.stored(2);
    expect(rows.map(({ name, path, referer }) => [name, path, referer])).toEqual([
      ['view', '/a?b=1', null],
      ['view', '/c', '/a?b=1'],
    ]);
    expect(new Set(rows.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(stage.console).toEqual([]);
  });

  it('gives the first view the route that the page says', async () => {
    stage.serve('data-route="/products/:id"');
    const page = await stage.open('/products/17');
    await stage.stored(1);
    await page.evaluate(`history.pushState(null, '', '/cart')`);
    const rows = await stage.stored(2);
    expect(rows.map(({ path, route }) => [path, route])).toEqual([
      ['/products/17', '/products/:id'],
      ['/cart', null],
    ]);
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

    it('tracks a view at each change of the page, with the previous page as referrer', async () => {
      stage.serve();
      const page = await open('/a');
      await page.evaluate(`history.pushState(null, '', '/b')`);
      await page.evaluate(`history.pushState(null, '', '/c?d=1')`);
      await stage.stored(3);
      // So long, a replaced page would count as a redirect. A busy browser may be later than the server.
      await page.evaluate('new Promise((resolve) => setTimeout(resolve, 1000))');
      await page.evaluate(`history.replaceState({ x: 1 }, '', '/c?d=1')`);
      await page.evaluate(`history.replaceState(null, '', '/c?d=1#top')`);
      await page.evaluate(`history.replaceState(null, '', '/e')`);
      await stage.stored(4);
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

    it('tracks no view if only the query string or a trailing slash changes', async () => {
      stage.serve();
      const page = await open('/search');
      await page.evaluate(`
        for (const q of ['n', 'ne', 'nes', 'nest']) history.replaceState(null, '', '?q=' + q);
        history.pushState(null, '', '?q=nestjs');
        history.pushState(null, '', '/search/');
        history.pushState(null, '', '/search/?q=a/');
        history.pushState(null, '', '/found');
      `);
      const rows = await stage.stored(2);
      expect(namesAndPaths(rows)).toEqual(['view /found', 'view /search']);
    });

    it('tracks one view if a page is a redirect: it is replaced at once', async () => {
      stage.serve('data-engagement');
      const page = await open('/a');
      await stage.stored(1);
      // As <Navigate replace> does, after the page has changed. In the same task: a busy machine may take long for the next.
      await page.evaluate(`
        history.pushState(null, '', '/account');
        queueMicrotask(() => {
          history.replaceState(null, '', '/login');
          void djaffar.track('done');
        });
      `);
      // What was taken back is made, but not sent.
      await stage.front.until(() => stage.front.acknowledged.size >= 4);
      const rows = await stage.rows();
      expect(namesAndPaths(rows)).toEqual(['done /login', 'engagement /a', 'view /a', 'view /login']);
      expect(rows.find(({ path, name }) => path === '/login' && name === 'view')?.referer).toBe('/a');
      await page.reload();
      await stage.front.until(() => stage.front.acknowledged.size >= 6);
      expect((await stage.rows()).map(({ path }) => path)).not.toContain('/account');
    });

    it('keeps the query string before the fragment with data-hash, so campaigns too', async () => {
      stage.serve('data-hash');
      const page = await open('/app?utm_source=news&utm_medium=mail#/shop');
      await page.evaluate('location.hash = "#/shop?q=1"');
      await page.evaluate('location.hash = "#/cart?q=1"');
      const rows = await stage.stored(2);
      expect(inNoOrder(rows.map(({ path, referer }) => [path, referer]))).toEqual(
        inNoOrder([
          ['/shop?utm_source=news&utm_medium=mail', null],
          ['/cart?q=1&utm_source=news&utm_medium=mail', '/shop?utm_source=news&utm_medium=mail'],
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

  describeInWholeBrowser('with a back/forward cache', () => {
    it('tracks a view on return', async () => {
      stage.useWholeBrowser();
      stage.serve();
      const page = await stage.open('/a');
      await stage.stored(1);
      await page.evaluate('addEventListener("pageshow", (event) => (self.wasKept = event.persisted))');
      await page.evaluate('location.href = "/b"');
      await stage.stored(2);
      await page.evaluate('history.back()').catch(() => {});
      const rows = await stage.stored(3);
      expect(await page.evaluate('wasKept')).toBe(true);
      expect(rows.map(({ path, referer }) => [path, referer])).toEqual([
        ['/a', null],
        ['/b', '/a'],
        // The browser does not say from where the visitor came back; the page itself is no referrer.
        ['/a', null],
      ]);
    });
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
      ['view', '/shown', '/a'],
    ]);
  });

  it('tracks only explicit calls with data-manual', async () => {
    stage.serve('data-manual data-outbound data-engagement', '<button data-djaffar="no">No</button>');
    const page = await stage.open('/a');
    await page.click('button');
    await page.evaluate('history.pushState(null, "", "/b")');
    await page.evaluate('djaffar.view("/mine"); djaffar.track("done", { how: "well" }); djaffar.view()');
    const rows = await stage.stored(3);
    expect(namesAndPaths(rows)).toEqual(['done /mine', 'view /b', 'view /mine']);
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
    expect(namesAndPaths(rows)).toEqual(['bought /a', 'view /a']);
    expect(rows.find(({ name }) => name === 'bought')?.properties).toEqual({ plan: 'pro', 'order-id': '17' });
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
    expect(namesAndPaths(await stage.stored(1))).toEqual(['view /a']);
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
    expect(namesAndPaths(rows)).toEqual(['early /a', 'view /a']);
    expect(await page.waitForFunction('self.answer').then((handle) => handle.jsonValue())).toBe(true);
  });

  it('tracks links that leave the site, and downloads, with data-outbound', async () => {
    const pages = ['/in.html', '/docs/v1.25', '/@jane.doe', '/index.php', '/a.aspx', '/pdf', '/a.pdf/b'];
    stage.serve(
      'data-outbound',
      `<a id="out" href="http://elsewhere.invalid/x?y=1"><b>Out</b></a>
       <a id="file" href="/files/report.PDF?v=1">File</a>
       <a id="packed" href="/v1.25.tar.gz">File</a>
       <a id="named" href="/export" download="x">Export</a>
       <a id="unnamed" href="/export" download>Export</a>
       ${pages.map((path) => `<a class="page" href="${path}">Page</a>`).join(' ')}
       <a class="page" href="mailto:a@example.com">Mail</a>${STAY}`,
    );
    const page = await stage.open('/a');
    for (const link of await page.locator('.page').all()) await link.click();
    for (const link of ['out', 'file', 'packed', 'named', 'unnamed']) await page.click(`#${link}`);
    expect(links(await stage.stored(6), stage.front.url)).toEqual([
      ['download', '/export'],
      ['download', '/export'],
      ['download', '/files/report.PDF?v=1'],
      ['download', '/v1.25.tar.gz'],
      ['outbound', 'http://elsewhere.invalid/x?y=1'],
    ]);
  });

  it('takes the file types of data-download', async () => {
    stage.serve(
      'data-outbound data-download="step,pdf"',
      `<a id="zip" href="/a.zip">Zip</a> <a id="step" href="/a.step">Step</a>
       <a id="pdf" href="/a.pdf">PDF</a>${STAY}`,
    );
    const page = await stage.open('/a');
    for (const link of ['zip', 'step', 'pdf']) await page.click(`#${link}`);
    expect(links(await stage.stored(3), stage.front.url)).toEqual([
      ['download', '/a.pdf'],
      ['download', '/a.step'],
    ]);
  });

  it('tracks what the middle button does: it follows links, and nothing else', async () => {
    stage.serve(
      'data-outbound',
      `<a id="out" href="http://elsewhere.invalid/" data-djaffar="left">Out</a>
       <button id="button" data-djaffar="no">No</button>${STAY}`,
    );
    const page = await stage.open('/a');
    await page.click('#button', { button: 'middle' });
    await page.click('#out', { button: 'right' });
    await page.click('#out', { button: 'middle' });
    const rows = await stage.stored(3);
    expect(namesAndPaths(rows)).toEqual(['left /a', 'outbound /a', 'view /a']);
  });

  it('tracks what is in open shadow roots', async () => {
    stage.serve(
      'data-outbound',
      `<my-card></my-card> <my-check data-djaffar="checked"></my-check>${STAY}
       <script>
         const define = (name, html) =>
           customElements.define(name, class extends HTMLElement {
             constructor() {
               super();
               this.attachShadow({ mode: 'open' }).innerHTML = html;
             }
           });
         define('my-card', '<button data-djaffar="inside" data-djaffar-n="1"><b>Go</b></button> <a href="http://elsewhere.invalid/"><i>Out</i></a>');
         define('my-check', '<label><input type="checkbox"> <u>Check</u></label>');
       </script>`,
    );
    const page = await stage.open('/a');
    await page.click('b');
    await page.click('i');
    // Without its default, a label does not click its control.
    await page.evaluate(
      `document.querySelector('my-check').addEventListener('click', (event) => event.stopPropagation())`,
    );
    await page.click('u');
    const rows = await stage.stored(4);
    expect(namesAndPaths(rows)).toEqual(['checked /a', 'inside /a', 'outbound /a', 'view /a']);
    expect(rows.find(({ name }) => name === 'inside')?.properties).toEqual({ n: '1' });
  });

  it('tracks a click on a label and its control once', async () => {
    stage.serve(
      '',
      `<label data-djaffar="around"><input type="checkbox" id="inner"> <b>Around</b></label>
       <div data-djaffar="above"><label for="other"><i>Above</i></label> <input type="checkbox" id="other"></div>
       <label data-djaffar="apart" for="third"><u>Apart</u></label> <input type="checkbox" id="third">
       <button data-djaffar="pressed">Press</button>`,
    );
    const page = await stage.open('/a');
    for (const target of ['b', '#inner', 'i', 'u']) await page.click(target);
    await page.focus('#inner');
    await page.keyboard.press('Space');
    await page.evaluate(`const button = document.querySelector('button'); button.click(); button.click()`);
    const rows = await stage.stored(8);
    expect(await page.isChecked('#inner')).toBe(true);
    expect(namesAndPaths(rows)).toEqual([
      'above /a',
      'apart /a',
      'around /a',
      'around /a',
      'around /a',
      'pressed /a',
      'pressed /a',
      'view /a',
    ]);
  });

  it('tracks the submission of a form with data-djaffar once, and no click in it', async () => {
    stage.serve(
      '',
      `<form data-djaffar="signup" data-djaffar-plan="pro">
         <label>Name <input name="name" required></label> <input type="checkbox" name="box">
         <button>Send</button> <button type="button" data-djaffar="help">Help</button>
       </form><form><input name="plain"></form>
       <script>addEventListener('submit', (event) => event.preventDefault())</script>`,
    );
    const page = await stage.open('/a');
    await page.click('text=Send');
    await page.click('[name=name]');
    await page.keyboard.type('x');
    await page.keyboard.press('Enter');
    await page.click('text=Help');
    await page.click('text=Send');
    await page.focus('[name=plain]');
    await page.keyboard.press('Enter');
    const rows = await stage.stored(4);
    expect(namesAndPaths(rows)).toEqual(['help /a', 'signup /a', 'signup /a', 'view /a']);
    expect(rows.find(({ name }) => name === 'signup')?.properties).toEqual({ plan: 'pro' });
  });

  it('tracks once if the tag is there twice, or is evaluated again', async () => {
    stage.serve(
      '',
      '<script defer src="/djaffar/tracker.js"></script><button data-djaffar="pressed">Press</button>',
    );
    const page = await stage.open('/a');
    // As Turbo and htmx do with the scripts of a page that they put in place of another.
    await page.evaluate(`
      new Promise((done) => {
        const again = Object.assign(document.createElement('script'), { src: '/djaffar/tracker.js', onload: done });
        document.body.replaceChildren(document.querySelector('button'), again);
        history.pushState(null, '', '/b');
      })
    `);
    await page.click('button');
    const rows = await stage.stored(3);
    expect(namesAndPaths(rows)).toEqual(['pressed /b', 'view /a', 'view /b']);
  });

  it('works as a module script, with its attributes', async () => {
    stage.front.page = () => ({
      html: `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/djaffar/tracker.js?v=1" data-hash></script>`,
    });
    await stage.open('/a#/x');
    expect(namesAndPaths(await stage.stored(1))).toEqual(['view /x']);
    expect(stage.console).toEqual([]);
  });
});
