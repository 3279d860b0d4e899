// How each bundler makes one program of a host, all packages included. docs/bundling.md explains each setting.

// Pinned, because a new bundler must not fail a build in which nothing has changed.
const ESBUILD = 'esbuild@0.28.2';
const TOOLS = [
  ESBUILD,
  '@nestjs/cli@11.0.24',
  'ts-loader@9.6.2',
  'typescript@5.9.3',
  '@vercel/ncc@0.45.0',
  'rollup@4.68.8',
  '@rollup/plugin-commonjs@29.0.3',
  '@rollup/plugin-json@6.1.0',
  '@rollup/plugin-node-resolve@16.0.3',
];

/** A host whose every package can be bundled. */
const packages = (nest, typeorm) => [
  `@nestjs/common@${nest}`,
  `@nestjs/core@${nest}`,
  `@nestjs/platform-express@${nest}`,
  `@nestjs/typeorm@${nest}`,
  `typeorm@${typeorm}`,
  'class-validator',
  'class-transformer',
  'rxjs@7',
  'reflect-metadata',
  'pg',
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
export const HOSTS = [
  {
    host: 'nest-11',
    packages: [...packages('11', '0.3'), ...TOOLS],
    bundlers: [
      {
        name: 'esbuild, CommonJS, minified',
        out: 'esbuild-cjs',
        file: 'main.cjs',
        commands: [[...esbuild('cjs', 'esbuild-cjs/main.cjs'), '--minify']],
      },
      {
        name: 'Nest CLI (webpack)',
        out: 'dist',
        file: 'main.js',
        commands: [['nest', 'build', '--webpack']],
      },
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
    ],
  },
  {
    host: 'nest-12',
    packages: [...packages('12', '1'), ESBUILD, 'vite@8.3.8'],
    bundlers: [
      {
        name: 'esbuild, ES module, Nest 12',
        out: 'esbuild-esm',
        file: 'main.mjs',
        commands: [[...esbuild('esm', 'esbuild-esm/main.mjs'), `--banner:js=${BANNER}`]],
      },
      { name: 'Vite, ES module, Nest 12', out: 'vite', file: 'main.mjs', commands: [['vite', 'build']] },
    ],
  },
];
