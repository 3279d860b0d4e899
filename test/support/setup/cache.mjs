import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const DAY = 86_400_000;
const CACHE = resolve('node_modules/.cache/djaffar-tests');
const SOURCES = [
  'lib',
  'sample',
  'ormconfig.ts',
  'package-lock.json',
  'test/support/serverless.ts',
  'test/support/setup',
];

/**
 * Creates the folder for files that are built once per version of the sources and reused by later runs: the bundle of the command and the
 * sample, and a migrated SQLite file.
 */
export async function cacheFolder() {
  const folder = join(CACHE, await hashOfSources());
  await mkdir(folder, { recursive: true });
  const now = new Date();
  await utimes(folder, now, now);
  await removeOlderThan(now.getTime() - DAY);
  return folder;
}

/** Returns all files below a folder; a file is its own. */
export async function filesIn(path) {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** For a rename to what another run, which was faster, has made. */
export function ignoreExisting(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}

async function hashOfSources() {
  const files = (await Promise.all(SOURCES.map(filesIn))).flat().toSorted((a, b) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

async function removeOlderThan(time) {
  for (const name of await readdir(CACHE)) {
    const folder = join(CACHE, name);
    // Another run may have removed it.
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: time }));
    if (mtimeMs < time) await rm(folder, { recursive: true, force: true });
  }
}
