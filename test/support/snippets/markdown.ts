import { readdirSync, readFileSync } from 'node:fs';

/** A code block of README.md or docs/*.md in TypeScript or JavaScript. */
export interface Snippet {
  /** The file and the line, such as `docs/guards.md:32`. */
  place: string;
  language: 'ts' | 'tsx' | 'js';
  code: string;
}

const FILES = [
  'README.md',
  ...readdirSync('docs', { encoding: 'utf8' })
    // `server.docs.test.ts` finds the snippets of server.md in the sample, which runs.
    .filter((file) => file.endsWith('.md') && file !== 'server.md')
    .map((file) => `docs/${file}`),
];

/** Languages that other tests check, such as `sql.docs.test.ts`. */
const OTHERS = new Set(['', 'sh', 'sql', 'ndjson']);

/** Returns all snippets; of HTML the scripts. */
export function snippets(): Snippet[] {
  return FILES.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return [...text.matchAll(/^( *)```(\w*)[^\n]*\n(.*?)^ *```$/gms)].flatMap((match): Snippet[] => {
      const [, indent = '', language = '', block = ''] = match;
      const code = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      const place = `${file}:${text.slice(0, match.index).split('\n').length}`;
      // Only a method, of a class that is not shown.
      if (code.startsWith('@') && !/\bclass\b/.test(code)) return [];
      if (language === 'ts' || language === 'tsx' || language === 'js') return [{ place, language, code }];
      if (language === 'html')
        return [...code.matchAll(/<script(?![^>]*\bsrc=)[^>]*>(.*?)<\/script>/gs)].map(([, script = '']) => ({
          place,
          language: 'js',
          code: script,
        }));
      if (!OTHERS.has(language)) throw new Error(`${place} has the unknown language ${language}`);
      return [];
    });
  });
}
