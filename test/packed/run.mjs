// Packs the package, installs the tarball into hosts outside the repository, and has each of them track an activity.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '../..');
const folder = mkdtempSync(join(tmpdir(), 'djaffar-packed-'));
const require = createRequire(import.meta.url);
let [passed, failed] = [0, 0];

function run(cwd, command, ...args) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function check(name, test) {
  try {
    test();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.stdout ?? ''}${error.stderr ?? error.stack}`);
  }
}

const COMMON = ['reflect-metadata', 'rxjs@7', 'class-validator', 'class-transformer', 'libsql'];
const NEST = ['common', 'core', 'platform-express', 'platform-fastify', 'typeorm'];
const HOSTS = [
  {
    name: 'ESM, Nest 12, TypeORM 1',
    entry: 'esm.mjs',
    packages: [...NEST.map((each) => `@nestjs/${each}@12`), 'typeorm@1'],
  },
  {
    name: 'CommonJS, Nest 11, TypeORM 0.3',
    entry: 'cjs.cjs',
    packages: [...NEST.map((each) => `@nestjs/${each}@11`), 'typeorm@0.3'],
  },
];

try {
  const [{ filename, files }] = JSON.parse(
    run(root, 'npm', 'pack', '--json', '--silent', '--pack-destination', folder),
  );
  check('the tarball holds the built library and nothing else', () => {
    const strange = files.filter(
      ({ path }) => !/^(dist\/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
    );
    if (strange.length > 0) throw new Error(strange.map(({ path }) => path).join(' '));
    if (!files.some(({ path }) => path === 'dist/index.js')) throw new Error('no dist/index.js');
  });
  for (const [index, { name, entry, packages }] of HOSTS.entries()) {
    const host = join(folder, `host-${index}`);
    cpSync(here, host, { recursive: true });
    writeFileSync(join(host, 'package.json'), '{ "private": true }');
    run(
      host,
      'npm',
      'install',
      '--no-audit',
      '--no-fund',
      '--silent',
      join(folder, filename),
      ...packages,
      ...COMMON,
    );
    check(`${name}: no optional peer is needed`, () => {
      const { dependencies } = JSON.parse(run(host, 'npm', 'ls', '--depth=0', '--json'));
      if (dependencies['@nestjs/passport']) throw new Error('@nestjs/passport is there');
    });
    for (const adapter of ['express', 'fastify']) {
      check(`${name}: a host on ${adapter} tracks`, () => run(host, process.execPath, entry, adapter));
    }
    const typeorm = (...args) =>
      run(host, process.execPath, 'node_modules/typeorm/cli.js', ...args, '-d', 'data-source.cjs');
    check(`${name}: TypeORM's command line runs the migrations`, () => typeorm('migration:run'));
    check(`${name}: and finds nothing left to generate`, () =>
      typeorm('migration:generate', '--check', 'nothing'),
    );
    check(`${name}: and reverts them`, () => typeorm('migration:revert'));
    check(`${name}: a host in TypeScript compiles`, () => {
      const options =
        '--strict --noEmit --target es2023 --module nodenext --moduleResolution nodenext --experimentalDecorators --emitDecoratorMetadata --skipLibCheck --types node';
      const types = join(root, 'node_modules/@types');
      run(
        host,
        process.execPath,
        require.resolve('typescript/bin/tsc'),
        ...options.split(' '),
        '--typeRoots',
        types,
        'host.ts',
      );
    });
  }
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.log(`a host gets, beside its own: ${Object.keys(dependencies).join(', ')}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
