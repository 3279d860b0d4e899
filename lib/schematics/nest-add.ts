import { posix } from 'node:path';
import { addTables, importModule, mentions } from './edits.js';
import { type DatabaseName, databaseFile, dataSourceFile, DRIVER_OF, SQLITE_FILE } from './own-database.js';
import { nextSteps } from './next-steps.js';
import { addPackages, isInstalled, type Manifest, readManifest } from './packages.js';
import { addImport, type Edit } from './source-text.js';
import { type Context, readText, sourcesIn, type Tree } from './tree.js';

/** The flags of `nest add nestjs-djaffar`; `schema.json` describes them. */
export interface NestAddOptions {
  sourceRoot?: string | undefined;
  module?: string | undefined;
  database?: DatabaseName | undefined;
  skipPackages?: boolean | undefined;
}

const FOR_ROOT = 'TypeOrmModule.forRoot';
const DATA_SOURCE = 'new DataSource';
const PACKAGE_JSON = '/package.json';

/** The schematic of `nest add nestjs-djaffar`. It leaves code that it does not understand unchanged, and logs the lines to add. */
export function nestAdd(options: NestAddOptions = {}): (tree: Tree, context: Context) => void {
  return (tree, context) => {
    const manifestText = readText(tree, PACKAGE_JSON);
    if (manifestText === undefined)
      throw new Error('There is no package.json here: run it in the folder of the app.');
    const addition = new Addition(tree, options, readManifest(manifestText));
    addition.run(manifestText);
    if (addition.needsPackages && options.skipPackages !== true)
      context.addTask({
        toConfiguration: () => ({
          name: 'node-package',
          options: {
            command: 'install',
            quiet: true,
            hideOutput: true,
            packageManager: detectPackageManager(tree),
          },
        }),
      });
    for (const text of addition.byHand) context.logger.warn(text);
    context.logger.info(addition.nextSteps());
  };
}

/** The changes of one app. */
class Addition {
  needsPackages = false;
  /** Messages for code that was not understood, with the lines to add. */
  readonly byHand: string[] = [];
  private readonly root: string;
  private readonly sources: string[];
  /** A file of TypeORM's command line. */
  private dataSource: string | undefined;
  private usesTypeOrm = false;
  /** Whether TypeORM creates the tables when the app starts. */
  private isAutomatic = false;

  constructor(
    private readonly tree: Tree,
    private readonly options: NestAddOptions,
    private readonly manifest: Manifest,
  ) {
    this.root = `/${(options.sourceRoot ?? 'src').replaceAll(/^\/+|\/+$/g, '')}`;
    this.sources = sourcesIn(tree, this.root);
  }

  run(manifestText: string): void {
    const configured = this.sources.filter((path) => mentions(this.read(path), 'TypeOrmModule'));
    const forRoot = configured.filter((path) => /TypeOrmModule\s*\.\s*forRoot/.test(this.read(path)));
    this.usesTypeOrm = forRoot.length > 0;
    const own = this.usesTypeOrm ? undefined : (this.options.database ?? this.installedDatabase());
    const packages = addPackages(manifestText, own && DRIVER_OF[own]);
    if (packages !== undefined) this.tree.overwrite(PACKAGE_JSON, packages);
    this.needsPackages = packages !== undefined;
    if (own) this.importWithDatabase(own);
    else {
      this.importInto(this.findRootModule(), '');
      this.addTablesTo(forRoot);
    }
  }

  nextSteps(): string {
    const { usesTypeOrm, isAutomatic, dataSource } = this;
    const main = this.read(`${this.root}/main.ts`);
    const prefix = /\.setGlobalPrefix\(\s*['"]\/?([\w/-]+?)\/?['"]/.exec(main)?.[1];
    const isPrefixUnknown = prefix === undefined && mentions(main, 'setGlobalPrefix');
    return nextSteps({
      isToInstall: this.needsPackages && this.options.skipPackages === true,
      usesTypeOrm,
      isAutomatic,
      needsUrl: mentions(this.read(this.databaseFile), 'DATABASE_URL'),
      prefix: isPrefixUnknown ? '/<global prefix>' : prefix === undefined ? '' : `/${prefix}`,
      hasShutdownHooks: mentions(main, 'enableShutdownHooks'),
      dataSource: dataSource && `dist${dataSource.slice(this.root.length).replace(/\.ts$/, '.js')}`,
    });
  }

  private importWithDatabase(database: DatabaseName): void {
    const root = this.findRootModule();
    // Only if the module can be imported; without it, the files would be useless.
    if (!this.importInto(root, '{ database: djaffarDatabase }')) return;
    const file = this.databaseFile;
    if (!this.tree.exists(file)) this.tree.create(file, databaseFile(database, this.hasInterop()));
    if (database === 'sqlite') this.ignoreFile();
    const extension =
      root !== undefined && /from (['"])\.[^'"]*\.js\1/.test(this.read(root)) ? '.js' : this.extension();
    const dataSource = `${this.root}/djaffar.data-source.ts`;
    if (!this.tree.exists(dataSource)) this.tree.create(dataSource, dataSourceFile(extension));
    if (root === undefined) return;
    const relative = posix.relative(posix.dirname(root), `${this.root}/djaffar.database`);
    const from = relative.startsWith('.') ? relative : `./${relative}`;
    this.tree.overwrite(root, addImport(this.read(root), ['djaffarDatabase'], `${from}${extension}`));
  }

  private get databaseFile(): string {
    return `${this.root}/djaffar.database.ts`;
  }

  /** The SQLite file, with its log. */
  private ignoreFile(): void {
    const ignored = readText(this.tree, '/.gitignore');
    if (ignored === undefined || ignored.includes(SQLITE_FILE)) return;
    const separator = ignored === '' || ignored.endsWith('\n') ? '' : '\n';
    this.tree.overwrite('/.gitignore', `${ignored}${separator}${SQLITE_FILE}*\n`);
  }

  /** @returns whether it was added now */
  private importInto(root: string | undefined, argument: string): boolean {
    const lines = [
      `import { DjaffarModule } from 'nestjs-djaffar';`,
      `imports: [DjaffarModule.forRoot(${argument.replace('djaffarDatabase', '{ url: process.env.DATABASE_URL! }')})],`,
    ];
    if (this.sources.some((path) => mentions(this.read(path), 'DjaffarModule'))) return false;
    if (root === undefined) {
      this.leave('The root module was not found (give its file by --module). Add to it:', lines);
      return false;
    }
    return this.edit(root, importModule(this.read(root), argument), lines);
  }

  private addTablesTo(forRoot: string[]): void {
    const optionsFiles = new Set<string>();
    for (const path of forRoot) {
      this.isAutomatic ||= /\b(?:synchronize|migrationsRun)\s*:\s*true\b/.test(this.read(path));
      const lines = [
        `import { djaffarEntities, djaffarMigrations } from 'nestjs-djaffar';`,
        'entities: [...yourEntities, ...djaffarEntities], // unless you have autoLoadEntities: true',
        'migrations: [...yourMigrations, ...djaffarMigrations],',
      ];
      const optionsFile = this.findOptionsFile(path);
      if (optionsFile === undefined)
        this.edit(path, addTables(this.read(path), FOR_ROOT), lines, 'TypeOrmModule in ');
      else if (!optionsFiles.has(optionsFile))
        this.leave(
          `${optionsFile.slice(1)} has the options of TypeORM and is left as it is. Add to it:`,
          lines,
        );
      if (optionsFile !== undefined) optionsFiles.add(optionsFile);
    }
    const files = [...this.sources, ...this.filesBesideRoot()];
    for (const path of files.filter((each) => this.isDataSourceFile(each))) {
      if (path.startsWith(`${this.root}/`)) this.dataSource ??= path;
      this.edit(path, addTables(this.read(path), DATA_SOURCE), [
        `import { djaffarEntities, djaffarMigrations } from 'nestjs-djaffar';`,
        'entities: [...yourEntities, ...djaffarEntities],',
        'migrations: [...yourMigrations, ...djaffarMigrations],',
      ]);
    }
  }

  /** Whether TypeORM's command line can use the file: a `dataSourceFactory` only passes on the options of the module. */
  private isDataSourceFile(path: string): boolean {
    const text = this.read(path);
    return mentions(text, DATA_SOURCE) && !mentions(text, 'dataSourceFactory');
  }

  /** The file of the class in `useClass`, which has the options of TypeORM. */
  private findOptionsFile(path: string): string | undefined {
    const names = [...this.read(path).matchAll(/\buseClass\s*:\s*(\w+)/g)].map(([, name]) => name);
    const isOfOne = new RegExp(`\\bclass (?:${names.join('|')}) implements TypeOrmOptionsFactory\\b`);
    return names.length > 0 ? this.sources.find((each) => isOfOne.test(this.read(each))) : undefined;
  }

  /**
   * @param place is put before the file in the message, if the edit is of a part of the file
   * @returns whether the file was changed
   */
  private edit(path: string, edit: Edit, lines: string[], place = ''): boolean {
    if ('fault' in edit) {
      this.leave(`${place}${path.slice(1)} is left as it is, because ${edit.fault}. Add to it:`, lines);
      return false;
    }
    if (edit.code === this.read(path)) return false;
    this.tree.overwrite(path, edit.code);
    return true;
  }

  private leave(reason: string, lines: string[]): void {
    this.byHand.push([reason, '', ...lines.map((line) => `  ${line}`), ''].join('\n'));
  }

  /** The module that main.ts starts. */
  private findRootModule(): string | undefined {
    const { module: given } = this.options;
    if (given !== undefined) {
      const path = `/${given.replace(/^\.?\//, '')}`;
      if (!this.tree.exists(path)) throw new Error(`--module: there is no file ${given}`);
      return path;
    }
    const main = readText(this.tree, `${this.root}/main.ts`) ?? '';
    const name = /\bNestFactory\s*\.\s*create(?:<[^(]*>)?\(\s*(\w+)/.exec(main)?.[1];
    const from =
      name && new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from ['"](\\.[^'"]+)['"]`).exec(main)?.[1];
    const path = `${posix.join(this.root, from || './app.module').replace(/\.js$/, '')}.ts`;
    return this.tree.exists(path) ? path : undefined;
  }

  private filesBesideRoot(): string[] {
    return this.tree
      .getDir('/')
      .subfiles.filter((file) => file.endsWith('.ts'))
      .map((file) => `/${file}`);
  }

  private installedDatabase(): DatabaseName {
    if (isInstalled(this.manifest, 'pg')) return 'postgres';
    return isInstalled(this.manifest, 'mysql2') ? 'mysql' : 'sqlite';
  }

  private hasInterop(): boolean {
    const config = readText(this.tree, '/tsconfig.json') ?? '';
    return /"esModuleInterop"\s*:\s*true|"module"\s*:\s*"(?:node\w+|preserve)"/i.test(config);
  }

  /** The extension of relative imports, in an app whose files have no relative imports. */
  private extension(): string {
    return /"type"\s*:\s*"module"/.test(readText(this.tree, PACKAGE_JSON) ?? '') ? '.js' : '';
  }

  private read(path: string): string {
    return readText(this.tree, path) ?? '';
  }
}

/** By the lock file; `undefined` for npm. */
function detectPackageManager(tree: Tree): string | undefined {
  const LOCK_FILES = { 'pnpm-lock.yaml': 'pnpm', 'yarn.lock': 'yarn', 'bun.lock': 'bun', 'bun.lockb': 'bun' };
  return Object.entries(LOCK_FILES).find(([file]) => tree.exists(`/${file}`))?.[1];
}
