// The versions that package.json claims, of each peer the lowest and the highest of every major version. Pairs, not products:
// each two neighbours in the columns meet somewhere.

const NEST = {
  10: { lowest: ['10.3.3', '10.0.2'], highest: ['10', '10'] },
  11: { lowest: ['11.0.0', '11.0.0'], highest: ['11', '11'] },
  12: { lowest: ['12.0.1', '12.0.1'], highest: ['12', '12'] },
};

/**
 * @param {10 | 11 | 12} major
 * @param {'lowest' | 'highest'} end
 * @param {'express' | 'fastify'} adapter
 */
function nest(major, end, adapter) {
  const [core, typeorm] = NEST[major][end];
  return {
    nest: core,
    adapter,
    packages: [
      `@nestjs/common@${core}`,
      `@nestjs/core@${core}`,
      `@nestjs/platform-${adapter}@${core}`,
      `@nestjs/typeorm@${typeorm}`,
    ],
  };
}

const LOWEST = ['class-validator@0.14.1', 'class-transformer@0.5.1', 'rxjs@7.8.0', 'reflect-metadata@0.2.0'];
const HIGHEST = ['class-validator@0', 'class-transformer@0.5', 'rxjs@7', 'reflect-metadata@0.2'];
const DRIVERS = { sqlite: 'libsql', postgres: 'pg', mariadb: 'mysql2' };

/** Peers that a host need not have. */
const optional = (swagger, passport) => [
  `@nestjs/swagger@${swagger}`,
  `@nestjs/passport@${passport}`,
  'passport',
];

const metrics = (prometheus, openTelemetry) => [
  `prom-client@${prometheus}`,
  `@opentelemetry/api@${openTelemetry}`,
];

/**
 * `starts`: the host is started with each of these, in this order. `node` is one version, or the newest of a major version;
 * `optional` replaces the optional peers of the start before; `command` also runs the jobs of the command. `typescript` compiles
 * a host besides the newest.
 */
export const COMBINATIONS = [
  {
    modules: 'cjs',
    ...nest(10, 'lowest', 'express'),
    typeorm: '0.3.20',
    typescript: '5.4.5',
    rest: LOWEST,
    database: 'sqlite',
    starts: [{ node: '20.19.0', optional: optional('7.3.0', '10.0.3'), command: true }],
  },
  {
    modules: 'cjs',
    ...nest(10, 'highest', 'fastify'),
    typeorm: '0.3',
    rest: HIGHEST,
    database: 'postgres',
    starts: [
      // Version 11.0.0 of @nestjs/passport takes no Nest 11.
      { node: '22', optional: optional('8.0.0', '11.0.0') },
      { node: '22', optional: optional('7', '10') },
      { node: '22', optional: optional('8', '10'), command: true },
    ],
  },
  {
    modules: 'cjs',
    ...nest(11, 'lowest', 'express'),
    typeorm: '0.3.20',
    rest: LOWEST,
    database: 'mariadb',
    // Without optional peers.
    starts: [{ node: '22.12.0', command: true }, { node: '24.0.0' }],
  },
  {
    modules: 'esm',
    ...nest(11, 'highest', 'fastify'),
    typeorm: '0.3',
    rest: HIGHEST,
    database: 'sqlite',
    starts: [
      { node: '20', optional: optional('11.0.0', '11') },
      { node: '26', optional: optional('11', '11') },
    ],
  },
  {
    modules: 'cjs',
    ...nest(12, 'lowest', 'express'),
    typeorm: '1.0.0',
    // The lowest that lets CommonJS import ES modules.
    typescript: '5.8.2',
    rest: LOWEST,
    database: 'sqlite',
    starts: [
      {
        node: '20.19.0',
        optional: [
          ...optional('12.0.0', '12.0.0'),
          '@clickhouse/client@1.23.1',
          ...metrics('15.1.0', '1.9.0'),
          'mmdb-lib@3.0.0',
        ],
      },
      { node: '26.0.0', command: true },
    ],
  },
  {
    modules: 'esm',
    ...nest(12, 'highest', 'fastify'),
    typeorm: '1',
    rest: HIGHEST,
    database: 'postgres',
    starts: [
      {
        node: '22',
        optional: [...optional('12', '12'), '@clickhouse/client@1', ...metrics('15', '1'), 'mmdb-lib@3'],
      },
      { node: '24', command: true },
    ],
  },
].map((each) => ({
  ...each,
  name: `${each.modules}, Nest ${each.nest}, TypeORM ${each.typeorm}, ${each.rest[0]}, ${each.adapter}, ${each.database}`,
  packages: [
    ...each.packages,
    `typeorm@${each.typeorm}`,
    ...each.rest,
    DRIVERS[each.database],
    ...(each.typescript ? [`typescript@${each.typescript}`] : []),
  ],
}));

/**
 * What is claimed but in no row: of each alternative of a range the lowest version, and the newest that it allows.
 * @param {{ engines: Record<string, string>; peerDependencies: Record<string, string> }} manifest
 */
export function untested({ engines, peerDependencies }) {
  const starts = COMBINATIONS.flatMap((each) => each.starts);
  const tested = new Set([
    ...COMBINATIONS.flatMap(({ packages }) => packages),
    ...starts.flatMap((each) => each.optional ?? []),
    ...starts.map(({ node }) => `node@${node}`),
  ]);
  return Object.entries({ ...engines, ...peerDependencies }).flatMap(([name, range]) =>
    range.split('||').flatMap((alternative) => {
      const [lowest] = /\d+\.\d+\.\d+/.exec(alternative) ?? [];
      if (!lowest) return [`${name}@${alternative.trim()}`];
      const [major, minor] = lowest.split('.');
      const newest = [`${name}@${major}`, `${name}@${major}.${minor}`];
      return [
        ...(tested.has(`${name}@${lowest}`) ? [] : [`${name}@${lowest}`]),
        ...(newest.some((each) => tested.has(each)) ? [] : [`the newest ${name}@${major}`]),
      ];
    }),
  );
}

/** Hosts whose tests import the package. */
export const TEST_HOSTS = [
  {
    name: 'ts-jest, cjs, Nest 11, TypeORM 0.3',
    sources: 'jest',
    packages: [
      ...nest(11, 'highest', 'express').packages,
      '@nestjs/testing@11',
      'typeorm@0.3',
      ...HIGHEST,
      'libsql',
      'jest@30',
      '@types/jest@30',
      'ts-jest@29',
      'typescript@5',
    ],
    runner: ['node_modules/jest/bin/jest.js'],
  },
  {
    name: 'Vitest, esm, Nest 12, TypeORM 1',
    sources: 'vitest',
    packages: [
      ...nest(12, 'highest', 'express').packages,
      '@nestjs/testing@12',
      'typeorm@1',
      ...HIGHEST,
      'libsql',
      'vitest@3',
    ],
    runner: ['node_modules/vitest/vitest.mjs', 'run'],
  },
];

/** Apps as `nest new` makes them, into which `nest add nestjs-djaffar` puts the package. */
export const NEW_HOSTS = [
  { major: 11, modules: 'cjs', hasTypeOrm: false },
  { major: 12, modules: 'esm', hasTypeOrm: true },
].map(({ major, ...host }) => ({
  ...host,
  isNew: true,
  name: `nest add, ${host.modules}, Nest ${major}${host.hasTypeOrm ? ', TypeORM' : ''}`,
  packages: [
    ...nest(major, 'highest', 'express').packages.filter(
      (name) => host.hasTypeOrm || !name.startsWith('@nestjs/typeorm@'),
    ),
    ...(host.hasTypeOrm ? ['typeorm@1', 'libsql'] : []),
    'rxjs@7',
    'reflect-metadata@0.2',
    `@nestjs/cli@${major}`,
    '@types/node@20',
    'typescript@5',
  ],
}));
