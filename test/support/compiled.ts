import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

type Entry = 'command' | 'library' | 'sample' | 'database' | 'ormconfig' | 'serverless' | 'subscriber';

/** Returns a folder that all runs with the same sources share. */
export function cacheFolder(): string {
  const folder = process.env.DJAFFAR_TEST_CACHE;
  if (!folder) throw new Error('the global setup has not run');
  return folder;
}

/** Returns the path of a compiled and bundled module; the first test that needs it builds it. */
export function compiled(entry: Entry): string {
  const folder = cacheFolder();
  const bundle = join(folder, 'bundle');
  if (!existsSync(bundle)) execFileSync(process.execPath, ['test/support/setup/bundle.mjs', folder]);
  return join(bundle, `${entry}.js`);
}
