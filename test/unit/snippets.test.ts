import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snippets } from '../support/snippets/markdown.js';
import { fileOf, moduleOf } from '../support/snippets/modules.js';

const FOLDER = 'node_modules/.cache/djaffar-snippets';
const ROOT = '../../..';

const OPTIONS = {
  lib: ['ES2023', 'ES2024.String', 'DOM', 'DOM.Iterable'],
  types: ['node', 'jest'],
  jsx: 'preserve',
  declaration: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  paths: {
    'nestjs-djaffar': [`${ROOT}/lib/index.ts`],
    'nestjs-djaffar/clickhouse': [`${ROOT}/lib/store/clickhouse/index.ts`],
    'nestjs-djaffar/testing': [`${ROOT}/lib/testing/index.ts`],
    'nestjs-djaffar/client': [`${ROOT}/lib/client/index.ts`],
  },
};

/** JavaScript has no types for parameters. */
const UNTYPED = { allowJs: true, checkJs: true, noImplicitAny: false, noUncheckedIndexedAccess: false };

/** What the script `tracker.js` adds to a page. */
const WINDOW = 'interface Window { djaffar: Record<string | symbol, (...given: unknown[]) => unknown> }\n';

function compile(config: string): string {
  try {
    return execFileSync(process.execPath, [
      'node_modules/typescript-7/bin/tsc',
      '--noEmit',
      '-p',
      join(FOLDER, config),
    ]).toString();
  } catch (error) {
    return String((error as { stdout?: Buffer }).stdout ?? error);
  }
}

describe('the snippets of the README and of docs', () => {
  const all = snippets();

  beforeAll(() => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    const write = (file: string, content: string): void => writeFileSync(join(FOLDER, file), content);
    for (const snippet of all) write(fileOf(snippet), moduleOf(snippet));
    write('package.json', '{ "type": "module" }');
    write('app.ts', `export * from '${ROOT}/test/support/snippets/app.js';\n`);
    write('window.d.ts', WINDOW);
    const config = (include: string[], options: object): string =>
      JSON.stringify({
        extends: `${ROOT}/tsconfig.json`,
        compilerOptions: { ...OPTIONS, ...options },
        include: [...include, `${ROOT}/lib/client/browser.d.ts`],
        exclude: [],
      });
    write('tsconfig.json', config(['*.ts', '*.tsx'], {}));
    write('tsconfig.js.json', config(['*.js', '*.cjs', 'window.d.ts'], UNTYPED));
  });

  it('are found in all files that have some', () => {
    const places = all.map(({ place }) => place.split(':', 1)[0]);
    expect(all.length).toBeGreaterThan(40);
    expect(new Set(places).size).toBeGreaterThan(12);
  });

  it('compile with TypeScript', () => expect(compile('tsconfig.json')).toBe(''), 120_000);

  it('compile as JavaScript', () => expect(compile('tsconfig.js.json')).toBe(''), 120_000);
});
