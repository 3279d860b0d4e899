/**
 * Which part of lib/ may import which. A part is a folder, or a file. Types count as well. What is not listed
 * is an error; so is a circle of files. CONTRIBUTING.md has the picture.
 */
const MAY_IMPORT = {
  // The bottom: what all others may use.
  time: [],
  generated: [],
  diagnostics: ['time'],
  // Only for types, such as those of `transform` and `store`.
  options: ['activity', 'privacy', 'store', 'time'],
  geo: ['options'],
  http: ['diagnostics', 'options', 'time'],

  // The model, and what is done with activities; none of it knows SQL, nor HTTP, but for the guards. To the engine it talks
  // through the port: store.ts and statistics.store.ts.
  activity: ['diagnostics', 'options', 'store', 'time'],
  statistics: ['activity', 'diagnostics', 'options', 'store', 'time'],
  export: ['activity', 'store', 'time'],
  privacy: ['activity', 'options', 'store', 'time'],
  guards: ['activity', 'http', 'options'],

  // The port, and what each engine throws.
  store: ['activity', 'diagnostics', 'privacy', 'statistics', 'time'],
  // The engine on TypeORM, and its ground.
  'store/typeorm': [
    'activity',
    'database',
    'diagnostics',
    'options',
    'privacy',
    'statistics',
    'store',
    'time',
  ],
  // The engine on ClickHouse: `nestjs-djaffar/clickhouse`.
  'store/clickhouse': ['activity', 'diagnostics', 'options', 'privacy', 'statistics', 'store', 'time'],
  database: ['diagnostics', 'options', 'store', 'time'],
  migrations: ['activity', 'database', 'store/typeorm'],

  // What arrives, and why something does not.
  health: ['activity', 'diagnostics', 'generated', 'options', 'statistics', 'store', 'time'],

  // Libraries of the app that measure.
  telemetry: ['activity', 'diagnostics', 'generated', 'health', 'options', 'store', 'time'],

  // The ways in and out.
  tracking: ['activity', 'diagnostics', 'generated', 'guards', 'http', 'options', 'privacy', 'store', 'time'],
  subscriptions: ['activity', 'diagnostics', 'options', 'store', 'time'],
  context: ['activity', 'diagnostics', 'http', 'options', 'store', 'tracking'],
  api: [
    'activity',
    'diagnostics',
    'export',
    'guards',
    'health',
    'http',
    'options',
    'statistics',
    'store',
    'tracking',
  ],
  dashboard: [
    'activity',
    'api',
    'diagnostics',
    'export',
    'generated',
    'guards',
    'health',
    'http',
    'options',
    'statistics',
    'time',
    'tracking',
  ],
  cli: [
    'activity',
    'cli/data-source.ts',
    'diagnostics',
    'export',
    'generated',
    'health',
    'options',
    'privacy',
    'statistics',
    'store',
    'time',
    'tracking',
  ],
  // The start of the command chooses the engine.
  'cli/data-source.ts': ['activity', 'database', 'entities.ts', 'options', 'store', 'store/typeorm'],
  // It runs in browsers.
  client: [],

  'entities.ts': ['store/typeorm'],

  // For tests of applications: `nestjs-djaffar/testing`.
  testing: [
    'activity',
    'diagnostics',
    'djaffar.module.ts',
    'options',
    'privacy',
    'statistics',
    'store',
    'time',
  ],

  // It runs in the Nest CLI: `nest add nestjs-djaffar`.
  schematics: [],

  // It puts the parts together, for `djaffar.module.ts`.
  module: [
    'activity',
    'api',
    'context',
    'dashboard',
    'database',
    'diagnostics',
    'entities.ts',
    'guards',
    'health',
    'http',
    'migrations',
    'options',
    'privacy',
    'statistics',
    'store',
    'store/typeorm',
    'subscriptions',
    'telemetry',
    'time',
    'tracking',
  ],
};

/** A part inside of another one is not of that. */
const pattern = (part) => {
  if (part.endsWith('.ts')) return `${part.replace('.', '\\.')}$`;
  const inner = Object.keys(MAY_IMPORT).filter((other) => other.startsWith(`${part}/`));
  const others = inner.map((other) => pattern(other).slice(part.length + 1));
  return `${part}/${others.length > 0 ? `(?!${others.join('|')})` : ''}`;
};

export default {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nobody-imports-client',
      severity: 'error',
      from: { pathNot: '^lib/client/' },
      to: { path: '^lib/client/' },
    },
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|sample|bench)/' },
    },
    ...Object.entries(MAY_IMPORT).map(([part, others]) => ({
      name: `imports-of-${part}`,
      severity: 'error',
      from: { path: `^lib/${pattern(part)}` },
      to: { path: '^lib/', pathNot: [part, ...others].map((each) => `^lib/${pattern(each)}`) },
    })),
    {
      name: 'part-without-rule',
      comment: 'Add the new part to MAY_IMPORT.',
      severity: 'error',
      from: { path: '^lib/[^/]+/', pathNot: Object.keys(MAY_IMPORT).map((part) => `^lib/${pattern(part)}`) },
      to: {},
    },
  ],
  options: {
    // Scripts of the build.
    exclude: { path: '^lib/.*\\.mjs$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mts', '.js'] },
  },
};
