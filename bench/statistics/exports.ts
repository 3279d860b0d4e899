import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Exported {
  rowsPerSecond: number;
  /** Bytes of memory at the peak; of `psql`, nobody asks. */
  peak: number;
}

/** Runs a command, and measures its peak memory. */
async function run(
  command: string,
  args: string[],
  output: number | 'ignore',
): Promise<{ seconds: number; peak: number; printed: string }> {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', output === 'ignore' ? 'pipe' : output, 'inherit'] });
  let printed = '';
  child.stdout?.on('data', (data: Buffer) => (printed += data.toString().slice(0, 200)));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid ?? 0))), 50);
  const code = await new Promise((done) => child.on('exit', done));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
  return { seconds: (performance.now() - begun) / 1000, peak, printed };
}

function peakOf(pid: number): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // The process has ended in the meantime.
    return 0;
  }
}

const ROOT = resolve(import.meta.dirname, '../..');
const SESSION = '"userAgent", "startedAt", browser, system, device, bot, consent';

/** Exports the latest million activities by the built command, by `psql \copy`, and by `stream()`. */
export async function exportsOf(
  url: string,
  folder: string,
  since: number,
  rows: number,
): Promise<Record<string, Exported>> {
  const source = join(folder, 'data-source.mjs');
  const index = JSON.stringify(join(ROOT, 'dist/index.mjs'));
  const typeorm = JSON.stringify(join(ROOT, 'node_modules/typeorm/index.mjs'));
  writeFileSync(
    source,
    `import { DataSource } from ${typeorm};
     import { djaffarEntities } from ${index};
     export default new DataSource({ type: 'postgres', url: ${JSON.stringify(url)}, entities: djaffarEntities });`,
  );
  const streaming = join(folder, 'stream.mjs');
  const core = JSON.stringify(import.meta.resolve('@nestjs/core'));
  const nestTypeorm = JSON.stringify(import.meta.resolve('@nestjs/typeorm'));
  writeFileSync(
    streaming,
    `import { NestFactory } from ${core};
     import { TypeOrmModule } from ${nestTypeorm};
     import { ActivityService, DjaffarModule } from ${index};
     const database = { type: 'postgres', url: ${JSON.stringify(url)}, autoLoadEntities: true };
     const imports = [TypeOrmModule.forRoot(database), DjaffarModule.forRoot()];
     const app = await NestFactory.createApplicationContext({ module: class {}, imports }, { logger: false });
     let rows = 0;
     for await (const activity of app.get(ActivityService, { strict: false }).stream({ from: new Date(${since}) })) rows += 1;
     console.log(rows);
     await app.close();`,
  );
  const main = join(ROOT, 'dist/cli/main.mjs');
  const from = new Date(since).toISOString();
  const found: Record<string, Exported> = {};
  const file = join(folder, 'export');
  for (const format of ['ndjson', 'csv']) {
    const { seconds, peak } = await run(
      process.execPath,
      [main, '-d', source, 'export', '--format', format, '--from', from, '--output', `${file}.${format}`],
      'ignore',
    );
    found[`djaffar export --format ${format}`] = { rowsPerSecond: rows / seconds, peak };
  }
  // With a smaller heap, Node collects garbage earlier.
  for (const [how, settings] of [
    ['service.stream()', []],
    ['service.stream(), node --max-old-space-size=1024', ['--max-old-space-size=1024']],
  ] as const) {
    const { seconds, peak } = await run(process.execPath, [...settings, streaming], 'ignore');
    found[how] = { rowsPerSecond: rows / seconds, peak };
  }
  const select = `SELECT a.*, ${SESSION} FROM djaffar_activity a LEFT JOIN djaffar_session s ON s.id = a."sessionId" WHERE date >= ${since} ORDER BY date, a.id`;
  const copied = await run('psql', [url, '-qc', `\\copy (${select}) TO '${file}.copy'`], 'ignore');
  found['psql \\copy, with sessions and in the same order'] = {
    rowsPerSecond: rows / copied.seconds,
    peak: copied.peak,
  };
  const bare = await run(
    'psql',
    [url, '-qc', `\\copy (SELECT * FROM djaffar_activity WHERE date >= ${since}) TO '${file}.copy'`],
    'ignore',
  );
  found['psql \\copy of the table'] = { rowsPerSecond: rows / bare.seconds, peak: bare.peak };
  return found;
}
