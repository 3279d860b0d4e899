// What makes clients of an OpenAPI document: packages, and the files that they write.

/** Pinned, because a new version of a generator must not fail a build in which nothing of ours has changed. */
export const LINTERS = ['@redocly/cli@2.77.0', '@apidevtools/swagger-parser@13.1.0'];

export const TYPESCRIPT = 'typescript@5.9.3';

/** `config` writes the generator's configuration, `args` run it in the folder of the client. */
export const GENERATORS = [
  {
    name: 'openapi-typescript',
    packages: ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0'],
    config: () => [],
    args: ({ document }) => ['openapi-typescript', document, '--output', 'schema.d.ts'],
  },
  {
    name: 'orval',
    packages: ['orval@8.38.0'],
    config: ({ document, url }) => [
      'orval.config.mjs',
      { djaffar: { input: document, output: { target: 'generated.ts', client: 'fetch', baseUrl: url } } },
    ],
    args: () => ['orval', '--config', 'orval.config.mjs'],
  },
  {
    name: 'hey-api',
    packages: ['@hey-api/openapi-ts@0.99.0'],
    config: ({ document }) => ['openapi-ts.config.mjs', { input: document, output: 'generated' }],
    args: () => ['openapi-ts', '--file', 'openapi-ts.config.mjs'],
  },
];
