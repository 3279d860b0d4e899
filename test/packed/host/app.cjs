// One host for all: the entries give it Nest, TypeORM and the packed tarball, by `import` or by `require`.
const assert = require('node:assert');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { tmpdir } = require('node:os');
const { typeOrmOptions } = require('./database.cjs');

module.exports = async function start(packages) {
  const { common, core, adapter, typeorm, driver, djaffar, swagger, passport, Strategy } = packages;
  const { Controller, Get, Inject, Injectable, Module } = common;
  const { ActivityService, ActivityStats, DjaffarModule, djaffarMigrations } = djaffar;

  class AdminGuard {
    canActivate(context) {
      return context.switchToHttp().getRequest().headers['x-admin'] === 'yes';
    }
  }
  Injectable()(AdminGuard);

  /** What a host's own code does with the services. */
  class JobController {
    constructor(activities, stats) {
      this.activities = activities;
      this.stats = stats;
    }

    async run() {
      const { activities, stats } = this;
      const erasedBefore = await activities.erase({ from: '1970-01-01T00:00:00Z' });
      for (const [minute, session, path, name] of HISTORY)
        await activities.track({
          date: new Date(START + minute * 60_000),
          session,
          visit: `${session}-${Math.floor(minute / 1440)}`,
          path,
          name,
          referer: 'https://example.org/',
          properties: name === 'bought' ? { plan: 'pro' } : undefined,
          user: session === 'a' ? { id: 17, name: 'jeff' } : undefined,
        });
      const range = {
        from: new Date(START),
        to: new Date(START + 20 * 86_400_000),
        timeZone: 'Europe/Berlin',
      };
      const ask = async () => ({
        overview: await stats.overview(range, { compareTo: 'previous' }),
        series: await stats.series('views', 'day', range),
        top: (await stats.top('path', { ...range, measure: 'visits' })).items,
        browsers: (await stats.top('browser', range)).items,
        plans: (await stats.top('property', { ...range, property: 'plan' })).items,
        filtered: await stats.overview({ ...range, path: '/b', entry: '/a' }),
        live: await stats.live({ minutes: 5 }),
        funnel: await stats.funnel([{ path: '/a' }, { name: 'bought' }], range),
        retention: await stats.retention({ ...range, period: 'day', by: 'session' }),
        journeys: await stats.journeys({ ...range, start: '/a' }),
        visits: await stats.visits(range),
      });
      const answers = await ask();
      const found = await activities.find({ session: 'b' }, { limit: 2, order: 'asc' });
      await checkCountries(djaffar.mmdb);
      const { register } = installed('prom-client') ?? {};
      if (register)
        assert.match(await register.metrics(), /djaffar_activities_total\{.*result="stored".*\} \d/);
      const streamed = [];
      for await (const { path } of activities.stream({ from: range.from, to: range.to })) streamed.push(path);
      const counted = await activities.count({ path: '/*', from: range.from });
      const erased = await activities.erase({ user: '17' });
      return { erasedBefore, answers, found, streamed, counted, erased, after: await ask() };
    }
  }
  Inject(ActivityService)(JobController, undefined, 0);
  Inject(ActivityStats)(JobController, undefined, 1);
  Get()(JobController.prototype, 'run', Reflect.getOwnPropertyDescriptor(JobController.prototype, 'run'));
  Controller('job')(JobController);

  const passportParts = passport ? passportOf(passport, Strategy, Injectable) : {};

  class AppModule {}
  Module({
    imports: [
      ...(passportParts.imports ?? []),
      typeorm.TypeOrmModule.forRoot({
        ...typeOrmOptions(driver),
        autoLoadEntities: true,
        migrations: [...djaffarMigrations],
        migrationsRun: true,
      }),
      DjaffarModule.forRoot({
        statistics: { maxWait: 60_000 },
        api: { guards: [AdminGuard] },
        dashboard: { guards: [AdminGuard] },
      }),
    ],
    controllers: [JobController],
    providers: passportParts.providers,
  })(AppModule);

  const app = await core.NestFactory.create(AppModule, adapter, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  if (swagger) {
    const document = swagger.SwaggerModule.createDocument(app, new swagger.DocumentBuilder().build());
    assert('/djaffar/stats/overview' in document.paths);
    assert.deepEqual(Object.keys(document.paths['/djaffar/track']), ['post']);
    const { DjaffarActivity } = document.components.schemas;
    assert.deepEqual(DjaffarActivity.properties.userId.nullable, true);
    assert(DjaffarActivity.required.includes('userId'));
    assert.equal(
      JSON.stringify(document.paths)
        .match(/components\/schemas\/\w+/g)
        ?.some((ref) => !(ref.slice(19) in document.components.schemas)),
      false,
    );
  }
  await app.listen(0, '127.0.0.1');
  console.log(`ready http://127.0.0.1:${app.getHttpServer().address().port}`);
};

/** A database of countries: the addresses from 128.0.0.0 on are in Germany. */
const COUNTRIES =
  'AAABAAARAAAAAAAAAAAAAAAAAAAAAOFHY291bnRyeeFIaXNvX2NvZGVCREWrze9NYXhNaW5kLmNvbelbYmluYXJ5X2Zvcm1hdF9tYWpvcl92ZX' +
  'JzaW9uxAAAAAJbYmluYXJ5X2Zvcm1hdF9taW5vcl92ZXJzaW9uxAAAAABLYnVpbGRfZXBvY2jEaVW5AE1kYXRhYmFzZV90eXBlUEdlb0xpdGUy' +
  'LUNvdW50cnlLZGVzY3JpcHRpb27hQmVuSW9mIGEgdGVzdEppcF92ZXJzaW9uxAAAAARJbGFuZ3VhZ2VzAQRCZW5Kbm9kZV9jb3VudMQAAAABS3' +
  'JlY29yZF9zaXplxAAAABg=';

/** The option `geo`, with its optional peer or without it. */
async function checkCountries(mmdb) {
  const folder = mkdtempSync(`${tmpdir()}/djaffar-geo-`);
  const file = `${folder}/countries.mmdb`;
  const geo = mmdb(file);
  try {
    writeFileSync(file, Buffer.from(COUNTRIES, 'base64'));
    if (installed('mmdb-lib')) {
      await geo.open();
      assert.deepEqual(
        ['192.0.2.1', '8.8.8.8', '2001:db8::1'].map((ip) => geo.countryOf(ip)),
        ['DE', null, null],
      );
    } else await assert.rejects(geo.open(), /npm install mmdb-lib/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An optional peer. */
function installed(name) {
  try {
    // Not by a require() that bundlers see.
    return createRequire(__filename)(name);
  } catch {
    return undefined;
  }
}

/** A default strategy of the host's, which knows one token. */
function passportOf({ PassportModule, PassportStrategy }, Strategy, Injectable) {
  class OneToken extends Strategy {
    name = 'one-token';

    authenticate({ headers }) {
      if (headers.authorization === 'Bearer of-ada') this.success({ id: 18, username: 'ada' });
      else this.fail(401);
    }
  }
  class TokenStrategy extends PassportStrategy(OneToken, 'one-token') {
    validate() {
      return undefined;
    }
  }
  Injectable()(TokenStrategy);
  return {
    imports: [PassportModule.register({ defaultStrategy: 'one-token' })],
    providers: [TokenStrategy],
  };
}

/** Far enough back for all that is kept of days. */
const START = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 30 * 86_400_000;
/** Minutes since then. */
const HISTORY = [
  [60, 'a', '/a'],
  [61, 'a', '/b'],
  [62, 'a', '/b', 'bought'],
  [90, 'b', '/a'],
  [3000, 'b', '/a'],
  [3001, 'b', '/c'],
  [6000, 'a', '/c'],
];
