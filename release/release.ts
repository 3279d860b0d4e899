import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameSection } from './changelog.js';
import { absoluteLinks, brokenLinks, type Repository } from './readme-links.js';
import { nextVersion } from './version.js';

export interface ReleaseOptions {
  /** A version, or `patch`, `minor` or `major`. */
  version: string | undefined;
  /** Does everything, and then undoes it. */
  isDryRun: boolean;
}

interface Manifest {
  name: string;
  version: string;
  repository?: { url?: string };
  publishConfig?: { provenance?: boolean };
}

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

const CHANGED = ['package.json', 'package-lock.json', 'CHANGELOG.md', 'README.md'];

/**
 * Makes the tarball, the commit and the tag of a version. If anything is wrong, the files are as before.
 * @param folder of the package
 * @returns lines for whoever releases
 * @throws Error that says what to do
 */
export function release(folder: string, { version: wanted, isDryRun }: ReleaseOptions): string[] {
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const manifest = readManifest(folder);
  const version = nextVersion(manifest.version, wanted);
  const repository: Repository = { url: repositoryUrl(manifest), tag: `v${version}` };
  if (!manifest.publishConfig?.provenance)
    throw new Error('package.json lacks "publishConfig": { "provenance": true }');
  if (!isDryRun && run('git', 'status', '--porcelain') !== '')
    throw new Error('the work tree has changes that are not committed; commit them');
  if (run('git', 'tag', '--list', repository.tag) !== '')
    throw new Error(`the tag ${repository.tag} is there already; release another version`);
  checkRecordedDatabases(folder, version);

  const before = CHANGED.filter((file) => existsSync(join(folder, file))).map(
    (file) => [join(folder, file), readFileSync(join(folder, file), 'utf8')] as const,
  );
  const target = isDryRun ? mkdtempSync(join(tmpdir(), 'djaffar-release-')) : folder;
  let isDone = false;
  try {
    run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts');
    const date = new Date().toISOString().slice(0, 10);
    edit(join(folder, 'CHANGELOG.md'), (text) => nameSection(text, version, date));
    // What is packed depends on no content of the README.
    const [listed] = parsePacked(
      run('npm', 'pack', '--dry-run', '--json', '--silent', '--ignore-scripts=false'),
    );
    const files = new Set(listed.files.map(({ path }) => path));
    const readme = join(folder, 'README.md');
    edit(readme, (text) => absoluteLinks(text, files, repository));
    // The build of the list is still there.
    const [packed] = parsePacked(
      run('npm', 'pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', target),
    );
    const tarball = join(target, packed.filename);
    checkTarball(tarball, packed, repository, folder);
    for (const [file, text] of before) if (isDryRun || file === readme) writeFileSync(file, text);
    if (!isDryRun) {
      run('git', 'commit', '--all', '--quiet', '--message', `Release ${version}`);
      run('git', 'tag', repository.tag);
    }
    isDone = true;
    return report(packed, version, isDryRun);
  } finally {
    if (!isDone) for (const [file, text] of before) writeFileSync(file, text);
    if (isDryRun) rmSync(target, { recursive: true });
  }
}

/** Later versions are tested with the databases of this one. */
function checkRecordedDatabases(folder: string, version: string): void {
  for (const database of ['sqlite', 'postgres', 'mariadb'])
    if (!existsSync(join(folder, `test/support/upgrades/${version}-${database}.json`)))
      throw new Error(
        `the ${database} database of ${version} is not recorded, with which upgrades are tested: ` +
          `DJAFFAR_RECORD_VERSION=${version} npx jest --selectProjects e2e -- test/e2e/upgrade`,
      );
}

function checkTarball(tarball: string, { files }: Packed, repository: Repository, folder: string): void {
  const read = (file: string): string =>
    execFileSync('tar', ['-xzOf', tarball, `package/${file}`], { encoding: 'utf8' });
  const paths = new Set(files.map(({ path }) => path));
  const broken = brokenLinks(read('README.md'), paths, repository, (path) => existsSync(join(folder, path)));
  if (broken.length > 0) throw new Error(`README.md has links that point nowhere: ${broken.join(', ')}`);
  const { version } = parseManifest(read('package.json'));
  if (`v${version}` !== repository.tag) throw new Error(`the tarball has the version ${version}`);
}

function report({ filename, size, files }: Packed, version: string, isDryRun: boolean): string[] {
  const made = `${filename}: ${files.length} files, ${Math.round(size / 1024)} kB; the links of its README.md work`;
  if (isDryRun) return [made, `nothing was changed: ${version} is not released`];
  return [made, `Now: git push origin HEAD v${version}, and in CI: npm publish ./${filename}`];
}

/** Provenance and links need it. */
function repositoryUrl({ repository }: Manifest): string {
  const url = /https:\/\/[^#]+?(?=\.git$|\/?$)/.exec(repository?.url ?? '')?.[0];
  if (url === undefined)
    throw new Error(
      'package.json has no "repository", which provenance and the links of README.md need: ' +
        'npm pkg set repository.type=git repository.url=git+https://HOST/OWNER/NAME.git, and commit it',
    );
  return url;
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

function readManifest(folder: string): Manifest {
  return parseManifest(readFileSync(join(folder, 'package.json'), 'utf8'));
}

const parseManifest = (text: string): Manifest => JSON.parse(text);
const parsePacked = (text: string): [Packed] => JSON.parse(text);
