import type { Command } from 'commander';
import { type Finding, ok, problem, warning } from '../../store/finding.js';
import { version } from '../../generated/version.js';
import { explain } from '../../health/causes.js';
import { HOUR } from '../../time/units.js';
import type { DataSourceFile } from '../data-source.js';
import { escapeControls, formatReason } from '../errors.js';
import { print } from '../output.js';
import { type Services, createServices } from '../services.js';
import { checkApp } from './app-check.js';

/** Milliseconds. */
const MAX_SKEW = 5000;
const MAX_LAG = 300_000;

interface Options {
  url?: string;
  page?: string;
  path: string;
}

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('find out why nothing arrives: look at the database, and at a running app')
    .option('--url <url>', 'the address of the app, with its global prefix, such as https://example.org/api')
    .option('--page <url>', 'a page that has the tracker on it (default: the start page of --url)')
    .option('--path <path>', 'the option "path" of the module', 'djaffar')
    .action(async (options: Options) => {
      const { dataSource: file } = command.optsWithGlobals<{ dataSource: DataSourceFile }>();
      const findings = await runChecks(file, options);
      await print(findings.map(format).join('\n'));
      const problems = findings.filter(({ level }) => level === 'problem').length;
      if (problems > 0)
        throw new Error(problems === 1 ? 'there is a problem' : `there are ${problems} problems`);
    });
}

async function runChecks(file: DataSourceFile, options: Options): Promise<Finding[]> {
  const findings = [ok(`Djaffar ${version}, Node.js ${process.version}`)];
  let services: Services | undefined;
  let close: (() => Promise<void>) | undefined;
  try {
    const opened = await file.open();
    close = async () => {
      await opened.store.close();
      await opened.close();
    };
    const { store, page, retention } = opened;
    services = { ...createServices(store, page), page, retention, file: file.name };
    findings.push(...(await checkDatabase(services)));
  } catch (error) {
    findings.push(problem(formatReason(error), findRemedy(error)));
  }
  try {
    if (options.url !== undefined)
      findings.push(...(await checkApp({ ...options, url: options.url }, services)));
    return findings;
  } finally {
    await close?.();
  }
}

async function checkDatabase({ store }: Services): Promise<Finding[]> {
  const findings = [ok(`the database can be reached (${store.engine})`)];
  const encoding = await store.findEncodingFault();
  if (encoding !== undefined) findings.push(problem(encoding, 'see docs/databases.md'));
  const inspected = await store.inspect();
  findings.push(...inspected);
  if (
    inspected.some(
      ({ level, text }) => level === 'problem' && /missing|cannot be read|none of the tables/.test(text),
    )
  )
    return findings;
  const asked = Date.now();
  const { lag, now } = await store.findLag();
  const skew = Math.round(now - (asked + Date.now()) / 2);
  findings.push(
    Math.abs(skew) > MAX_SKEW
      ? warning(
          `the clock of the database is ${Math.abs(skew) / 1000} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
          'synchronize the clocks (NTP): visits and live figures are wrong otherwise',
        )
      : ok('the clocks of the database and of this machine agree'),
  );
  findings.push(
    lag > MAX_LAG
      ? warning(
          `the statistics are ${Math.round(lag / 1000)} s behind`,
          'start an instance of the app; with statistics.background: false they are updated by the next question',
        )
      : ok('the statistics are up to date'),
  );
  findings.push(...(await checkOutcomes(store, now)));
  return findings;
}

/** Reports what the instances of the app counted in the last day. */
async function checkOutcomes(store: Services['store'], now: number): Promise<Finding[]> {
  const counts = new Map<string, number>();
  for (const { cause, count } of await store.findOutcomes(now - 24 * HOUR))
    counts.set(cause, (counts.get(cause) ?? 0) + count);
  const counted = counts.get('stored') ?? 0;
  // The counts are stored every few seconds, a killed process loses the latest ones, and imports are not counted.
  const stored = counted > 0 ? counted : await store.count({ from: now - 24 * HOUR });
  const findings: Finding[] = [
    stored > 0
      ? ok(`stored in the last 24 hours: ${stored} activities`)
      : warning(
          'no activity was stored in the last 24 hours',
          'open a page with the tracker; with --url, this also sends an activity',
        ),
  ];
  const isOnlyBots = counted > 0 && (counts.get('bot') ?? 0) >= counted;
  if (isOnlyBots)
    findings.push(
      warning('all of them come from bots, and statistics exclude bots', 'open a page in your own browser'),
    );
  for (const [cause, count] of [...counts].sort(([, a], [, b]) => b - a)) {
    const explanation = explain(cause);
    if (!explanation || explanation.kind === 'marked') continue;
    const { kind, meaning, cure: remedy } = explanation;
    const what = `${count} ${kind === 'refused' ? 'refused requests' : 'dropped activities'}`;
    findings.push(warning(`${what} in the last 24 hours (${cause}): ${meaning}`, remedy));
  }
  if ((counts.get('proxied') ?? 0) > 0 && !counts.has('public'))
    findings.push(
      warning(
        'all requests seem to come from a private address, though a proxy sends X-Forwarded-For',
        "trust the proxy: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
      ),
    );
  return findings;
}

const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'problem ' };

function format({ level, text, remedy }: Finding): string {
  // The text may come from an app or a database, and may contain terminal control sequences.
  const line = escapeControls(`${MARKS[level]} ${text}`);
  return remedy === undefined ? line : `${line}\n          → ${escapeControls(remedy)}`;
}

function findRemedy(error: unknown): string {
  const reason = formatReason(error);
  if (/djaffarEntities/.test(reason)) return 'entities: [...djaffarEntities, …] in the data source';
  if (/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH/.test(reason))
    return 'start the database, or correct host and port of the data source';
  if (/password|denied|authentication/i.test(reason)) return 'correct user and password of the data source';
  if (/does not exist|Unknown database/i.test(reason))
    return 'create the database, or correct its name in the data source';
  return 'correct the file of the option -d, or set the environment variables that it reads';
}
