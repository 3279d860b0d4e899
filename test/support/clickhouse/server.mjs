// A small server that speaks ClickHouse's HTTP interface, so that the real `@clickhouse/client` talks to the real engine, which
// runs in this process (chdb). It prints its port, and ends when its standard input does.
// Usage: node server.mjs FOLDER
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { Session } from 'chdb';

const [folder] = process.argv.slice(2);
/** Keeps the engine open while no request is answered. */
const engine = new Session(folder);

/** The URL parameters that are neither settings nor query parameters. */
const OTHERS = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'user',
  'password',
  'session_id',
  'role',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'enable_http_compression',
  'compress',
]);

/** The maximum number of concurrent requests. */
const MAX_OPEN = 8;
const free = [];
const waiting = [];
let open = 0;

function openConnection() {
  open += 1;
  return new Session(folder);
}

/** Settings of a request stay set in its connection; that does no harm, because the client sends all settings each time. */
async function withConnection(work) {
  if (free.length === 0 && open >= MAX_OPEN) await new Promise((resolve) => waiting.push(resolve));
  const connection = free.pop() ?? openConnection();
  try {
    return await work(connection);
  } finally {
    free.push(connection);
    waiting.shift()?.();
  }
}

function quote(text) {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

async function run(url, body) {
  const parameters = url.searchParams;
  const database = parameters.get('database') ?? 'default';
  const settings = [...parameters].filter(([name]) => !OTHERS.has(name));
  const set = settings.map(([name, value]) => `${name} = ${quote(value)}`).join(', ');
  const query = parameters.get('query');
  const sql = query === null ? body : body === '' ? query : `${query}\n${body}`;
  return withConnection(async (connection) => {
    await connection.queryAsync(`USE \`${database}\`${set && `; SET ${set}`}`);
    const result = await connection.queryAsync(sql, {
      format: parameters.get('default_format') ?? 'TabSeparated',
    });
    return result.bytes();
  });
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
}

const server = createServer({ maxHeaderSize: 1024 * 1024 }, async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/ping') {
    response.end('Ok.\n');
    return;
  }
  response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
  try {
    const bytes = await run(url, await read(request));
    response.setHeader('X-ClickHouse-Summary', '{"read_rows":"0","written_rows":"0"}');
    response.end(Buffer.from(bytes));
  } catch (error) {
    const [, code = '0'] = /Code: (\d+)/.exec(error.message) ?? [];
    response.setHeader('X-ClickHouse-Exception-Code', code);
    response.statusCode = 500;
    response.end(`${error.message} (version chdb)\n`);
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => {
  engine.close();
  process.exit();
});
