// Writes the served files as modules of strings, so that the package can be bundled and reads no files at run time.
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const FOLDER = new URL('generated/', import.meta.url);

/**
 * @param {string} name of `lib/generated/NAME.ts`
 * @param {Record<string, string | Record<string, string>>} values by the names that they are exported under
 */
export async function writeModule(name, values) {
  const file = new URL(`${name}.ts`, FOLDER);
  // With their types, so that the texts do not come again in the declarations.
  const exports = Object.entries(values).map(([key, value]) => {
    const type = typeof value === 'string' ? 'string' : 'Record<string, string>';
    return `export const ${key}: ${type} = ${JSON.stringify(value)};\n`;
  });
  const text = `// Made by \`npm run build:browser\`.\n${exports.join('')}`;
  // A test that runs at the same time must not find half of it.
  if (text === (await readFile(file, 'utf8').catch(() => undefined))) return;
  await mkdir(FOLDER, { recursive: true });
  await writeFile(file, text);
}
