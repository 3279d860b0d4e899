import { join } from 'node:path';

type Entry = 'command' | 'library' | 'sample' | 'database' | 'ormconfig';

/** Returns the path of a module that the global setup has compiled (`setup/compile.mjs`). */
export function compiled(entry: Entry): string {
  const build = process.env.DJAFFAR_TEST_BUILD;
  if (!build) throw new Error('nothing is compiled: the global setup has not run');
  return join(build, `${entry}.js`);
}
