import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { release } from '../../release/release.js';

const README = `# A package

[Options](docs/options.md#all), [contributing](CONTRIBUTING.md), [npm](https://www.npmjs.com/), [below](#more).
<img src="docs/page.png" />

\`\`\`ts
const found = list[index](none.md);
\`\`\`
`;

describe('npm run release', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'djaffar-release-test-'));
    const files: Record<string, string> = {
      'package.json': JSON.stringify({
        name: 'a-package',
        version: '1.2.3',
        files: ['docs/*.md', 'built.js'],
        scripts: { prepack: "node -e \"fs.writeFileSync('built.js', '')\"" },
        repository: { type: 'git', url: 'git+https://github.com/owner/a-package.git' },
        publishConfig: { provenance: true },
      }),
      '.gitignore': 'built.js\n*.tgz\n',
      'README.md': README,
      'CHANGELOG.md': '# Changelog\n\n## Unreleased\n\n- Something.\n\n## 1.2.3 (2026-01-01)\n\n- More.\n',
      'CONTRIBUTING.md': '# Contributing\n',
      'docs/options.md': '# All\n',
      'docs/page.png': '',
      ...Object.fromEntries(
        ['1.2.4', '1.3.0'].flatMap((version) =>
          ['sqlite', 'postgres', 'mariadb'].map((name) => [
            `test/support/upgrades/${version}-${name}.json`,
            '{}',
          ]),
        ),
      ),
    };
    for (const [file, text] of Object.entries(files)) write(file, text);
    git('init', '--quiet');
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.org');
    commit();
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const packed = (file: string): string =>
    execFileSync('tar', ['-xzOf', join(folder, 'a-package-1.3.0.tgz'), `package/${file}`], {
      encoding: 'utf8',
    });

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }

  function commit(): void {
    git('add', '--all');
    git('commit', '--quiet', '--message', 'Begin');
  }

  it('makes the version, the section of the changelog, the tarball, the commit and the tag', () => {
    const lines = release(folder, { version: 'minor', isDryRun: false });
    expect(lines.join('\n')).toContain('npm publish ./a-package-1.3.0.tgz');
    const today = new Date().toISOString().slice(0, 10);
    expect(read('CHANGELOG.md')).toBe(
      `# Changelog\n\n## 1.3.0 (${today})\n\n- Something.\n\n## 1.2.3 (2026-01-01)\n\n- More.\n`,
    );
    expect(JSON.parse(read('package.json')).version).toBe('1.3.0');
    expect(git('log', '-1', '--format=%s')).toBe('Release 1.3.0');
    expect(git('tag', '--points-at', 'HEAD')).toBe('v1.3.0');
    expect(git('status', '--porcelain')).toBe('');
    expect(JSON.parse(packed('package.json'))).toMatchObject({
      version: '1.3.0',
      publishConfig: { provenance: true },
    });
    expect(packed('built.js')).toBe('');
  });

  it('needs the databases of the version, with which later ones are tested', () => {
    expect(() => release(folder, { version: '1.4.0', isDryRun: true })).toThrow(
      /the sqlite database of 1\.4\.0 is not recorded.*DJAFFAR_RECORD_VERSION=1\.4\.0/,
    );
  });

  it('makes links of the packed README absolute that point to no file of the tarball', () => {
    release(folder, { version: '1.3.0', isDryRun: false });
    expect(read('README.md')).toBe(README);
    const at = 'https://github.com/owner/a-package';
    expect(packed('README.md')).toBe(
      README.replace('(CONTRIBUTING.md)', `(${at}/blob/v1.3.0/CONTRIBUTING.md)`).replace(
        'docs/page.png',
        `${at}/raw/v1.3.0/docs/page.png`,
      ),
    );
  });

  it('changes nothing with --dry-run', () => {
    const before = ['package.json', 'README.md', 'CHANGELOG.md'].map(read);
    expect(release(folder, { version: 'patch', isDryRun: true }).join('\n')).toContain(
      '1.2.4 is not released',
    );
    expect(['package.json', 'README.md', 'CHANGELOG.md'].map(read)).toEqual(before);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag')).toBe('');
    expect(existsSync(join(folder, 'a-package-1.2.4.tgz'))).toBe(false);
  });

  it.each<[string, string, (text: string) => string, string]>([
    ['a link points nowhere', 'README.md', (text) => `${text}\n[gone](docs/gone.md)\n`, '/docs/gone.md'],
    ['nothing has changed', 'CHANGELOG.md', (text) => text.replace('- Something.\n', ''), 'is empty'],
    [
      'the changelog lacks a section',
      'CHANGELOG.md',
      (text) => text.replace('Unreleased', '1.2.9'),
      '"1.2.9"',
    ],
    [
      'there is no repository',
      'package.json',
      (text) => text.replace('"url"', '"no"'),
      'npm pkg set repository',
    ],
    ['provenance is off', 'package.json', (text) => text.replace('"provenance":true', ''), 'provenance'],
  ])('refuses if %s, and leaves the files as they were', (_, file, change, message) => {
    write(file, change(read(file)));
    commit();
    expect(() => release(folder, { version: 'patch', isDryRun: false })).toThrow(message);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag')).toBe('');
  });

  it('refuses changes that are not committed, a tag that is there, and what is no version', () => {
    expect(() => release(folder, { version: 'next', isDryRun: true })).toThrow('"next" is no version');
    git('tag', 'v1.2.4');
    expect(() => release(folder, { version: 'patch', isDryRun: true })).toThrow('v1.2.4 is there already');
    write('README.md', '# Changed\n');
    expect(() => release(folder, { version: 'minor', isDryRun: false })).toThrow('not committed');
  });
});
