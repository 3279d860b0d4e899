// Bundles the script of `GET /djaffar/tracker.js`, and fails if it is too large.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';
import { writeModule } from '../generate.mjs';

/** Bytes, with gzip at its best. */
const MAX_SIZE = 2520;

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('script.ts', import.meta.url))],
  bundle: true,
  format: 'iife',
  target: 'es2022',
  minifySyntax: true,
  write: false,
  // Else a 'use strict' is added.
  tsconfigRaw: {},
});
// terser creates a smaller script than esbuild.
const { code = '' } = await minify(outputFiles[0].text, {
  ecma: 2022,
  compress: {
    ecma: 2022,
    passes: 4,
    unsafe: true,
    unsafe_arrows: true,
    pure_getters: true,
    keep_fargs: false,
  },
  // Names that are our own alone.
  mangle: { properties: { regex: /^(isKept|isUnderWay|isOptedOut|record|tell)$/ } },
});
const size = gzipSync(code, { level: 9 }).length;
// On standard error, because the output of `npm pack --json` must be JSON.
process.stderr.write(`tracker.js: ${code.length} bytes, ${size} with gzip\n`);
if (size > MAX_SIZE) throw new Error(`tracker.js may take ${MAX_SIZE} bytes with gzip`);
await writeModule('tracker', { script: code });
