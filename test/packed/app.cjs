// One host for all: the entries give it Nest, TypeORM and the packed tarball, by `import` or by `require`.
module.exports = async function start({ common, core, adapter, typeorm, libsql, djaffar }, name) {
  const { Controller, Get, Inject, Injectable, Module } = common;
  const { ActivityService, DjaffarModule, djaffarMigrations } = djaffar;

  class AdminGuard {
    canActivate(context) {
      return context.switchToHttp().getRequest().headers['x-admin'] === 'yes';
    }
  }
  Injectable()(AdminGuard);

  class ReportController {
    constructor(activities) {
      this.activities = activities;
    }
    report() {
      return this.activities.find({ path: '/pack*' });
    }
  }
  Inject(ActivityService)(ReportController, undefined, 0);
  Get()(
    ReportController.prototype,
    'report',
    Reflect.getOwnPropertyDescriptor(ReportController.prototype, 'report'),
  );
  Controller('report')(ReportController);

  class AppModule {}
  Module({
    imports: [
      typeorm.TypeOrmModule.forRoot({
        type: 'better-sqlite3',
        driver: libsql,
        database: `${name}.sqlite`,
        autoLoadEntities: true,
        migrations: [...djaffarMigrations],
        migrationsRun: true,
      }),
      DjaffarModule.forRoot({ api: { guards: [AdminGuard] }, dashboard: { guards: [AdminGuard] } }),
    ],
    controllers: [ReportController],
  })(AppModule);

  const app = await core.NestFactory.create(AppModule, adapter, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  console.log(`ready http://127.0.0.1:${app.getHttpServer().address().port}`);
};
