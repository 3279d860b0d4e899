// One host for all: the entries give it Nest, TypeORM and the packed tarball, by `import` or by `require`.
module.exports = async function run({ common, core, adapter, typeorm, libsql, djaffar }, name) {
  const { DjaffarModule, djaffarMigrations, ActivityService } = djaffar;
  const guard = {
    canActivate: (context) => context.switchToHttp().getRequest().headers['x-admin'] === 'yes',
  };
  const AppModule = class AppModule {};
  common.Module({
    imports: [
      typeorm.TypeOrmModule.forRoot({
        type: 'better-sqlite3',
        driver: libsql,
        database: `${name}.sqlite`,
        autoLoadEntities: true,
        migrations: [...djaffarMigrations],
        migrationsRun: true,
      }),
      DjaffarModule.forRoot({ api: { guards: [guard] } }),
    ],
  })(AppModule);
  const app = await core.NestFactory.create(AppModule, adapter, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}/djaffar`;
  const id = crypto.randomUUID();
  const body = new URLSearchParams({ id, date: new Date().toISOString(), path: '/packed' });
  const posted = await fetch(`${url}/track/`, { method: 'POST', body });
  if (posted.status !== 204) throw new Error(`POST was answered ${posted.status} ${await posted.text()}`);
  const refused = await fetch(`${url}/activities`);
  if (refused.status !== 403) throw new Error(`GET without a right was answered ${refused.status}`);
  const { items } = await (await fetch(`${url}/activities`, { headers: { 'x-admin': 'yes' } })).json();
  if (items.length !== 1 || items[0].id !== id || items[0].path !== '/packed')
    throw new Error(JSON.stringify(items));
  const page = await app.get(ActivityService, { strict: false }).find({ path: '/pack*' });
  if (page.items[0]?.session?.id !== items[0].sessionId) throw new Error('the session is missing');
  await app.close();
};
