import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { REGISTRATION_RULES } from '../../lib/options/registration-rules.js';
import { OPTION_RULES } from '../../lib/options/rules.js';

const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync('docs', { encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  'bench/README.md',
];

const read = (file: string): string => readFileSync(file, 'utf8');

const withoutCode = (markdown: string): string => markdown.replaceAll(/^ *```.*?^ *```/gms, '');

/** The anchors that GitHub gives to the headings of a Markdown text. */
function anchorsIn(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(FILES)('%s has no broken link', (file) => {
  const links = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)]
    .map(([, link, source]) => link ?? source ?? '')
    // Absolute paths are those of the app in an example.
    .filter((link) => !/^(https?:|\/)/.test(link));
  const broken = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path ? normalize(join(dirname(file), path)) : file;
    return !existsSync(target) || (anchor !== undefined && !anchorsIn(read(target)).includes(anchor));
  });
  expect(broken).toEqual([]);
});

it('the README links every page of docs', () => {
  for (const file of FILES.filter((each) => each.startsWith('docs/')))
    expect(read('README.md')).toContain(`(${file}`);
});

it('the README has at most 250 lines', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(251);
});

it('docs/options.md has every option', () => {
  const options = [...read('docs/options.md').matchAll(/^\| (`[^|]+`) +\|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)/g)].map(([, name]) => name),
  );
  expect(new Set(options)).toEqual(
    new Set([...Object.keys(OPTION_RULES), ...Object.keys(REGISTRATION_RULES)]),
  );
});
