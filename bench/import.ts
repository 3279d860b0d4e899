import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { databaseOptions } from '../sample/database.js';
import { table } from './markdown.js';

// How fast `djaffar import` reads the files of each tool into SQLite, and how much memory that takes. Needs dist/.
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    /** Names, separated by commas. Default: all. */
    formats: { type: 'string' },
    out: { type: 'string', default: 'bench' },
  },
});

const ROOT = resolve(import.meta.dirname, '..');
const ROWS_OF_VISIT = 5;
const VISITS_OF_SESSION = 2;
const PAGES = 500;
const SITE = '11111111-1111-4111-8111-111111111111';
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

interface Event {
  number: number;
  visit: number;
  session: number;
  date: Date;
  page: string;
}

/** Over a year, in the order of time, five to a visit and two visits to a session. */
function* events(rows: number): Generator<Event, void, void> {
  const visits = Math.ceil(rows / ROWS_OF_VISIT);
  for (let number = 0; number < rows; number++) {
    const visit = Math.floor(number / ROWS_OF_VISIT);
    yield {
      number,
      visit,
      session: Math.floor(visit / VISITS_OF_SESSION),
      date: new Date(
        Date.UTC(2025, 0, 1) + (visit / visits) * 365 * 86_400_000 + (number % ROWS_OF_VISIT) * 20_000,
      ),
      page: `/products/${(number * 7919) % PAGES}`,
    };
  }
}

const first = ({ number }: Event): boolean => number % ROWS_OF_VISIT === 0;
const second = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');
const uuid = (kind: number, number: number): string =>
  `${kind}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

function* lines(
  header: string,
  rows: number,
  line: (event: Event) => string | undefined,
): Generator<string, void, void> {
  if (header) yield `${header}\n`;
  for (const event of events(rows)) {
    const text = line(event);
    if (text !== undefined) yield `${text}\n`;
  }
}

/** Only the first event of each session, for tables of sessions. */
const ofSession =
  (line: (event: Event) => string) =>
  (event: Event): string | undefined =>
    event.number % (ROWS_OF_VISIT * VISITS_OF_SESSION) === 0 ? line(event) : undefined;
const ofVisit =
  (line: (event: Event) => string) =>
  (event: Event): string | undefined =>
    first(event) ? line(event) : undefined;

const ndjson = (event: Event): string =>
  JSON.stringify({
    date: event.date,
    path: event.page,
    sessionId: `s${event.session}`,
    visitId: `v${event.visit}`,
    session: { userAgent: AGENT },
  });

/** The files of each format, by their names. */
const FORMATS: Record<string, { from?: string; files(rows: number): Record<string, Iterable<string>> }> = {
  'NDJSON, of djaffar export': { files: (rows) => ({ 'rows.ndjson': lines('', rows, ndjson) }) },
  'NDJSON with gzip': { files: (rows) => ({ 'rows.ndjson.gz': lines('', rows, ndjson) }) },
  'CSV, of djaffar export': {
    files: (rows) => ({
      'rows.csv': lines(
        'date,path,sessionId,visitId,session.userAgent',
        rows,
        ({ date, page, session, visit }) => `${date.toISOString()},${page},s${session},v${visit},"${AGENT}"`,
      ),
    }),
  },
  'Umami, CSV': {
    from: 'umami',
    files: (rows) => ({
      'session.csv': lines(
        'session_id,website_id,browser,os,device,screen,language,country,region,city,distinct_id,created_at',
        rows,
        ofSession(
          ({ session, date }) =>
            `${uuid(2, session)},${SITE},chrome,Windows 10,laptop,1920x1080,de-DE,DE,DE-BE,Berlin,,${second(date)}+00`,
        ),
      ),
      'website_event.csv': lines(
        'event_id,website_id,session_id,visit_id,created_at,url_path,url_query,utm_source,referrer_path,referrer_query,referrer_domain,page_title,event_type,event_name,tag,hostname',
        rows,
        ({ number, session, visit, date, page }) =>
          `${uuid(1, number)},${SITE},${uuid(2, session)},${uuid(3, visit)},${second(date)}+00,${page},,,,,,"A title, in quotes",1,,,shop.example`,
      ),
    }),
  },
  'Plausible, CSV': {
    from: 'plausible',
    files: (rows) => ({
      'events_v2.csv': lines(
        'name,site_id,hostname,pathname,user_id,session_id,timestamp,meta.key,meta.value,referrer,referrer_source,utm_medium,utm_source,utm_campaign,country_code,screen_size,operating_system,browser,browser_version',
        rows,
        ({ session, visit, date, page }) =>
          `pageview,1,shop.example,${page},${session},${visit},${second(date)},[],[],,,,,,DE,Desktop,Mac,Safari,17`,
      ),
    }),
  },
  'ahoy, CSV': {
    from: 'ahoy',
    files: (rows) => ({
      'ahoy_visits.csv': lines(
        'id,visit_token,visitor_token,user_id,ip,user_agent,referrer,referring_domain,landing_page,browser,os,device_type,country,utm_source,utm_medium,started_at',
        rows,
        ofVisit(
          ({ visit, session, date, page }) =>
            `${visit},v${visit},s${session},,192.0.2.7,"${AGENT}",,,https://shop.example${page},Firefox,Linux,Desktop,DE,,,${second(date)}`,
        ),
      ),
      'ahoy_events.csv': lines(
        'id,visit_id,user_id,name,properties,time',
        rows,
        ({ number, visit, date, page }) =>
          `${number},${visit},,$view,"{""url"":""https://shop.example${page}"",""page"":""${page}""}",${second(date)}`,
      ),
    }),
  },
  'Matomo, TSV of its tables': {
    from: 'matomo',
    files: (rows) => ({
      'log_action.tsv': [
        'idaction\tname\thash\ttype\turl_prefix\n',
        ...Array.from({ length: PAGES }, (_, i) => `${i + 1}\tshop.example/products/${i}\t${i}\t1\t2\n`),
      ],
      'log_visit.tsv': lines(
        'idvisit\tidsite\tidvisitor\tvisit_first_action_time\tuser_id\treferer_type\treferer_url\treferer_name\treferer_keyword\tconfig_browser_name\tconfig_os\tconfig_device_type\tlocation_ip',
        rows,
        ofVisit(
          ({ visit, session, date }) =>
            `${visit}\t1\t${session.toString(16).toUpperCase().padStart(16, '0')}\t${second(date)}\tNULL\t1\tNULL\tNULL\tNULL\tFF\tLIN\t0\t192.0.2.7`,
        ),
      ),
      'log_link_visit_action.tsv': lines(
        'idlink_va\tidsite\tidvisit\tserver_time\tidaction_url\tidaction_name\tidaction_url_ref',
        rows,
        ({ number, visit, date }) =>
          `${number}\t1\t${visit}\t${second(date)}\t${((number * 7919) % PAGES) + 1}\tNULL\t0`,
      ),
    }),
  },
  'GA4, NDJSON': {
    from: 'ga4',
    files: (rows) => ({
      'events.ndjson': lines('', rows, ({ session, visit, date, page }) =>
        JSON.stringify({
          event_date: date.toISOString().slice(0, 10).replaceAll('-', ''),
          event_timestamp: String(date.getTime() * 1000),
          event_name: 'page_view',
          event_params: [
            { key: 'ga_session_id', value: { int_value: String(visit) } },
            { key: 'page_location', value: { string_value: `https://shop.example${page}` } },
          ],
          user_pseudo_id: `${session}.1`,
          device: { category: 'desktop', operating_system: 'Windows', web_info: { browser: 'Chrome' } },
        }),
      ),
    }),
  },
};

interface Imported {
  seconds: number;
  /** Bytes. */
  peak: number;
  bytes: number;
}

function peakOf(pid: number): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

async function run(args: string[]): Promise<{ seconds: number; peak: number; output: string }> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid ?? 0))), 50);
  const code = await new Promise((done) => child.on('close', done));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
  return { seconds: (performance.now() - begun) / 1000, peak, output };
}

async function importFrom(name: string, rows: number): Promise<Imported> {
  const format = FORMATS[name];
  if (!format) throw new Error(`there is no format ${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
  try {
    const database = join(folder, 'import.sqlite');
    const dataSource = new DataSource({
      ...databaseOptions(`sqlite:${database}`),
      entities: djaffarEntities,
      migrations: djaffarMigrations,
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    const source = join(folder, 'data-source.mjs');
    const index = JSON.stringify(join(ROOT, 'dist/index.mjs'));
    const from = (each: string): string => JSON.stringify(import.meta.resolve(each));
    writeFileSync(
      source,
      `import { DataSource } from ${from('typeorm')};
       import libsql from ${from('libsql')};
       import { djaffarEntities } from ${index};
       export default new DataSource({
         type: 'better-sqlite3', driver: libsql, database: ${JSON.stringify(database)}, enableWAL: true,
         entities: djaffarEntities,
       });`,
    );
    const files: string[] = [];
    for (const [file, content] of Object.entries(format.files(rows))) {
      const path = join(folder, file);
      files.push(path);
      const steps = file.endsWith('.gz') ? [createGzip({ level: 1 })] : [];
      await pipeline([Readable.from(content), ...steps, createWriteStream(path)]);
    }
    const command = [join(ROOT, 'dist/cli/main.mjs'), '-d', source, 'import'];
    const { seconds, peak, output } = await run([
      ...command,
      ...(format.from ? ['--from', format.from] : []),
      ...files,
    ]);
    process.stderr.write(`${name}: ${rows} rows, ${seconds.toFixed(1)} s: ${output.split('\n')[0]}\n`);
    return { seconds, peak, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rows = Number(options.rows);
const names = options.formats?.split(';') ?? Object.keys(FORMATS);
const found: (string | number)[][] = [];
for (const name of names) {
  const tenth = await importFrom(name, rows / 10);
  const all = await importFrom(name, rows);
  found.push([
    name,
    (all.bytes / 1e6).toFixed(0),
    Math.round(rows / all.seconds).toLocaleString('en'),
    (tenth.peak / 2 ** 20).toFixed(0),
    (all.peak / 2 ** 20).toFixed(0),
  ]);
}

const markdown = `# Import

${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}. \`djaffar import\` of ${rows.toLocaleString('en')} activities in ${(rows / ROWS_OF_VISIT).toLocaleString('en')} visits of
${(rows / ROWS_OF_VISIT / VISITS_OF_SESSION).toLocaleString('en')} sessions into an empty SQLite file, by \`npm run bench:import\`. **Peak** is the peak memory of the process (MiB), for a tenth of the
activities and for all.

${table(['format', 'MB', 'activities a second', 'peak of a tenth', 'peak'], found)}
`;
process.stdout.write(markdown);
writeFileSync(`${options.out}/IMPORT.md`, markdown);
