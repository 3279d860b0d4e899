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
  /** The compiled file of TypeORM's command line. */
  dataSource: string | undefined;
}

/** Says what is left to do for the first activity. */
export function nextSteps({ isToInstall, usesTypeOrm, isAutomatic, needsUrl, dataSource }: Added): string {
  const paragraphs = [
    'nestjs-djaffar tracks activities. Put this into your pages, before </head>:',
    '  <script defer src="/djaffar/tracker.js"></script>',
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
  return [
    ...paragraphs,
    'To see activities on the dashboard at /djaffar/dashboard/, say who may, by a guard of yours:',
    '  DjaffarModule.forRoot({ …, dashboard: { guards: [AdminGuard] } })',
    'Documentation: https://www.npmjs.com/package/nestjs-djaffar',
  ].join('\n\n');
}
