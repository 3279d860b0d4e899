/**
 * What is mutated together, and the tests that should notice: few, because a mutant that survives runs all that reach it.
 * A part ends within an hour on two cores. `goal` is the percentage of mutants to be killed.
 */
export const PARTS = {
  visits: {
    goal: 95,
    mutate: ['lib/tracking/visitor.ts', 'lib/activity/visit-id.ts'],
    tests: ['unit/visit-id', 'unit/visitor'],
  },
  cookie: { goal: 95, mutate: ['lib/privacy/{hmac,key-ring}.ts'], tests: ['unit/hmac', 'unit/key-ring'] },
  signing: { goal: 95, mutate: ['lib/privacy/signing-keys.ts'], tests: ['unit/signing-keys'] },
  salts: { goal: 85, mutate: ['lib/privacy/{salt,salts}.ts'], tests: ['unit/salts'] },
  filters: {
    goal: 95,
    mutate: ['lib/activity/{activity.filter,activity-pattern,condition,matches}.ts'],
    tests: ['unit/activity-pattern', 'unit/statistics-filter'],
  },
  'statistics-filters': {
    goal: 95,
    mutate: ['lib/statistics/statistics-filter.ts'],
    tests: ['unit/activity-part-of-filter', 'unit/statistics-filter'],
  },
  amounts: { goal: 95, mutate: ['lib/statistics/amount.ts'], tests: ['unit/amounts'] },
  privacy: {
    goal: 95,
    mutate: ['lib/privacy/{privacy-modes,retention-plan}.ts', 'lib/guards/same-origin.guard.ts'],
    tests: ['unit/privacy-modes', 'unit/retention-plan', 'unit/same-origin'],
  },
  guards: {
    goal: 95,
    mutate: ['lib/guards/*.ts', '!lib/guards/same-origin.guard.ts'],
    tests: ['unit/guard-contexts', 'unit/host-guards', 'unit/option-guard'],
  },
  'write-queue': {
    goal: 95,
    mutate: ['lib/activity/{recent-ids,write-queue}.ts'],
    tests: ['unit/recent-ids', 'unit/write-queue', 'unit/writer', 'unit/writer.failures'],
  },
  writer: {
    goal: 95,
    mutate: ['lib/activity/{activity.writer,batch-committer,known-sessions,open-writes,write-errors}.ts'],
    tests: ['unit/write-batch', 'unit/writer', 'unit/writer.failures'],
  },
  recorder: { goal: 95, mutate: ['lib/activity/recorder.ts'], tests: ['unit/recorder'] },
  outcomes: {
    goal: 95,
    mutate: ['lib/diagnostics/{incident-log,outcome-counter}.ts'],
    tests: ['unit/incident-log', 'unit/outcome-counter'],
  },
  questions: {
    goal: 95,
    mutate: ['lib/database/{pool-shares,questions,slots,unavailable}.ts', 'lib/store/paginate.ts'],
    tests: ['unit/paginate', 'unit/pool-shares', 'unit/questions', 'unit/slots', 'unit/unavailable'],
  },
  retention: {
    goal: 95,
    mutate: ['lib/privacy/retention.service.ts'],
    tests: ['unit/retention-service'],
  },
  dates: {
    goal: 95,
    mutate: ['lib/time/{duration,time-zone}.ts', 'lib/activity/iso-date.ts'],
    tests: ['unit/duration', 'unit/iso-date', 'unit/time-zone'],
  },
  scrubber: {
    goal: 95,
    mutate: ['lib/activity/{privacy,random,scrubber}.ts'],
    tests: ['unit/activity-privacy', 'unit/random', 'unit/scrubber'],
  },
  options: {
    goal: 90,
    mutate: ['lib/options/{database-rule,registration-rules,rule,rules,subscription-rules,validation}.ts'],
    tests: ['unit/options'],
  },
  http: {
    goal: 95,
    mutate: ['lib/http/{compressed-file,host,route-paths}.ts'],
    tests: ['unit/compressed-file', 'unit/host', 'unit/route-paths', 'e2e/tracker'],
  },
  answers: {
    goal: 95,
    mutate: ['lib/http/{mount,response-streams}.ts'],
    tests: ['unit/mount', 'unit/response-streams'],
  },
  subscriptions: {
    goal: 95,
    mutate: ['lib/subscriptions/{listener-queue,public-address,subscription}.ts'],
    tests: ['unit/listener-queue', 'unit/public-address', 'unit/subscription'],
  },
  webhooks: {
    goal: 90,
    mutate: ['lib/subscriptions/{delivery-log,delivery.error,webhook}.ts'],
    tests: ['unit/delivery-log', 'unit/webhook'],
  },
  deliveries: {
    goal: 90,
    mutate: ['lib/subscriptions/{activity-subscriptions,subscription-runner}.ts'],
    tests: ['unit/activity-subscriptions', 'unit/subscription-runner'],
  },
  devices: {
    goal: 90,
    mutate: ['lib/subscriptions/{event-emitter,new-devices}.ts'],
    tests: ['unit/event-emitter', 'unit/new-devices'],
  },
  listeners: {
    goal: 90,
    mutate: ['lib/subscriptions/{activity-listeners,on-activity.decorator}.ts'],
    tests: ['unit/activity-listeners'],
  },
  health: {
    goal: 90,
    mutate: ['lib/health/{causes,health-checks}.ts'],
    tests: ['unit/causes', 'unit/health-checks'],
  },
  'health-service': {
    goal: 90,
    mutate: ['lib/health/{health.indicator,health.service,outcome-flush}.ts'],
    tests: ['unit/health-service', 'unit/outcome-flush'],
  },
  calls: {
    goal: 90,
    mutate: ['lib/context/{call,request}.ts'],
    tests: ['unit/call', 'unit/context-request'],
  },
  context: {
    goal: 90,
    mutate: ['lib/context/*.ts', '!lib/context/{call,request}.ts'],
    tests: [
      'unit/handler-tracker',
      'unit/request-context',
      'unit/request-contexts',
      'unit/track-interceptor',
    ],
  },
  api: {
    goal: 90,
    mutate: ['lib/api/{activities.query,health.query,interceptors,merge-filter,statistics.query}.ts'],
    tests: ['unit/api-interceptors', 'unit/api-queries', 'unit/merge-filter'],
  },
  cli: {
    goal: 90,
    mutate: ['lib/cli/{errors,filter.options,output,progress,stats.command}.ts'],
    tests: ['unit/cli-errors', 'unit/cli-filter', 'unit/cli-output', 'unit/cli-progress', 'unit/cli-stats'],
  },
  import: {
    goal: 90,
    mutate: ['lib/cli/import/{csv,fields,ids,lines,rejoin,row,visits}.ts'],
    tests: [
      'unit/import-csv',
      'unit/import-fields',
      'unit/import-lines',
      'unit/import-row',
      'unit/import-visits',
    ],
  },
  export: {
    goal: 95,
    mutate: ['lib/export/{format,pages,reusable-buffer,row-formats}.ts'],
    tests: ['unit/export', 'unit/record-json'],
  },
  'export-records': {
    goal: 95,
    mutate: ['lib/export/record-json.ts'],
    tests: ['unit/export', 'unit/record-json'],
  },
  csv: { goal: 95, mutate: ['lib/export/csv-row.ts'], tests: ['unit/csv-row'] },
  erasure: {
    goal: 95,
    mutate: ['lib/store/typeorm/erasure.ts'],
    tests: ['e2e/erasure'],
  },
  'rollup-ranges': {
    goal: 95,
    mutate: [
      'lib/store/typeorm/statistics/rollup/{path-sequence,time-ranges}.ts',
      'lib/store/typeorm/statistics/query-plan.ts',
    ],
    tests: ['unit/path-sequence', 'unit/query-plan', 'unit/time-ranges'],
  },
  rollup: {
    goal: 95,
    mutate: ['lib/store/typeorm/statistics/rollup/{dirty-ranges,step-limits,visit-boundaries}.ts'],
    tests: ['unit/dirty-ranges', 'unit/step-limits', 'unit/visit-boundaries'],
  },
  'rollup-step': {
    goal: 95,
    mutate: ['lib/store/typeorm/statistics/rollup/rollup-step.ts'],
    tests: ['e2e/rollup-step'],
  },
};

/** Of the files in no part, a sample is tried. */
export const SAMPLE = {
  /** A file is in the first that it is below. */
  rooms: [
    'lib/activity',
    'lib/api',
    'lib/cli',
    'lib/dashboard',
    'lib/database',
    'lib/http',
    'lib/migrations',
    'lib/module',
    'lib/options',
    'lib/privacy',
    'lib/schematics',
    'lib/statistics',
    'lib/store/typeorm/statistics/queries',
    'lib/store/typeorm/statistics/rollup',
    'lib/store/typeorm/statistics',
    'lib/store/typeorm',
    'lib/store',
    'lib/subscriptions',
    'lib/testing',
    'lib/tracking',
    'lib',
  ],
  /** Of each room. */
  least: 5,
  /** What the tests on SQLite do not run: code for other databases, and for browsers. */
  without: [
    'lib/**/*.d.ts',
    'lib/client/**',
    'lib/dashboard/page/**',
    'lib/database/dialects/{mysql,postgres}.ts',
    'lib/database/drivers/{mysql,postgres,postgres-cancel}.ts',
    'lib/database/standbys/**',
    'lib/generated/**',
    'lib/store/clickhouse/**',
  ],
  /** The unit tests that do not compile code, and the tests on a database that reach most of the code in their time. */
  tests: [
    'unit/!(docs|examples|generators|snippets)',
    'e2e/{api.export,api.statistics,claim,cli,cli.import,cli.import.tools,cookieless,copy,dashboard,doctor}',
    'e2e/{erasure,geo,group,health,listeners,migrations,openapi,outcomes,own-database,privacy,retention}',
    'e2e/{rollup-step,service,service.find,statements,statistics,store,store.contract,telemetry,testing}',
    'e2e/{tracker,track,transaction,user-activity,validation,visitor,writer}',
  ],
};
