/** The facts that determine the next steps. */
export interface Added {
  /** True if packages were added to `package.json`, but are not installed. */
  isToInstall: boolean;
  /** Whether the app has TypeORM. */
  usesTypeOrm: boolean;
  /** Whether TypeORM creates the tables when the app starts. */
  isAutomatic: boolean;
  /** Whether the database is that of the variable `DATABASE_URL`. */
  needsUrl: boolean;
  /** The global prefix of the app's routes, such as `/api`. */
  prefix: string;
  /** True if the app calls `enableShutdownHooks()`. */
  hasShutdownHooks: boolean;
  /** The compiled file of TypeORM's command line. */
  dataSource: string | undefined;
}

/** Returns the steps that remain before the first activity is stored. */
export function nextSteps(added: Added): string {
  const { isToInstall, usesTypeOrm, isAutomatic, needsUrl, prefix, hasShutdownHooks, dataSource } = added;
  const paragraphs = [
    'nestjs-djaffar tracks activities. Put this into your pages, before </head>:',
    `  <script defer src="${prefix}/djaffar/tracker.js"></script>`,
    ...(isToInstall ? ['Install the packages that were added to package.json:', '  npm install'] : []),
  ];
  if (!usesTypeOrm || isAutomatic)
    paragraphs.push(
      'It creates its tables when the app starts:',
      `  ${needsUrl ? 'DATABASE_URL=… ' : ''}npm run start`,
    );
  else if (dataSource)
    paragraphs.push('Create its tables:', `  npm run build && npx typeorm migration:run -d ${dataSource}`);
  else
    paragraphs.push(
      'Create its tables: run the migrations as usual, or set "migrationsRun: true" in TypeOrmModule.forRoot({ … }).',
    );
  if (!hasShutdownHooks)
    paragraphs.push(
      'Let the app finish what it has accepted when it is stopped, in main.ts after NestFactory.create(…):',
      '  app.enableShutdownHooks();',
    );
  return [
    ...paragraphs,
    'To store which user an activity is of, give the guard that checks the login (not if a global guard or passport.session() does):',
    '  DjaffarModule.forRoot({ …, guards: [JwtAuthGuard] }) // and imports: the modules that export what the guard needs',
    `To see activities on the dashboard at ${prefix}/djaffar/dashboard/, say who may, by a guard of yours:`,
    '  DjaffarModule.forRoot({ …, dashboard: { guards: [AdminGuard] } })',
    'Documentation: https://www.npmjs.com/package/nestjs-djaffar',
  ].join('\n\n');
}
