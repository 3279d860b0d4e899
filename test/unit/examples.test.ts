import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'node_modules/.cache/djaffar-examples';

/** Returns the TypeScript of the `@example` blocks of a file. */
function examplesIn(file: string): string[] {
  const comments = readFileSync(file, 'utf8').match(/\/\*\*.*?\*\//gs) ?? [];
  return comments
    .filter((comment) => comment.includes('@example'))
    .flatMap((comment) =>
      [...comment.replaceAll(/^ *\* ?/gm, '').matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code),
    );
}

describe('the examples in the comments', () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  const examples = files.flatMap((file) =>
    examplesIn(join('lib', file)).map((code, i) => ({
      name: `${file.replaceAll(/\W/g, '-')}-${i}.ts`,
      code,
    })),
  );

  it('are there for the module, its services, its options and the browser', () => {
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  it('compile', () => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    for (const { name, code } of examples) writeFileSync(join(FOLDER, name), `${code}\nexport {};\n`);
    const up = '../../..';
    const config = {
      extends: `${up}/tsconfig.json`,
      compilerOptions: {
        lib: ['ES2023', 'ES2024.String', 'DOM'],
        types: ['node', 'jest'],
        declaration: false,
        paths: {
          'nestjs-djaffar': [`${up}/lib/index.ts`],
          'nestjs-djaffar/clickhouse': [`${up}/lib/store/clickhouse/index.ts`],
          'nestjs-djaffar/testing': [`${up}/lib/testing/index.ts`],
          'nestjs-djaffar/client': [`${up}/lib/client/index.ts`],
        },
      },
      include: ['*.ts', `${up}/lib/client/browser.d.ts`],
      exclude: [],
    };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
    const compiler = 'node_modules/typescript-7/bin/tsc';
    expect(() =>
      execFileSync(process.execPath, [compiler, '--noEmit', '-p', FOLDER], { encoding: 'utf8' }),
    ).not.toThrow();
  }, 60_000);
});
