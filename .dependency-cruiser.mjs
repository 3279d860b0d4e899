/**
 * Which part of lib/ may import which. A part is a folder, or a file beside them. Types count as well. What is not listed
 * is an error; so is a circle of files. CONTRIBUTING.md has the picture.
 */
const MAY_IMPORT = {
  // The bottom: what all others may use.
  time: [],
  generated: [],
  diagnostics: ['time'],
  // Only for the type that `transform` is given.
  options: ['activity', 'time'],
  http: ['diagnostics', 'options', 'time'],
  database: ['diagnostics', 'options', 'time'],

  // The model, and what is stored.
  activity: ['database', 'options', 'statistics', 'store', 'time'],
  store: ['activity', 'database', 'options', 'statistics', 'time'],
  migrations: ['activity', 'database', 'store'],

  // What is done with activities; none of it knows HTTP, but for the guards.
  statistics: ['activity', 'database', 'options', 'store', 'time'],
  export: ['activity', 'database', 'store'],
  privacy: ['activity', 'database', 'options', 'time'],
  guards: ['http', 'options'],

  // The ways in and out.
  tracking: ['activity', 'database', 'generated', 'guards', 'http', 'options', 'privacy'],
  context: ['activity', 'database', 'http', 'options', 'tracking'],
  api: ['activity', 'database', 'export', 'guards', 'http', 'options', 'statistics', 'tracking'],
  dashboard: [
    'activity',
    'api',
    'export',
    'generated',
    'guards',
    'http',
    'options',
    'statistics',
    'tracking',
  ],
  cli: [
    'activity',
    'database',
    'entities.ts',
    'export',
    'generated',
    'options',
    'statistics',
    'store',
    'time',
    'tracking',
  ],
  // It runs in browsers.
  client: [],

  // `djaffar.module.ts` and `index.ts` know every part.
  'entities.ts': ['activity', 'privacy', 'statistics', 'store'],
};

const pattern = (part) => (part.endsWith('.ts') ? `${part.replace('.', '\\.')}$` : `${part}/`);

export default {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      // The circles that are still in these parts are about to go.
      from: { pathNot: '^lib/(activity|database|statistics|store)/' },
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
