import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { DataSource } from 'typeorm';
import { compiled } from '../support/compiled.js';
import { createDatabase, type DatabaseName, FOUND, type TestDatabase } from '../support/databases.js';
import { fetchAsAda, startSample } from '../support/sample.js';

/** Counts the connections that are in a transaction. */
const IN_TRANSACTION: Partial<Record<DatabaseName, string>> = {
  postgres: `SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
  mariadb: `SELECT count(*) AS count FROM information_schema.innodb_trx trx JOIN information_schema.processlist p ON p.id = trx.trx_mysql_thread_id WHERE p.db = DATABASE()`,
};

interface Answer {
  statusCode: number;
  body: string;
}

/** An event of an API Gateway. */
function eventOf(method: string, rawPath: string, body?: unknown): object {
  return {
    version: '2.0',
    rawPath,
    rawQueryString: '',
    headers: { host: 'example.org', 'content-type': 'application/json' },
    requestContext: { http: { method, path: rawPath, sourceIp: '192.0.2.1' } },
    isBase64Encoded: false,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}

describe.each(FOUND)('a function that is frozen between two events, on %s,', (name) => {
  let database: TestDatabase;
  let child: ChildProcess;

  beforeEach(async () => {
    database = await createDatabase(name);
    child = spawn(process.execPath, [compiled('serverless')], {
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
  });

  afterEach(async () => {
    child.kill('SIGKILL');
    await database.drop();
  });

  /** As AWS does it: thawed for the event, and frozen as soon as it is answered. */
  async function invoke(event: object): Promise<Answer> {
    child.kill('SIGCONT');
    const answered = once(child, 'message');
    child.send(event);
    const [answer] = (await answered) as [Answer];
    child.kill('SIGSTOP');
    return answer;
  }

  it('stores what it answers, leaves nothing open, and answers questions', async () => {
    const date = new Date().toISOString();
    for (const path of ['/1', '/2']) {
      const { statusCode } = await invoke(eventOf('POST', '/djaffar/track/', { date, path }));
      expect(statusCode).toBe(204);
    }
    let open = 0;
    const counting = IN_TRANSACTION[name];
    if (counting) {
      const operator = await new DataSource(database.options).initialize();
      const [row] = await operator.query<{ count: string | number }[]>(counting);
      await operator.destroy();
      open = Number(row?.count);
    }
    expect(open).toBe(0);
    const other = await startSample({ DATABASE_URL: database.url });
    const overview = await fetchAsAda(other, 'stats/overview');
    expect(await overview.json()).toMatchObject({ views: { value: 2 } });
    await other.end('SIGKILL');
    const { statusCode, body } = await invoke(eventOf('GET', '/djaffar/stats/overview'));
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ views: { value: 2 } });
  });
});
