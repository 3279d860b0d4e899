// npm run release -- VERSION|patch|minor|major [--dry-run]
import { parseArgs } from 'node:util';
import { release } from './release.js';

const { values, positionals } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false } },
  allowPositionals: true,
});
try {
  const lines = release(process.cwd(), { version: positionals[0], isDryRun: values['dry-run'] });
  for (const line of lines) console.log(line);
} catch (error) {
  console.error(`Not released: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
