import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, run } from './process.mjs';

export function manifest(path) {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
}

/**
 * Packs the package, and checks what the tarball holds.
 * @returns its path, even if a check failed
 */
export async function pack(root, folder) {
  let tarball;
  let files = [];
  await check('the tarball holds the built library and nothing else', async () => {
    const options = ['--json', '--silent', '--pack-destination', folder];
    const [packed] = JSON.parse(await run(root, 'npm', ['pack', ...options]));
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
    // No tests, no sample, and no source map, whose sources would not be there.
    const allowed =
      /^(dist\/.+\.(m?js|d\.m?ts)|dist\/(client\/(commonjs\/)?)?package\.json|dist\/schematics\/(collection|schema)\.json|package\.json|docs\/[\w-]+\.(md|json)|README\.md|LICENSE|CHANGELOG\.md)$/;
    assert.deepEqual(
      files.filter((path) => !allowed.test(path)),
      [],
    );
    for (const built of [
      'index.js',
      'index.mjs',
      'index.d.ts',
      'index.d.mts',
      'testing.mjs',
      'testing/index.d.ts',
      'client/index.js',
      'client/index.d.ts',
      'client/commonjs/index.js',
      'generated/page.js',
    ])
      assert(files.includes(`dist/${built}`), `${built} was not built`);
  });
  if (!tarball) return undefined;
  await check('the tarball imports only what it declares, and names no source map', () => {
    const { name: own, dependencies, peerDependencies } = manifest(root);
    const known = { ...dependencies, ...peerDependencies, [own]: true };
    // What `generated` holds is for the browser; the schematic writes imports into apps.
    for (const path of files.filter((each) => /^dist\/(?!generated|schematics)/.test(each))) {
      // Examples in comments may import others.
      const code = readFileSync(join(root, path), 'utf8').replaceAll(/^ *\/\*\*.*?\*\/$/gms, '');
      assert.doesNotMatch(code, /sourceMappingURL/, path);
      for (const [, name] of code.matchAll(
        /\b(?:from *|import[ (]*|require\()['"]((?:@[\w-]+\/)?\w[\w:.-]*)/g,
      ))
        assert(name in known || name.startsWith('node:'), `${path}: ${name}`);
    }
  });
  return tarball;
}
