import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as throttler from '@nestjs/throttler';
import { ExpressAdapter } from '@nestjs/platform-express';
import * as nestTypeorm from '@nestjs/typeorm';
import { type Options, transformSync } from '@swc/core';
import libsql from 'libsql';
import * as typeorm from 'typeorm';
import * as djaffar from '../../lib/index.js';
import * as clickhouse from '../../lib/store/clickhouse/index.js';
import * as testing from '../../lib/testing/index.js';
import { Activity } from '../../lib/index.js';
import { createMigratedDatabase, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import * as app from '../support/snippets/app.js';
import { type Snippet, snippets } from '../support/snippets/markdown.js';
import { programOf } from '../support/snippets/modules.js';
import { until } from '../support/until.js';

type Exports = Record<string, unknown>;
type Run = () => Promise<Exports>;

/** `unit/snippets.test.ts` compiles these; they are for a browser, another framework, a bundler, a cloud, or a test, which `testing.test.ts` runs. */
const NOT_RUN = /^docs\/(browser|bundling|serverless|testing)\.md|^README\.md/;

const SWC: Options = {
  swcrc: false,
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'commonjs' },
};

const all = snippets();

let host: Host;
let database: TestDatabase;
/** The modules that snippets import. */
let modules: Record<string, unknown>;

beforeAll(async () => {
  // Snippets only pass it on.
  process.env.DATABASE_URL ??= 'postgres://localhost/app';
  database = await createMigratedDatabase('sqlite');
  host = await startHost({ adapter: 'express', database });
  const { activities, dataSource } = host;
  const stats = host.app.get(djaffar.ActivityStats, { strict: false });
  // Otherwise the first question of the README's app could fail on a busy machine.
  await stats.overview();
  const dataSourceOptions = database.options;
  modules = {
    '@nestjs/common': common,
    '@nestjs/core': core,
    '@nestjs/throttler': throttler,
    '@nestjs/typeorm': nestTypeorm,
    './app.js': { ...app, activities, stats, repository: dataSource.getRepository(Activity) },
    './database.js': { dataSourceOptions },
    libsql: { __esModule: true, default: libsql },
    'nestjs-djaffar': djaffar,
    'nestjs-djaffar/clickhouse': clickhouse,
    'nestjs-djaffar/testing': testing,
    typeorm,
  };
});

afterAll(async () => {
  await host?.close();
  await database?.drop();
});

/**
 * Evaluates a snippet.
 * @param globals other values for these
 * @param own what the app of the snippet has
 */
async function run(
  snippet: Snippet | undefined,
  globals: Record<string, unknown> = {},
  own: Record<string, unknown> = {},
): Promise<Exports> {
  if (!snippet) throw new Error('there is no such snippet');
  const { code } = transformSync(programOf(snippet), SWC);
  const exported: { run?: Run } = {};
  const load = (name: string): unknown => {
    if (!(name in modules)) throw new Error(`${snippet.place} imports ${name}`);
    return name === './app.js' ? { ...(modules[name] as object), ...own } : modules[name];
  };
  const names = Object.keys(globals);
  // oxlint-disable-next-line typescript/no-implied-eval -- the code is from this repository
  new Function('require', 'exports', ...names, code)(load, exported, ...Object.values(globals));
  return (await exported.run?.()) ?? {};
}

const find = (file: string, text: string): Snippet | undefined =>
  all.find(({ place, code }) => place.startsWith(`${file}:`) && code.includes(text));

describe('the README', () => {
  it('shows options with which TypeORM opens SQLite', async () => {
    const { dataSourceOptions } = await run(find('README.md', '// src/database.ts'));
    const options = dataSourceOptions as typeorm.DataSourceOptions;
    const dataSource = new typeorm.DataSource({ ...options, database: ':memory:' } as typeof options);
    await dataSource.initialize();
    expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await dataSource.destroy();
  });

  it('shows a data source for migrations', async () => {
    const { exported } = await run(find('README.md', '// src/data-source.ts'));
    const dataSource = exported as typeorm.DataSource;
    await dataSource.initialize();
    expect(await dataSource.showMigrations()).toBe(false);
    await dataSource.destroy();
  });

  it('shows an app that tracks and answers questions', async () => {
    const { AppModule } = await run(find('README.md', '// src/app.module.ts'));
    const { Reports } = await run(find('README.md', 'class Reports'));
    const started = await core.NestFactory.create(AppModule as common.Type<object>, new ExpressAdapter(), {
      logger: false,
      abortOnError: false,
    });
    try {
      await started.init();
      const get = <T>(type: common.Type<T>): T => started.get(type, { strict: false });
      const activities = get(djaffar.ActivityService);
      await run(find('README.md', "name: 'paid'"), {}, { activities });
      expect(await activities.count({ user: '17', name: 'paid', path: '/invoices/9' })).toBe(1);
      type Example = new (...services: unknown[]) => { example(): Promise<Exports> };
      const reports = new (Reports as Example)(activities, get(djaffar.ActivityStats));
      expect(await reports.example()).toMatchObject({ items: [], next: null, views: 0, pages: [] });
    } finally {
      await started.close();
    }
  });
});

describe('docs/tracking.md', () => {
  const listeners: (() => void)[] = [];
  const browser = {
    addEventListener: (_: string, listener: () => void) => void listeners.push(listener),
    document: { referrer: 'https://example.org/' },
    fetch: (path: string, init: RequestInit) => host.fetch(path, init),
    location: { hash: '#/hash', pathname: '/plain' },
    navigator: {
      sendBeacon: (path: string, body: string) => void host.fetch(path, { method: 'POST', body }),
    },
  };
  const shown = all.filter(({ place }) => place.startsWith('docs/tracking.md'));

  it.each(shown.map((snippet) => [snippet.place, snippet] as const))('%s is stored', async (_, snippet) => {
    const before = await host.activities.count({});
    await run(snippet, browser);
    for (const listener of listeners.splice(0)) listener();
    await until(async () => (await host.activities.count({})) !== before);
    expect(await host.activities.count({})).toBe(before + 1);
  });
});

it.each(
  all
    .filter(({ place, language }) => language === 'ts' && !NOT_RUN.test(place))
    .map((snippet) => [snippet.place, snippet] as const),
)('%s runs', async (_, snippet) => {
  const { Reports } = await run(snippet);
  type Example = new (...services: unknown[]) => { example(): Promise<unknown> };
  const answer = Reports ? new (Reports as Example)(host.activities).example() : Promise.resolve();
  await expect(answer).resolves.not.toThrow();
});
