import { type NestAddOptions, nestAdd } from '../../lib/schematics/nest-add.js';
import type { Tree } from '../../lib/schematics/tree.js';

/** Files in memory, as the Nest CLI gives them to a schematic. */
class FileTree implements Tree {
  private readonly files: Map<string, string>;

  constructor(files: Record<string, string>) {
    this.files = new Map(Object.entries(files).map(([path, content]) => [`/${path}`, content]));
  }

  exists(path: string): boolean {
    return this.files.has(path);
  }

  read(path: string): Buffer | null {
    const content = this.files.get(path);
    return content === undefined ? null : Buffer.from(content);
  }

  create(path: string, content: string): void {
    if (this.files.has(path)) throw new Error(`${path} is there already`);
    this.files.set(path, content);
  }

  overwrite(path: string, content: string): void {
    if (!this.files.has(path)) throw new Error(`there is no ${path}`);
    this.files.set(path, content);
  }

  getDir(path: string): { subfiles: string[]; subdirs: string[] } {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const below = [...this.files.keys()].filter((each) => each.startsWith(prefix));
    const names = below.map((each) => each.slice(prefix.length).split('/'));
    return {
      subfiles: names.flatMap(([name = '', ...rest]) => (rest.length === 0 ? [name] : [])),
      subdirs: [...new Set(names.flatMap(([name = '', ...rest]) => (rest.length > 0 ? [name] : [])))],
    };
  }

  get content(): Record<string, string> {
    return Object.fromEntries([...this.files].map(([path, content]) => [path.slice(1), content]));
  }
}

interface Run {
  files: Record<string, string>;
  warnings: string;
  info: string;
  tasks: object[];
}

function run(files: Record<string, string>, options: NestAddOptions = {}): Run {
  const tree = new FileTree(files);
  const warnings: string[] = [];
  const info: string[] = [];
  const tasks: object[] = [];
  nestAdd({ sourceRoot: 'src', ...options })(tree, {
    logger: { info: (text) => void info.push(text), warn: (text) => void warnings.push(text) },
    addTask: (task) => tasks.push(task.toConfiguration()),
  });
  return { files: tree.content, warnings: warnings.join('\n'), info: info.join('\n'), tasks };
}

const manifest = (nest: number, more: Record<string, string> = {}): string =>
  `${JSON.stringify({ name: 'app', dependencies: { '@nestjs/core': `^${nest}.0.1`, rxjs: '^7.8.1', ...more } }, null, 2)}\n`;

/** What `nest new` makes. */
const created = (nest: 11 | 12, more?: Record<string, string>): Record<string, string> => {
  const js = nest === 12 ? '.js' : '';
  return {
    'package.json':
      nest === 12 ? manifest(12, more).replace('{', '{\n  "type": "module",') : manifest(11, more),
    'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "esModuleInterop": true } }',
    'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${js}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`,
    'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller${js}';
import { AppService } from './app.service${js}';

@Module({
  imports: [],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`,
  };
};

const withModule = (module: string): Record<string, string> => ({
  ...created(11),
  'src/app.module.ts': module,
});

describe('nest add nestjs-djaffar', () => {
  it('gives a new app in CommonJS a database of its own, and says what comes next', () => {
    const { files, info, warnings, tasks } = run({ ...created(11), '.gitignore': '/dist' });
    expect(files['src/app.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { AppService } from './app.service';
import { DjaffarModule } from 'nestjs-djaffar';
import { djaffarDatabase } from './djaffar.database';

@Module({
  imports: [DjaffarModule.forRoot({ database: djaffarDatabase })],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`);
    expect(files['src/djaffar.database.ts']).toContain("import Database from 'libsql';");
    expect(files['src/djaffar.data-source.ts']).toContain('createDataSource(djaffarDatabase)');
    expect(JSON.parse(files['package.json'] ?? '')).toEqual({
      name: 'app',
      dependencies: {
        '@nestjs/core': '^11.0.1',
        '@nestjs/typeorm': '^11.0.0',
        'class-transformer': '^0.5.1',
        'class-validator': '^0.14.1',
        libsql: '^0.5.29',
        rxjs: '^7.8.1',
        typeorm: '^0.3.28',
      },
    });
    expect(tasks).toMatchObject([{ name: 'node-package', options: { command: 'install' } }]);
    expect(warnings).toBe('');
    expect(info).toContain('<script defer src="/djaffar/tracker.js"></script>');
    expect(info).toContain('  npm run start');
    expect(files['.gitignore']).toBe('/dist\ndjaffar.sqlite*\n');
  });

  it('writes file names with an extension in an app of ES modules, and packages for its Nest', () => {
    const { files } = run(created(12));
    expect(files['src/app.module.ts']).toContain("import { djaffarDatabase } from './djaffar.database.js';");
    expect(files['src/djaffar.data-source.ts']).toContain("from './djaffar.database.js'");
    expect(JSON.parse(files['package.json'] ?? '').dependencies).toMatchObject({
      '@nestjs/typeorm': '^12.0.1',
      typeorm: '^1.0.0',
    });
  });

  it.each<[string, Record<string, string>, NestAddOptions, string, string]>([
    ['of an installed driver', { pg: '^8.0.0' }, {}, 'postgres://', 'pg'],
    ['that is asked for', {}, { database: 'mariadb' }, 'mariadb://', 'mysql2'],
  ])('uses the database %s', (_, installed, options, url, driver) => {
    const { files, info } = run(created(11, installed), options);
    expect(info).toContain('DATABASE_URL=… npm run start');
    expect(files['src/djaffar.database.ts']).toContain(url);
    expect(files['src/djaffar.database.ts']).toContain('{ url: process.env.DATABASE_URL! }');
    const { dependencies } = JSON.parse(files['package.json'] ?? '');
    expect(dependencies).toHaveProperty([driver]);
    expect(dependencies).not.toHaveProperty('libsql');
  });

  it('imports CommonJS as an app without esModuleInterop does', () => {
    const { files } = run({
      ...created(11),
      'tsconfig.json': '{ "compilerOptions": { "module": "commonjs" } }',
    });
    expect(files['src/djaffar.database.ts']).toContain("import Database = require('libsql');");
  });

  it('adds entities and migrations to TypeORM and to the data source of its command line', () => {
    const { files, info, warnings } = run({
      ...created(11, { '@nestjs/typeorm': '^11.0.0', typeorm: '^0.3.20', pg: '^8.0.0' }),
      'src/app.module.ts': `import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { User } from "./user.entity"; // ours

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: "postgres", // not a string: [
      url: process.env.DATABASE_URL,
      entities: [User], // ours, too
    }),
  ],
})
export class AppModule {}
`,
      'src/data-source.ts': `import { DataSource } from 'typeorm'

export default new DataSource({ type: 'postgres', entities: ['dist/**/*.entity.js'], migrations: ['dist/migrations/*.js'] })
`,
    });
    expect(files['src/app.module.ts']).toBe(`import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { User } from "./user.entity"; // ours
import { DjaffarModule, djaffarEntities, djaffarMigrations } from "nestjs-djaffar";

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: "postgres", // not a string: [
      url: process.env.DATABASE_URL,
      entities: [User, ...djaffarEntities], // ours, too
      migrations: [...djaffarMigrations],
    }),
    DjaffarModule.forRoot(),
  ],
})
export class AppModule {}
`);
    expect(files['src/data-source.ts']).toBe(`import { DataSource } from 'typeorm'
import { djaffarEntities, djaffarMigrations } from 'nestjs-djaffar'

export default new DataSource({ type: 'postgres', entities: ['dist/**/*.entity.js', ...djaffarEntities], migrations: ['dist/migrations/*.js', ...djaffarMigrations] })
`);
    expect(files).not.toHaveProperty(['src/djaffar.database.ts']);
    expect(warnings).toBe('');
    expect(info).toContain('npm run build && npx typeorm migration:run -d dist/data-source.js');
  });

  it.each([
    ['autoLoadEntities: true', 'autoLoadEntities: true, migrations: [...djaffarMigrations]'],
    ['autoLoadEntities: true, synchronize: true', 'autoLoadEntities: true, synchronize: true'],
    [
      'autoLoadEntities: true, migrationsRun: true',
      'autoLoadEntities: true, migrationsRun: true, migrations: [...djaffarMigrations]',
    ],
  ])('leaves to TypeORM what it does with %s', (options, expected) => {
    const { files, info } = run(
      withModule(`@Module({ imports: [TypeOrmModule.forRoot({ type: 'mysql', ${options} })] })
export class AppModule {}
`),
    );
    expect(files['src/app.module.ts']).toContain(
      `forRoot({ type: 'mysql', ${expected} }), DjaffarModule.forRoot()]`,
    );
    expect(info).toContain(
      /synchronize|Run/.test(options) ? 'when the app starts' : 'run the migrations as usual',
    );
  });

  it.each<[string, Record<string, string>, NestAddOptions]>([
    ['a new app', created(11), {}],
    ['an app of ES modules', created(12), { database: 'postgres' }],
    [
      'an app with TypeORM',
      withModule(
        `@Module({ imports: [TypeOrmModule.forRoot({ type: 'mysql' })] })\nexport class AppModule {}\n`,
      ),
      {},
    ],
  ])('changes nothing if it is run again in %s', (_, files, options) => {
    const first = run(files, options);
    const second = run(first.files, options);
    expect(second.files).toEqual(first.files);
    expect(second.tasks).toEqual([]);
    expect(second.warnings).toBe('');
  });

  it.each([
    [
      'imports from elsewhere',
      '@Module({ imports })\nexport class AppModule {}\n',
      '"imports" is not a plain array',
    ],
    [
      'a spread',
      '@Module({ ...base })\nexport class AppModule {}\n',
      '"imports" may come from an object that is spread',
    ],
    [
      'a definition from elsewhere',
      '@Module(definition)\nexport class AppModule {}\n',
      'not given a plain object',
    ],
    [
      'a list that is made',
      '@Module({ imports: [A].concat(B) })\nexport class AppModule {}\n',
      '"imports" is not a plain array',
    ],
    [
      'two modules',
      '@Module({})\nclass A {}\n@Module({})\nexport class AppModule {}\n',
      'not exactly one @Module',
    ],
    [
      'brackets that do not match',
      '@Module({ imports: [ })\nexport class AppModule {}\n',
      'not given a plain object',
    ],
  ])('leaves a module with %s as it is, and says what to write there', (_, module, reason) => {
    const { files, warnings } = run(withModule(module));
    expect(files['src/app.module.ts']).toBe(module);
    expect(files).not.toHaveProperty(['src/djaffar.database.ts']);
    expect(warnings).toContain(`src/app.module.ts is left as it is, because`);
    expect(warnings).toContain(reason);
    expect(warnings).toContain("import { DjaffarModule } from 'nestjs-djaffar';");
    expect(warnings).toContain(
      'imports: [DjaffarModule.forRoot({ database: { url: process.env.DATABASE_URL! } })],',
    );
  });

  it.each([
    [
      'forRootAsync',
      'TypeOrmModule.forRootAsync({ useFactory: () => ({}) })',
      'not exactly one TypeOrmModule.forRoot',
    ],
    [
      'options from elsewhere',
      'TypeOrmModule.forRoot(options)',
      'TypeOrmModule.forRoot is not given a plain object',
    ],
    [
      'a spread',
      'TypeOrmModule.forRoot({ ...options, autoLoadEntities: true })',
      '"migrations" may come from an object',
    ],
    [
      'a name',
      "TypeOrmModule.forRoot({ name: 'two' })",
      'has a "name", which the option "dataSource" must repeat',
    ],
  ])('leaves TypeORM with %s as it is, and says what to write there', (_, typeorm, reason) => {
    const { files, warnings } = run(
      withModule(`@Module({ imports: [${typeorm}] })\nexport class AppModule {}\n`),
    );
    expect(files['src/app.module.ts']).toBe(
      `import { DjaffarModule } from 'nestjs-djaffar';\n@Module({ imports: [${typeorm}, DjaffarModule.forRoot()] })\nexport class AppModule {}\n`,
    );
    expect(warnings).toContain(reason);
    expect(warnings).toContain('TypeOrmModule in src/app.module.ts is left as it is');
    expect(warnings).toContain('migrations: [...yourMigrations, ...djaffarMigrations],');
  });

  it('names the files of an app that configures TypeORM by a class, and that of its command line', () => {
    const { info, warnings } = run({
      ...created(11, { '@nestjs/typeorm': '^11.0.0', typeorm: '^0.3.20', pg: '^8.0.0' }),
      'src/main.ts': `import { AppModule } from './app.module';
const app = await NestFactory.create(AppModule);
app.setGlobalPrefix('/api/');
app.enableShutdownHooks();`,
      'src/app.module.ts': `@Module({ imports: [MongooseModule.forRootAsync({ useClass: MongooseConfigService }), TypeOrmModule.forRootAsync({
  useClass: TypeOrmConfigService,
  dataSourceFactory: async (options) => new DataSource(options).initialize(),
})] })
export class AppModule {}`,
      'src/database/typeorm-config.service.ts':
        'export class TypeOrmConfigService implements TypeOrmOptionsFactory {}',
      'src/database/data-source.ts':
        'export const AppDataSource = new DataSource({ entities: [], migrations: [] });',
      'src/seeds/seed.module.ts': `TypeOrmModule.forRootAsync({
  useClass: TypeOrmConfigService,
  dataSourceFactory: async (options) => new DataSource(options).initialize(),
})`,
    });
    expect(warnings.match(/^src\S+/gm)).toEqual(['src/database/typeorm-config.service.ts']);
    expect(info).toContain('npx typeorm migration:run -d dist/database/data-source.js');
    expect(info).toContain('<script defer src="/api/djaffar/tracker.js"></script>');
    expect(info).not.toContain('enableShutdownHooks');
    expect(info).toContain('guards: [JwtAuthGuard]');
  });

  it('says that a global prefix, which is not a text in main.ts, is missing in the paths', () => {
    const { 'src/main.ts': main = '', ...rest } = created(12);
    const { info } = run({
      ...rest,
      'src/main.ts': main.replace(
        '  await app.listen',
        "  app.setGlobalPrefix(config.getOrThrow('prefix'));\n  await app.listen",
      ),
    });
    expect(info).toContain('<script defer src="/<global prefix>/djaffar/tracker.js"></script>');
    expect(info).toContain('dashboard at /<global prefix>/djaffar/dashboard/');
  });

  it('finds the root module by main.ts, or by a flag, and says if there is none', () => {
    const { 'src/app.module.ts': module = '', 'src/main.ts': main = '', ...rest } = created(12);
    const elsewhere = {
      ...rest,
      'src/main.ts': main.replace('./app.module.js', './shop/shop.module.js'),
      'src/shop/shop.module.ts': module,
    };
    expect(run(elsewhere).files['src/shop/shop.module.ts']).toContain(
      "import { djaffarDatabase } from '../djaffar.database.js';",
    );
    const unknown = { ...rest, 'src/main.ts': 'start();\n', 'src/shop/shop.module.ts': module };
    expect(run(unknown).warnings).toContain('The root module was not found');
    const { files, warnings } = run(unknown, { module: 'src/shop/shop.module.ts' });
    expect(files['src/shop/shop.module.ts']).toContain('DjaffarModule.forRoot(');
    expect(warnings).toBe('');
    expect(() => run(unknown, { module: 'src/none.ts' })).toThrow('there is no file src/none.ts');
  });

  it.each([
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
  ])('installs with the package manager of %s', (file, packageManager) => {
    expect(run({ ...created(11), [file]: '' }).tasks).toMatchObject([{ options: { packageManager } }]);
  });

  it('installs nothing with --skip-packages, and refuses a Nest that is too old', () => {
    const { tasks, info } = run(created(11), { skipPackages: true });
    expect(tasks).toEqual([]);
    expect(info).toContain('  npm install');
    expect(() => run({ 'package.json': manifest(9) })).toThrow('nestjs-djaffar needs Nest 10, 11 or 12');
  });
});
