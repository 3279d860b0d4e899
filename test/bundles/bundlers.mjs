// How each bundler makes one program of a host, all packages included. docs/bundling.md explains each setting.

/** A host whose every package can be bundled; pinned, because a new bundler must not fail a build in which nothing has changed. */
export const PACKAGES = [
  '@nestjs/common@11',
  '@nestjs/core@11',
  '@nestjs/platform-express@11',
  '@nestjs/typeorm@11',
  'typeorm@0.3',
  'class-validator',
  'class-transformer',
  'rxjs@7',
  'reflect-metadata',
  'pg',
  '@nestjs/cli@11.0.24',
  'ts-loader@9.6.2',
  'typescript@5.9.3',
  'esbuild@0.28.2',
  '@vercel/ncc@0.45.0',
  'rollup@4.68.8',
  '@rollup/plugin-commonjs@29.0.3',
  '@rollup/plugin-json@6.1.0',
  '@rollup/plugin-node-resolve@16.0.3',
];

/** What Nest and TypeORM ask for that this host does not have. */
const ABSENT = [
  '@nestjs/microservices',
  '@nestjs/microservices/*',
  '@nestjs/websockets',
  '@nestjs/websockets/*',
];

/** Packages in CommonJS expect these, and ES modules do not have them. */
const BANNER = [
  "import { createRequire as djaffarRequire } from 'node:module'",
  "import { dirname as djaffarDirname } from 'node:path'",
  "import { fileURLToPath as djaffarPath } from 'node:url'",
  'const require = djaffarRequire(import.meta.url)',
  'const __filename = djaffarPath(import.meta.url)',
  'const __dirname = djaffarDirname(__filename)',
].join('; ');

const esbuild = (format, file) => [
  'esbuild',
  'main.mjs',
  '--bundle',
  '--platform=node',
  `--format=${format}`,
  `--outfile=${file}`,
  ...ABSENT.map((name) => `--external:${name}`),
];

/** `commands` write the folder `out`, in which `file` is started. */
export const BUNDLERS = [
  {
    name: 'esbuild, CommonJS, minified',
    out: 'esbuild-cjs',
    file: 'main.cjs',
    commands: [[...esbuild('cjs', 'esbuild-cjs/main.cjs'), '--minify']],
  },
  {
    name: 'esbuild, ES module',
    out: 'esbuild-esm',
    file: 'main.mjs',
    commands: [[...esbuild('esm', 'esbuild-esm/main.mjs'), `--banner:js=${BANNER}`]],
  },
  { name: 'Nest CLI (webpack)', out: 'dist', file: 'main.js', commands: [['nest', 'build', '--webpack']] },
  {
    name: 'ncc',
    out: 'ncc',
    file: 'index.cjs',
    commands: [
      ['esbuild', 'main.mjs', '--platform=node', '--format=cjs', '--outfile=main.cjs'],
      ['ncc', 'build', 'main.cjs', '--out', 'ncc'],
    ],
  },
  {
    name: 'Rollup',
    out: 'rollup',
    file: 'main.cjs',
    commands: [['rollup', '--config', 'rollup.config.mjs']],
  },
];
