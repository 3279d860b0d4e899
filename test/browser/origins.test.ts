import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Header } from '@nestjs/common';
import helmet from 'helmet';
import type { BrowserContext, Frame, Page } from 'playwright-core';
import type { DjaffarOptions } from '../../lib/index.js';
import { describeInBrowser } from '../support/browser.js';
import { sharedBrowser } from '../support/chromium.js';
import { type Host, startHost } from '../support/host.js';

// Chromium finds all names below `localhost` on this machine and takes them for secure, as it does pages over HTTPS.
// Of two names, `a.localhost` is the site of `www.a.localhost`, and `b.localhost` is another one.
const API = 'api.shop.localhost';

const html = (body: string): string => `<!doctype html><link rel="icon" href="data:,">${body}`;

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html')
  page(): string {
    return html('<script defer src="/djaffar/tracker.js"></script>');
  }
}

describeInBrowser('the tracker on pages of other origins', () => {
  let context: BrowserContext;
  let pages: Server;
  /** What is served at all other origins. */
  let body: string;
  let port: number;
  let host: Host;
  let api: string;

  beforeAll(async () => {
    pages = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html(body)));
    await once(pages.listen(0, '127.0.0.1'), 'listening');
    ({ port } = pages.address() as AddressInfo);
  });

  afterAll(async () => {
    pages.close();
  });

  beforeEach(async () => {
    context = await (await sharedBrowser()).newContext();
  });

  afterEach(async () => {
    await context.close();
    await host.close();
  });

  /** With helmet's defaults on the routes, and the line of docs/browser.md. */
  async function start(session: DjaffarOptions['session'] = {}): Promise<void> {
    host = await startHost({
      adapter: 'express',
      controllers: [PageController],
      djaffar: { session },
      configure: (app) => {
        app.use('/djaffar', helmet());
        app.enableCors({
          origin: ['api.shop', 'www.shop', 'other'].map((name) => `http://${name}.localhost:${port}`),
          credentials: true,
          exposedHeaders: ['Retry-After'],
        });
      },
    });
    api = host.url.replace('127.0.0.1', API);
  }

  const open = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };

  /** Tracks what becomes three requests on two pages. */
  async function sessionsOf(page: Page, frame: () => Frame | null = () => page.mainFrame()): Promise<number> {
    const track = async (name: string): Promise<unknown> => {
      await frame()?.waitForFunction('self.djaffar');
      return frame()?.evaluate(`djaffar.track('${name}')`);
    };
    expect(await track('first')).toBe(true);
    expect(await track('second')).toBe(true);
    await page.reload();
    expect(await track('third')).toBe(true);
    const rows = (await host.stored()).filter(({ name }) => name !== 'view');
    expect(rows.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
    return new Set(rows.map(({ sessionId }) => sessionId)).size;
  }

  const tag = (attributes = ''): string =>
    `<script defer src="${api}/djaffar/tracker.js" ${attributes}></script>`;

  it('has one session on the same origin', async () => {
    await start();
    expect(await sessionsOf(await open(`${api}/page`))).toBe(1);
  });

  it.each([
    ['another port', API],
    ['a subdomain', 'www.shop.localhost'],
  ])('has one session on %s with data-credentials, and several without', async (_, name) => {
    await start();
    body = tag();
    expect(await sessionsOf(await open(`http://${name}:${port}/`))).toBeGreaterThan(1);
    await host.activities.erase({ from: new Date(0) });
    body = tag('data-credentials="include"');
    expect(await sessionsOf(await open(`http://${name}:${port}/`))).toBe(1);
  });

  it('has several sessions on another site, and in an iframe there, by default', async () => {
    await start();
    body = tag('data-credentials="include"');
    expect(await sessionsOf(await open(`http://other.localhost:${port}/`))).toBeGreaterThan(1);
    await host.activities.erase({ from: new Date(0) });
    body = `<iframe src="${api}/page"></iframe>`;
    const page = await open(`http://other.localhost:${port}/`);
    expect(await sessionsOf(page, () => page.frame({ url: '**/page' }))).toBeGreaterThan(1);
  });

  it("has one session on another site, and in an iframe there, with session.sameSite: 'none'", async () => {
    await start({ sameSite: 'none' });
    body = tag('data-credentials="include"');
    expect(await sessionsOf(await open(`http://other.localhost:${port}/`))).toBe(1);
    await host.activities.erase({ from: new Date(0) });
    body = `<iframe src="${api}/page"></iframe>`;
    const page = await open(`http://other.localhost:${port}/`);
    expect(await sessionsOf(page, () => page.frame({ url: '**/page' }))).toBe(1);
  });

  it('takes JSON and a token of a page of another origin, as the README shows it', async () => {
    await start();
    body = '';
    const page = await open(`http://other.localhost:${port}/`);
    const status = await page.evaluate(`
      fetch('${api}/djaffar/track/', {
        method: 'POST',
        headers: { Authorization: 'Bearer x', 'Content-Type': 'application/json' },
        body: JSON.stringify({ date: new Date().toISOString(), path: '/cart' }),
      }).then((response) => response.status)
    `);
    expect(status).toBe(204);
  });
});
