import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type BrowserContext, chromium, type Page as BrowserPage } from 'playwright-core';
import { DataSource } from 'typeorm';
import { Activity, djaffarEntities, Session } from '../../lib/index.js';
import { ARGUMENTS } from './chromium-arguments.js';
import { LAUNCH, sharedBrowser } from './chromium.js';
import { createMigratedDatabase, type TestDatabase } from './databases.js';
import { Front } from './front.js';
import type { AdapterName } from './host.js';
import { type Sample, startSample } from './sample.js';

/**
 * Reports each activity when it is serialized. Reports of a page that is being closed are lost, so the next page repeats
 * them.
 */
const REPORT_CREATED = `
  const { stringify } = JSON;
  let said = [];
  try {
    said = JSON.parse(localStorage.made ?? '[]');
  } catch {}
  said.forEach((id) => made(id));
  JSON.stringify = (value, ...rest) => {
    if (value?.id && value.date) {
      try {
        localStorage.made = stringify([...JSON.parse(localStorage.made ?? '[]'), value.id]);
      } catch {}
      made(value.id);
    }
    return stringify(value, ...rest);
  };
`;

/** `describe`, skipped without a browser; the global setup has warned then, or failed in CI. */
export const describeInBrowser = process.env.TEST_BROWSER ? describe : describe.skip;

/** Its tests may call `useWholeBrowser`. */
export const describeInWholeBrowser = process.env.TEST_WHOLE_BROWSER ? describe : describe.skip;

/** The sample host of a test file, with its database. */
class SampleHost {
  private sample: Sample | undefined;

  private constructor(
    private readonly adapter: AdapterName,
    private readonly database: TestDatabase,
    readonly dataSource: DataSource,
  ) {}

  static async create(adapter: AdapterName): Promise<SampleHost> {
    const database = await createMigratedDatabase('sqlite');
    const dataSource = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
    return new SampleHost(adapter, database, dataSource);
  }

  /** Starts the host unless it runs. @returns its URL */
  async start(): Promise<string> {
    this.sample ??= await startSample({ DATABASE_URL: this.database.url, HTTP_ADAPTER: this.adapter });
    return this.sample.url;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.sample?.end(signal);
    this.sample = undefined;
  }

  async deleteAll(): Promise<void> {
    for (const entity of [Activity, Session]) await this.dataSource.getRepository(entity).clear();
  }

  async remove(): Promise<void> {
    await this.stop('SIGTERM');
    await this.dataSource.destroy();
    await this.database.drop();
  }
}

const hosts = new Map<AdapterName, Promise<SampleHost>>();

afterAll(async () => {
  for (const host of hosts.values()) await (await host).remove();
});

/** The sample host of the test file, a proxy in front of it, and a browser, all real. */
export class Stage {
  private context: BrowserContext | undefined;
  private profile: string | undefined;
  private executablePath = process.env.TEST_BROWSER;
  private alone: ChildProcess | undefined;
  /** The ids of the activities that pages have created. */
  readonly created = new Set<string>();
  readonly console: string[] = [];
  private waiting: (() => void)[] = [];

  private constructor(
    private readonly host: SampleHost,
    readonly front: Front,
  ) {}

  /** Starts without activities, and with a fresh browser. */
  static async start(adapter: AdapterName): Promise<Stage> {
    const creation = hosts.get(adapter) ?? SampleHost.create(adapter);
    hosts.set(adapter, creation);
    const host = await creation;
    await host.deleteAll();
    const stage = new Stage(host, await Front.start());
    await stage.startHost();
    return stage;
  }

  async stopHost(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.host.stop(signal);
  }

  async startHost(): Promise<void> {
    this.front.host = await this.host.start();
  }

  /** Uses a separate browser process and profile, which can be killed and started again. */
  useProfile(): string {
    this.profile ??= mkdtempSync(join(tmpdir(), 'djaffar-profile-'));
    return this.profile;
  }

  /** Uses a browser that has a back/forward cache. */
  useWholeBrowser(): void {
    this.executablePath = process.env.TEST_WHOLE_BROWSER;
    this.useProfile();
  }

  /** Returns the browser of this stage. */
  async browser(): Promise<BrowserContext> {
    const options = { baseURL: this.front.url };
    this.context =
      this.profile === undefined
        ? await (await sharedBrowser()).newContext(options)
        : await chromium.launchPersistentContext(this.profile, {
            ...LAUNCH,
            ...options,
            executablePath: this.executablePath,
          });
    this.context.on('console', (message) => this.console.push(message.text()));
    this.context.on('weberror', (error) => this.console.push(String(error.error())));
    await this.context.exposeBinding('made', (_, id: string) => {
      this.created.add(id);
      for (const resolve of this.waiting.splice(0)) resolve();
    });
    await this.context.addInitScript({ content: REPORT_CREATED });
    return this.context;
  }

  /** Serves pages with the tracker. */
  serve(attributes = '', body = '', headers: Record<string, string> = {}): void {
    const script = `<script defer src="/djaffar/tracker.js" ${attributes}></script>`;
    this.front.page = () => ({
      html: `<!doctype html><title>test</title><link rel="icon" href="data:,">${script}<body>${body}</body>`,
      headers,
    });
  }

  /** Opens a page in a browser without Playwright, so that it may prerender. */
  openAlone(path: string): void {
    this.alone = spawn(
      String(process.env.TEST_BROWSER),
      ['--headless', ...ARGUMENTS, `--user-data-dir=${this.useProfile()}`, this.front.url + path],
      { stdio: 'ignore' },
    );
  }

  /** Opens a new tab. */
  async open(path: string): Promise<BrowserPage> {
    const context = this.context ?? (await this.browser());
    const page = await context.newPage();
    await page.goto(path);
    return page;
  }

  /** Kills the browser, as a power failure does. */
  async kill(): Promise<void> {
    const context = this.context;
    this.context = undefined;
    if (!context) return;
    if (!this.profile)
      throw new Error('the browser of all tests must not be killed: call useProfile() first');
    const closed = new Promise((resolve) => context.once('close', resolve));
    process.kill(await this.processId(context), 'SIGKILL');
    await closed;
  }

  async closeBrowser(): Promise<void> {
    await this.context?.close();
    this.context = undefined;
    if (!this.alone) return;
    const exited = once(this.alone, 'exit');
    this.alone.kill();
    await exited;
    this.alone = undefined;
  }

  /** Resolves when pages have created so many activities. */
  async untilCreated(count: number): Promise<void> {
    while (this.created.size < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /**
   * Waits until pages have created so many activities and the host has acknowledged all of them.
   * @returns the stored activities, the oldest first
   */
  async stored(count: number): Promise<Activity[]> {
    await this.untilCreated(count);
    await this.front.until(() => [...this.created].every((id) => this.front.acknowledged.has(id)));
    return this.rows();
  }

  async rows(): Promise<Activity[]> {
    return this.host.dataSource
      .getRepository(Activity)
      .find({ order: { date: 'ASC', id: 'ASC' }, relations: { session: true } });
  }

  async close(): Promise<void> {
    await this.closeBrowser();
    await this.front.close();
    if (this.profile) await removeProfile(this.profile);
  }

  private async processId(context: BrowserContext): Promise<number> {
    const browser = context.browser();
    if (!browser) throw new Error('no browser');
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const main = processInfo.find(({ type }) => type === 'browser');
    if (!main) throw new Error('no process');
    return main.id;
  }
}

/** Retries, because child processes of the browser still write for a moment after it has exited. */
async function removeProfile(folder: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await rm(folder, { recursive: true, force: true });
    } catch (error) {
      if (tries === 100) throw error;
      await setTimeout(100);
    }
  }
}

/** Returns `name path` of each activity, sorted, because activities of the same millisecond have no order. */
export function namesAndPaths(activities: Activity[]): string[] {
  return activities.map(({ name, path }) => `${name} ${path}`).sort();
}
