import type { CanActivate, ExecutionContext } from '@nestjs/common';
import axe from 'axe-core';
import helmet from 'helmet';
import type { Page } from 'playwright-core';
import { ActivityStats } from '../../lib/index.js';
import { sharedBrowser } from './chromium.js';
import { type AdapterName, type Host, startHost } from './host.js';

/** Accepts requests with the cookie. */
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
    return headers.cookie?.includes('who=ada') ?? false;
  }
}

/** The days of `trackKnown`, as URL parameters of the dashboard. */
export const DAYS = 'range=custom&from=2026-02-01&to=2026-02-14&tz=Europe/Berlin';
export const QUESTION = {
  from: '2026-01-31T23:00:00.000Z',
  to: '2026-02-14T23:00:00.000Z',
  timeZone: 'Europe/Berlin',
};

interface DashboardSettings {
  /** The global prefix, such as `/api`. */
  prefix?: string;
  timeZone?: string;
}

interface PageSettings {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  /** The fixed time of the page's clock. */
  time?: string;
}

/** A host with a dashboard and helmet's headers, and a browser whose user may open it. */
export class Dashboard {
  /** Messages of the pages' consoles, and uncaught errors. */
  readonly console: string[] = [];
  private page: Page | undefined;
  private time: string | undefined;

  private constructor(
    readonly host: Host,
    private readonly prefix: string,
  ) {}

  static async start(
    adapter: AdapterName,
    { prefix = '', timeZone }: DashboardSettings = {},
  ): Promise<Dashboard> {
    const host = await startHost({
      adapter,
      djaffar: { dashboard: { guards: [CookieGuard], timeZone } },
      configure: (app) => {
        app.use(helmet());
        app.setGlobalPrefix(prefix);
      },
    });
    return new Dashboard(host, prefix);
  }

  get stats(): ActivityStats {
    return this.host.app.get(ActivityStats, { strict: false });
  }

  /**
   * Loads the page of the dashboard. The tab of the previous call is used again, with empty storage, because its browser
   * has the scripts already. It is a new one if that was closed, or had another clock.
   */
  async open(
    query: string,
    { viewport = { width: 1280, height: 900 }, colorScheme = 'light', time }: PageSettings = {},
  ): Promise<Page> {
    const page = await this.emptyPage(time);
    await page.context().addCookies([{ name: 'who', value: 'ada', url: this.host.url }]);
    await page.setViewportSize(viewport);
    await page.emulateMedia({ media: 'screen', colorScheme, reducedMotion: 'reduce' });
    await page.goto(`${this.host.url}${this.prefix}/djaffar/dashboard/${query}`);
    return page;
  }

  private async emptyPage(time: string | undefined): Promise<Page> {
    if (this.page?.isClosed() === false && this.time === time) {
      await this.page.unrouteAll();
      await this.page.evaluate('localStorage.clear(), sessionStorage.clear()');
      return this.page;
    }
    await this.page?.context().close();
    const browser = await sharedBrowser();
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin' });
    context.on('console', (message) => this.console.push(message.text()));
    context.on('weberror', (error) => this.console.push(String(error.error())));
    this.page = await context.newPage();
    this.time = time;
    if (time !== undefined) await this.page.clock.setFixedTime(time);
    return this.page;
  }

  /** @throws Error with the messages in the console since the last check */
  checkConsole(): void {
    const said = this.console.splice(0);
    if (said.length > 0) throw new Error(`the console is not empty: ${said.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.page?.context().close();
    await this.host.close();
  }
}

/** Returns the violations that axe-core finds, by rule. */
export async function violationsOf(page: Page): Promise<string[]> {
  // Evaluated instead of added as a script, which the page's policy forbids.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const CHROME =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36';
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Tracks five visits in two weeks, one of them a bot's, and one long before. */
export async function trackKnown({ activities }: Host): Promise<void> {
  const zoe = { id: 17, name: 'Zoë' };
  const first = { session: 'one', visit: 'v1', userAgent: FIREFOX, country: 'DE', language: 'de-AT' };
  const second = { session: 'two', visit: 'v2', userAgent: CHROME, country: 'FR', language: 'fr' };
  const third = { session: 'one', visit: 'v3', userAgent: FIREFOX };
  const fourth = { session: 'three', visit: 'v4', userAgent: CHROME };
  const bot = { session: 'bot', visit: 'v5', userAgent: BOT };
  for (const activity of [
    { session: 'zero', visit: 'v0', date: '2024-01-01T12:00:00Z', path: '/', userAgent: FIREFOX },
    { ...first, date: '2026-02-02T10:00:00Z', path: '/', referer: 'https://duckduckgo.com/' },
    { ...first, date: '2026-02-02T10:01:00Z', path: '/pricing' },
    {
      ...first,
      date: '2026-02-02T10:04:00Z',
      path: '/pricing',
      name: 'bought',
      properties: { plan: 'pro' },
      user: zoe,
    },
    { ...second, date: '2026-02-03T11:00:00Z', path: '/?utm_source=mail&utm_campaign=spring' },
    { ...fourth, date: '2026-02-03T12:00:00Z', path: '/docs' },
    { ...fourth, date: '2026-02-03T12:00:30Z', path: '/' },
    { ...fourth, date: '2026-02-03T12:01:00Z', path: '/pricing' },
    { ...third, date: '2026-02-10T09:00:00Z', path: '/docs', user: zoe },
    { ...third, date: '2026-02-10T09:20:00Z', path: '/pricing', user: zoe },
    { ...bot, date: '2026-02-04T09:20:00Z', path: '/robots' },
  ])
    await activities.track(activity);
}
