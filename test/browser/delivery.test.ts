import type { Page } from 'playwright-core';
import { describeInBrowser, Stage } from '../support/browser.js';
import type { Fault } from '../support/front.js';
import { ADAPTERS } from '../support/host.js';

const DAY = 86_400_000;

/** Tracks so many, each with a number of its own. */
function trackMany(page: Page, count: number, first = 0): Promise<void> {
  return page.evaluate(
    `for (let n = ${first}; n < ${first + count}; n++) void djaffar.track('click', { n, tab: self.tab })`,
  );
}

/** Resolves when so many are kept by the browser. */
async function untilKept(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    `new Promise((resolve) => {
      const request = indexedDB.open('djaffar');
      request.onsuccess = () => {
        const keys = request.result.transaction('djaffar').objectStore('djaffar').getAllKeys();
        keys.onsuccess = () => (request.result.close(), resolve(keys.result.length >= ${count}));
      };
    })`,
  );
}

let stage: Stage;

/** Of those that pages have made, once all are acknowledged. */
async function tally(made: number): Promise<{ made: number; stored: number; twice: number }> {
  await stage.stored(made);
  return tallyNow();
}

async function tallyNow(): Promise<{ made: number; stored: number; twice: number }> {
  const rows = await stage.rows();
  const ids = new Set(rows.map(({ id }) => id).filter((id) => stage.created.has(id)));
  // Each click has a number of its own; tabs may well be opened in the same millisecond.
  const clicks = rows.filter(({ properties }) => properties);
  const namesAndPaths = new Set(clicks.map(({ date, properties }) => JSON.stringify([date, properties])));
  const totals = { made: stage.created.size, stored: ids.size, twice: clicks.length - namesAndPaths.size };
  process.stdout.write(`${expect.getState().currentTestName}: ${JSON.stringify(totals)}\n`);
  return totals;
}

describeInBrowser.each(ADAPTERS)('no activity is lost or doubled, with the host on %s,', (adapter) => {
  beforeEach(async () => {
    stage = await Stage.start(adapter);
    stage.serve();
  });

  afterEach(() => stage.close());

  it('when nothing fails: activities close together go as one batch', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    await trackMany(page, 50);
    expect(await tally(51)).toEqual({ made: 51, stored: 51, twice: 0 });
    expect(stage.front.sent.map(({ ids }) => ids.length)).toEqual([1, 50]);
  });

  it('when the host is stopped for a while and started again', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    await stage.stopHost();
    await trackMany(page, 10);
    await stage.front.until(() => stage.front.sent.length >= 3);
    await trackMany(page, 10, 10);
    await page.goto('/b');
    await stage.startHost();
    expect(await tally(22)).toEqual({ made: 22, stored: 22, twice: 0 });
  });

  it('when the host is killed while it takes them', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    const sending = (async () => {
      for (let n = 0; n < 20; n++) {
        await trackMany(page, 10, 10 * n);
        await page.evaluate('new Promise((done) => setTimeout(done, 20))');
      }
    })();
    await stage.front.until(() => stage.front.acknowledged.size > 50);
    await stage.stopHost('SIGKILL');
    await sending;
    await stage.startHost();
    expect(await tally(201)).toEqual({ made: 201, stored: 201, twice: 0 });
  });

  it('when a token runs out: they wait for another, and the refused one is not sent again', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    const token = await page.evaluate<string>(
      `fetch('/auth/token', { method: 'POST', body: new URLSearchParams({ username: 'jeff', password: 'koons' }) })
        .then((response) => response.json()).then(({ accessToken }) => accessToken)`,
    );
    await page.evaluate(`
      self.token = 'run-out';
      djaffar.configure({ headers: async () => ({ Authorization: 'Bearer ' + token }) });
    `);
    await trackMany(page, 10);
    await stage.front.until(() => stage.front.sent.length === 2 && stage.front.sent[1]?.status === 401);
    await trackMany(page, 10, 10);
    await page.evaluate(`self.token = '${token}'`);
    expect(await tally(21)).toEqual({ made: 21, stored: 21, twice: 0 });
    expect(stage.front.sent.filter(({ status }) => status === 401)).toHaveLength(1);
    const users = (await stage.rows()).filter(({ name }) => name === 'click').map(({ userName }) => userName);
    expect(new Set(users)).toEqual(new Set(['jeff']));
  });

  it('but for the one that the host finds wrong (400), which is dropped and said on the console', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    const answers = await page.evaluate(
      `Promise.all(['a', 'x'.repeat(65), 'b'].map((name) => djaffar.track(name)))`,
    );
    expect(answers).toEqual([true, false, true]);
    expect((await stage.rows()).map(({ name }) => name).sort()).toEqual(['a', 'b', 'view']);
    expect(stage.console.filter((line) => line.startsWith('djaffar dropped 1 400'))).toHaveLength(1);
    // From then on they go together again.
    await trackMany(page, 5);
    await stage.front.until(() => stage.front.sent.at(-1)?.ids.length === 5);
    await stage.front.until(() => stage.front.acknowledged.size === 8);
    expect(await tallyNow()).toEqual({ made: 9, stored: 8, twice: 0 });
  });
});

// What is left to the tracker and the browser, whatever the host is made of.
describeInBrowser('no activity is lost or doubled,', () => {
  beforeEach(async () => {
    stage = await Stage.start('fastify');
    stage.serve();
  });

  afterEach(() => stage.close());

  it('when an answer is lost', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    const faults: Fault[] = ['unanswered'];
    stage.front.fault = () => faults.shift();
    await trackMany(page, 9);
    expect(await tally(10)).toEqual({ made: 10, stored: 10, twice: 0 });
    expect(stage.front.sent.map(({ status }) => status)).toEqual([204, undefined, 204]);
  });

  it('when the page is reloaded in the middle of sending', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    stage.front.fault = async ({ ids }) => {
      if (ids.length > 9) await held;
      return undefined;
    };
    const page = await stage.open('/a');
    await stage.stored(1);
    await trackMany(page, 20);
    await stage.front.until(() => stage.front.sent.length >= 2);
    await page.reload();
    await stage.front.until(() => stage.front.sent.length >= 3);
    release();
    expect(await tally(22)).toEqual({ made: 22, stored: 22, twice: 0 });
  });

  it('when the first page is left as soon as it is loaded', async () => {
    const page = await stage.open('/a');
    await stage.untilCreated(1);
    await page.evaluate('location.href = "/b"');
    expect(await tally(2)).toEqual({ made: 2, stored: 2, twice: 0 });
  });

  it('when the page is left at once, and none comes after it', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    // Three bytes each, so that all together they are more than a browser lets go after its page.
    await page.evaluate(`
      for (let n = 0; n < 40; n++) void djaffar.track('click', { n, text: '\\u20ac'.repeat(300) });
      location.href = 'about:blank';
    `);
    await stage.front.until(() => stage.front.acknowledged.size === 41);
    expect(Math.max(...stage.front.sent.map(({ size }) => size))).toBeLessThan(65_536);
    const clicks = (await stage.rows()).filter(({ name }) => name === 'click');
    const numbers = clicks.map(({ properties }) => Number(properties?.n));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    // What a page says in its last moment may not be heard here.
    for (const { id } of clicks) stage.created.add(id);
    expect(await tallyNow()).toEqual({ made: 41, stored: 41, twice: 0 });
  });

  it("when the browser is offline for a while: its 'online' wakes it", async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    await page.context().setOffline(true);
    await trackMany(page, 10);
    await page.evaluate('history.pushState(null, "", "/b")');
    await untilKept(page, 11);
    await page.context().setOffline(false);
    expect(await tally(12)).toEqual({ made: 12, stored: 12, twice: 0 });
  });

  it('when the browser is killed, and started again on the same profile', async () => {
    stage.useProfile();
    stage.front.fault = () => 'refused';
    const page = await stage.open('/a');
    await trackMany(page, 20);
    await untilKept(page, 21);
    await stage.kill();
    stage.front.fault = () => undefined;
    await stage.open('/b');
    expect(await tally(22)).toEqual({ made: 22, stored: 22, twice: 0 });
  });

  it('when five tabs are at it at once: none is sent twice', async () => {
    const context = await stage.browser();
    await context.addInitScript({ content: 'self.tab = Math.random()' });
    const pages = await Promise.all([1, 2, 3, 4, 5].map(() => stage.open('/a')));
    await Promise.all(pages.map((page) => trackMany(page, 50)));
    expect(await tally(255)).toEqual({ made: 255, stored: 255, twice: 0 });
    const sent = stage.front.sent.flatMap(({ ids }) => ids);
    expect(sent).toHaveLength(new Set(sent).size);
    expect(new Set((await stage.rows()).map(({ sessionId }) => sessionId)).size).toBe(1);
  });

  it('when new headers are configured, which are tried at once', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    await page.evaluate('djaffar.configure({ headers: { Authorization: "Bearer run-out" } })');
    await trackMany(page, 5);
    await stage.front.until(() => stage.front.sent[1]?.status === 401);
    await page.evaluate('djaffar.configure({ headers: {} })');
    expect(await tally(6)).toEqual({ made: 6, stored: 6, twice: 0 });
  });

  it.each([-DAY, DAY])('when the clock is wrong by %d ms: the dates are right', async (error) => {
    const context = await stage.browser();
    await context.addInitScript({
      content: `
        const { now } = Date;
        Date.now = () => now() + ${error};
        self.Date = new Proxy(Date, {
          construct: (Real, given) => (given.length > 0 ? new Real(...given) : new Real(Date.now())),
        });
      `,
    });
    const from = Date.now();
    const page = await stage.open('/a');
    await trackMany(page, 5);
    expect(await tally(6)).toEqual({ made: 6, stored: 6, twice: 0 });
    for (const { date } of await stage.rows()) {
      expect(date.getTime()).toBeGreaterThanOrEqual(from - 1000);
      expect(date.getTime()).toBeLessThanOrEqual(Date.now());
    }
  });

  it('when the host answers 500, and 503 with Retry-After, which is honoured', async () => {
    const answers = [{ status: 500 }, { status: 503, headers: { 'Retry-After': '2' } }];
    stage.front.fault = () => answers.shift();
    const page = await stage.open('/a');
    await trackMany(page, 5);
    expect(await tally(6)).toEqual({ made: 6, stored: 6, twice: 0 });
    const [first, second, third] = stage.front.sent.map(({ at }) => at);
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(500);
    expect(Number(third) - Number(second)).toBeGreaterThanOrEqual(2000);
  });

  it('but for the one that is too large (413)', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    stage.front.fault = ({ size }) => (size > 5000 ? { status: 413 } : undefined);
    const answers = await page.evaluate(
      `Promise.all([1, 6000, 2].map((size) => djaffar.track('a', { text: 'x'.repeat(size) })))`,
    );
    expect(answers).toEqual([true, false, true]);
    expect(stage.console.filter((line) => line.startsWith('djaffar dropped 1 413'))).toHaveLength(1);
    expect(await tallyNow()).toEqual({ made: 4, stored: 3, twice: 0 });
  });

  it('except the oldest if more than 1,000 wait, which are counted', async () => {
    stage.front.fault = () => 'refused';
    const page = await stage.open('/a');
    await trackMany(page, 1009);
    await stage.untilCreated(1010);
    await untilKept(page, 1000);
    stage.front.fault = () => undefined;
    await page.evaluate('dispatchEvent(new Event("online"))');
    await stage.front.until(() => stage.front.acknowledged.size === 1000);
    const numbers = (await stage.rows()).map(({ properties }) => Number(properties?.n));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 9));
    expect(stage.console.some((line) => line.startsWith('djaffar dropped 10 '))).toBe(true);
    expect(await tallyNow()).toEqual({ made: 1010, stored: 1000, twice: 0 });
  });

  it('in a sandboxed frame, which is refused all storage: it works from memory', async () => {
    let isFirst = true;
    stage.front.fault = () => {
      const fault = isFirst ? 'refused' : undefined;
      isFirst = false;
      return fault;
    };
    const framed = stage.front.page('/framed');
    const html = '<link rel="icon" href="data:,"><iframe sandbox="allow-scripts" src="/framed"></iframe>';
    stage.front.page = (path) => (path === '/framed' ? framed : { html });
    const page = await stage.open('/a');
    const frame = page.frame({ url: '**/framed' });
    if (!frame) throw new Error('no frame');
    expect(await frame.evaluate('self.origin')).toBe('null');
    await frame.evaluate('djaffar.track("framed", { n: 1 })');
    expect(await tally(2)).toEqual({ made: 2, stored: 2, twice: 0 });
    expect(stage.front.sent.map(({ status }) => status)).toEqual([undefined, 204]);
  });

  it('when the quota is full: it works from memory', async () => {
    const page = await stage.open('about:blank');
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: stage.front.url, quotaSize: 0 });
    await page.goto('/a');
    await trackMany(page, 5);
    expect(await tally(6)).toEqual({ made: 6, stored: 6, twice: 0 });
  });

  it('when a new visitor does much at once: the first request is sent alone, and there is one session', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    stage.front.fault = async () => {
      await held;
      return undefined;
    };
    const page = await stage.open('/a');
    await trackMany(page, 299);
    await stage.front.until(() => stage.front.sent.length === 1);
    await untilKept(page, 300);
    expect(stage.front.sent).toHaveLength(1);
    // It might leave now.
    await page.evaluate('dispatchEvent(new Event("pagehide"))');
    await stage.front.until(() => stage.front.sent.length >= 2);
    expect(stage.front.sent[1]?.ids[0]).toBe(stage.front.sent[0]?.ids[0]);
    release();
    expect(await tally(300)).toEqual({ made: 300, stored: 300, twice: 0 });
    const rows = await stage.rows();
    expect(new Set(rows.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(new Set(rows.map(({ visitId }) => visitId)).size).toBe(1);
  });
});

describeInBrowser('the console', () => {
  beforeEach(async () => {
    stage = await Stage.start('express');
    stage.serve();
  });

  afterEach(() => stage.close());

  it('says which activities the host names as wrong (422), and drops only those', async () => {
    const page = await stage.open('/a');
    await stage.stored(1);
    stage.front.fault = ({ ids }) =>
      ids.length === 12
        ? {
            status: 422,
            headers: { 'Content-Type': 'application/json' },
            body: '{"errors":{"activities.1.properties":["has what cannot be stored"],"activities.11.name":["…"]}}',
          }
        : undefined;
    const answers = await page.evaluate<boolean[]>(
      `Promise.all(Array.from({ length: 12 }, (_, n) => djaffar.track('a', { n })))`,
    );
    // Activities of the same millisecond have no order.
    expect(answers.filter((isThere) => isThere)).toHaveLength(10);
    expect(stage.front.sent.map(({ ids }) => ids.length)).toEqual([1, 12, 10]);
    const dropped = stage.console.filter((line) => line.startsWith('djaffar dropped'));
    expect(dropped).toEqual([expect.stringMatching(/^djaffar dropped 2 422 .*cannot be stored/)]);
    expect(await stage.rows()).toHaveLength(11);
  });

  it('says once in a page that the server refuses activities, which are sent again', async () => {
    let statuses: number[] = [];
    stage.front.fault = () => {
      const status = statuses.shift();
      return status === undefined ? undefined : { status };
    };
    const page = await stage.open('about:blank');
    for (const status of [401, 403, 404, 405, 415, 429, 200]) {
      statuses = [status, 403, 503];
      stage.console.length = 0;
      const said = page.waitForEvent('console', (message) => message.text().startsWith('djaffar'));
      await page.goto(`/${status}`);
      await said;
      // Sooner than after the pauses, which grow.
      const isStored = page.evaluate(`
        const timer = setInterval(() => dispatchEvent(new Event('online')), 100);
        djaffar.track('stored').then((isThere) => (clearInterval(timer), isThere));
      `);
      expect(await isStored).toBe(true);
      expect(stage.console.filter((line) => line.startsWith('djaffar'))).toEqual([
        `djaffar waits ${status} Check data-endpoint, guards, rate limits`,
      ]);
    }
    const stored = (await stage.rows()).filter(({ name }) => name === 'view').map(({ path }) => path);
    expect(stored.sort()).toEqual(['/200', '/401', '/403', '/404', '/405', '/415', '/429']);
  });
});
