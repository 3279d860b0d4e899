// `nest add nestjs-djaffar` in an app as `nest new` makes it, by the Nest CLI.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, install, run, start } from './process.mjs';

const COMPILER_OPTIONS = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  esModuleInterop: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  declaration: true,
  target: 'ES2023',
  rootDir: './src',
  outDir: './dist',
  types: ['node'],
  skipLibCheck: true,
  strict: true,
};

const TYPEORM = `TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      driver: Database as unknown,
      database: 'app.sqlite',
      entities: [],
      migrationsRun: true,
    }),`;

/** The files of a new app; with TypeORM, if it has that before. */
function filesOf({ modules, hasTypeOrm }) {
  const js = modules === 'esm' ? '.js' : '';
  const imports = hasTypeOrm
    ? `import { TypeOrmModule } from '@nestjs/typeorm';\nimport Database from 'libsql';\n`
    : '';
  return {
    'package.json': JSON.stringify({ private: true, type: modules === 'esm' ? 'module' : 'commonjs' }),
    'nest-cli.json': JSON.stringify({ collection: '@nestjs/schematics', sourceRoot: 'src' }),
    'tsconfig.json': JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['src'] }),
    'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${js}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  console.log(\`ready \${await app.getUrl()}\`);
}
void bootstrap();
`,
    'src/app.module.ts': `import { Module } from '@nestjs/common';
${imports}
@Module({
  imports: [${hasTypeOrm ? `\n    ${TYPEORM}\n  ` : ''}],
})
export class AppModule {}
`,
  };
}

/** @returns a row of the table */
export async function checkNestAdd(host, { name, packages, ...app }, tarball) {
  mkdirSync(join(host, 'src'));
  for (const [path, content] of Object.entries(filesOf(app))) writeFileSync(join(host, path), content);
  const nest = (...args) =>
    run(host, process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', ...args], {
      npm_config_prefer_offline: 'true',
    });
  const sources = () =>
    readdirSync(join(host, 'src')).map((file) => readFileSync(join(host, 'src', file), 'utf8'));
  const passed = await check(`${name}: the first activity is stored`, async () => {
    await install(host, [tarball, ...packages]);
    const said = await nest('add', 'nestjs-djaffar', '--skip-install');
    assert.match(said, /<script defer src="\/djaffar\/tracker\.js"><\/script>/);
    assert.doesNotMatch(said, /left as it is/);
    const added = sources();
    assert.match(await nest('add', 'nestjs-djaffar', '--skip-install'), /Nothing to be done/);
    assert.deepEqual(sources(), added);
    await nest('build');
    const { url, stop } = await start(host, process.execPath, ['dist/main.js']);
    try {
      const body = new URLSearchParams({ date: new Date().toISOString(), path: '/first' });
      assert.equal((await fetch(`${url}/djaffar/track/`, { method: 'POST', body })).status, 204);
    } finally {
      await stop();
    }
    const { default: Database } = await import('libsql');
    const database = new Database(join(host, app.hasTypeOrm ? 'app.sqlite' : 'djaffar.sqlite'));
    try {
      assert.deepEqual(
        database
          .prepare('SELECT path FROM djaffar_activity')
          .all()
          .map(({ path }) => path),
        ['/first'],
      );
    } finally {
      database.close();
    }
  });
  return [`Node ${process.version}: ${passed ? 'the first activity' : 'FAILED'}`];
}
