import { build } from 'esbuild';
import { describeInBrowser, namesAndPaths, Stage } from '../support/browser.js';

/** As browsers say it that have the setting. */
const SIGNALS = [
  ['Global Privacy Control', 'Object.defineProperty(navigator, "globalPrivacyControl", { value: true })'],
  ['Do Not Track', 'Object.defineProperty(navigator, "doNotTrack", { value: "1" })'],
] as const;

describeInBrowser('the tracker', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.start('express');
  });

  afterEach(() => stage.close());

  describe.each(SIGNALS)('if the browser sends %s', (_, signal) => {
    it('tracks nothing', async () => {
      stage.serve('data-engagement', '<button data-djaffar="no">No</button>');
      const context = await stage.browser();
      await context.addInitScript({ content: signal });
      const page = await stage.open('/a');
      await page.click('button');
      await page.evaluate('history.pushState(null, "", "/b")');
      expect(await page.evaluate('djaffar.track("no")')).toBe(false);
      expect(await page.evaluate('djaffar.view()')).toBe(false);
      expect({ made: stage.created.size, sent: stage.front.sent.length }).toEqual({ made: 0, sent: 0 });
      expect(await context.cookies()).toEqual([]);
    });

    it('tracks if the page has data-ignore-dnt', async () => {
      stage.serve('data-ignore-dnt');
      const context = await stage.browser();
      await context.addInitScript({ content: signal });
      await stage.open('/a');
      expect(namesAndPaths(await stage.stored(1))).toEqual(['view /a']);
    });
  });

  it('tracks when the browser says that it does not mind', async () => {
    stage.serve();
    const context = await stage.browser();
    await context.addInitScript({
      content:
        'for (const name of ["globalPrivacyControl", "doNotTrack"]) Object.defineProperty(navigator, name, { value: name[0] === "d" ? "0" : false })',
    });
    await stage.open('/a');
    expect(namesAndPaths(await stage.stored(1))).toEqual(['view /a']);
  });

  it('tracks nobody who has opted out, forgets what waits, and remembers it when the browser is started again', async () => {
    stage.useProfile();
    stage.serve();
    stage.front.fault = () => 'refused';
    const page = await stage.open('/a');
    await stage.front.until(() => stage.front.sent.length > 0);
    await page.goto('/again');
    const answer = page.evaluate('djaffar.track("waits")');
    await stage.untilCreated(3);
    await page.evaluate('djaffar.optOut()');
    expect(await answer).toBe(false);
    await stage.closeBrowser();
    // Not before, for what left before the choice may still be under way.
    stage.front.fault = () => undefined;

    const again = await stage.open('/b');
    expect(await again.evaluate('djaffar.track("no")')).toBe(false);
    expect(await stage.rows()).toEqual([]);
    await again.evaluate('djaffar.optIn()');
    expect(await again.evaluate('djaffar.track("yes")')).toBe(true);
    await again.reload();
    await stage.front.until(() => stage.front.acknowledged.size === 2);
    expect(namesAndPaths(await stage.rows())).toEqual(['view /b', 'yes /b']);
  });

  it('loses nothing if the visitor opts in twice', async () => {
    stage.serve();
    const page = await stage.open('/a');
    const answer = page.evaluate('Promise.all([djaffar.track("kept"), djaffar.optIn()])');
    expect(await answer).toEqual([true, undefined]);
    await page.evaluate('djaffar.optIn()');
    await page.reload();
    expect(namesAndPaths(await stage.stored(3))).toEqual(['kept /a', 'view /a', 'view /a']);
  });

  it('works under a strict Content-Security-Policy, and says nothing on the console', async () => {
    stage.serve(
      'data-outbound data-engagement',
      '<button data-djaffar="pressed">Press</button><a href="#x" download="x">File</a>',
      {
        'Content-Security-Policy':
          "default-src 'none'; img-src data:; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
      },
    );
    const page = await stage.open('/a');
    await page.click('button');
    await page.click('a');
    const rows = await stage.stored(3);
    expect(namesAndPaths(rows)).toEqual(['download /a', 'pressed /a', 'view /a']);
    expect(stage.console).toEqual([]);
  });

  it('sets no cookie by script, and keeps nothing of its own but the queue and the choice', async () => {
    stage.serve();
    const page = await stage.open('/a');
    await stage.stored(1);
    expect(await page.evaluate('document.cookie')).toBe('');
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly }) => ({ name, httpOnly }))).toEqual([
      { name: 'djaffar_session', httpOnly: true },
    ]);
    // What the test itself keeps there is in `made`.
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual(['made']);
    expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual([]);
  });

  it('does not break the page for properties that are no JSON: the promise is rejected', async () => {
    stage.serve();
    const page = await stage.open('/a');
    const said = await page.evaluate(`
      const circle = {};
      circle.circle = circle;
      djaffar.track('circle', circle).catch((error) => error.name);
    `);
    expect(said).toBe('TypeError');
    expect(await page.evaluate('djaffar.track("fine")')).toBe(true);
  });

  it('is, as a module for bundlers, the same but that nothing starts by itself', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { djaffar, start } from './lib/client/index.ts'; Object.assign(self, { djaffar, start });`,
        resolveDir: '.',
      },
      bundle: true,
      format: 'esm',
      write: false,
    });
    const html = `<!doctype html><link rel="icon" href="data:,"><script type="module">${outputFiles[0]?.text}</script>`;
    stage.front.page = () => ({ html });
    const page = await stage.open('/a#/x');
    await page.evaluate('djaffar.track("first")');
    await page.evaluate('start({ hash: true })');
    await page.evaluate('location.hash = "#/y"');
    const rows = await stage.stored(3);
    expect(namesAndPaths(rows)).toEqual(['first /a', 'view /x', 'view /y']);
    expect(
      await page.evaluate(`
      djaffar.configure({ endpoint: location.origin + '/djaffar', credentials: 'omit' });
      djaffar.track('last');
    `),
    ).toBe(true);
    expect(new Set((await stage.rows()).map(({ sessionId }) => sessionId)).size).toBe(2);
  });
});
