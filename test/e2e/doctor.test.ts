import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CanActivate, Injectable, UnauthorizedException } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { djaffarEntities } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';
import { emptyDatabase, type Ran, run, runProcess, runWith } from '../support/command.js';
import { createDatabase, type DatabaseName, FOUND, type TestDatabase } from '../support/databases.js';
import { DatabaseUser } from '../support/database-user.js';
import { ADAPTERS, behindProxy, type Host, type HostOptions, startHost } from '../support/host.js';
import { OutcomeCounter } from '../../lib/diagnostics/outcome-counter.js';
import { startTlsProxy, type TlsProxy, type TlsProxySettings } from '../support/tls-proxy.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const DOCS = readFileSync('docs/doctor.md', 'utf8');

@Injectable()
class LoginGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

/** What the documentation shows: without what differs from run to run. */
function shown({ stdout, stderr }: Ran): string {
  return `${stdout}${stderr}`
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:3000')
    .replaceAll(/Djaffar [\d.]+, Node\.js v[\d.]+/g, 'Djaffar 0.1.0, Node.js v24.0.0')
    .trim();
}

/** The documentation has the same output. */
function expectDocumented(ran: Ran): void {
  expect(DOCS).toContain(`\`\`\`\n${shown(ran)}\n\`\`\``);
}

function exporting(options: DataSourceOptions): (url: string) => Promise<unknown> {
  return async () => ({ dataSource: new DataSource(options) });
}

describe.each(FOUND)('djaffar doctor on %s', (name) => {
  let database: TestDatabase;
  let operator: DataSource;

  beforeEach(async () => {
    database = await emptyDatabase(name);
    operator = await new DataSource({ ...database.options, entities: djaffarEntities }).initialize();
  });

  afterEach(async () => {
    await operator.destroy();
    await database.drop();
  });

  it('finds nothing wrong with a new database', async () => {
    const ran = await run(database, ['doctor']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).not.toContain('problem');
    for (const found of ['tables and columns are there', 'indexes are there', 'read and write all tables'])
      expect(ran.stdout).toMatch(new RegExp(`^ok .*${found}`, 'm'));
  });

  it('sees what is stored, though no instance of the app has counted it yet', async () => {
    const row = { date: new Date().toISOString(), path: '/', name: 'view' };
    const imported = await run(database, ['import', '-'], { input: `${JSON.stringify(row)}\n` });
    expect(imported).toMatchObject({ code: 0 });
    expect((await run(database, ['doctor'])).stdout).toMatch(
      /^ok .*stored in the last 24 hours: 1 activities/m,
    );
  });

  it('finds a missing table, and a missing column', async () => {
    await operator.query('DROP TABLE djaffar_salt');
    await operator.query(
      `ALTER TABLE djaffar_retention RENAME COLUMN ${operator.driver.escape('doneAt')} TO finished`,
    );
    const ran = await run(database, ['doctor']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^problem .*djaffar_salt.* is missing/m);
    expect(ran.stdout).toMatch(/^problem .*djaffar_retention.* is missing/m);
    expect(ran.stdout).toContain('→ run the migrations');
    expect(ran.stderr).toBe('djaffar: there are 2 problems\n');
  });

  it('finds a missing index, and its remedy creates it', async () => {
    const on = name === 'mariadb' ? ' ON djaffar_activity' : '';
    await operator.query(`DROP INDEX djaffar_activity_path${on}`);
    await operator.query(`DROP INDEX djaffar_visit_user${name === 'mariadb' ? ' ON djaffar_visit' : ''}`);
    const ran = await run(database, ['doctor']);
    expect(ran.code).toBe(0);
    const remedies = ran.stdout.match(/CREATE INDEX [^;\n]+/g) ?? [];
    expect(remedies).toHaveLength(2);
    for (const remedy of remedies) await operator.query(remedy);
    expect((await run(database, ['doctor'])).stdout).toMatch(/^ok .*indexes are there/m);
  });
});

const SERVERS = FOUND.filter((name) => name !== 'sqlite');
const describeEachServer =
  SERVERS.length > 0 ? describe.each(SERVERS) : describe.skip.each<DatabaseName>(['postgres']);

describeEachServer('djaffar doctor on %s', (name) => {
  it('finds rights that the user does not have', async () => {
    const database = await emptyDatabase(name);
    const operator = await new DataSource(database.options).initialize();
    const user = await DatabaseUser.create(operator, database.url);
    try {
      await user.revokeInsert('djaffar_session');
      const ran = await run({ ...database, options: databaseOptions(user.url) }, ['doctor']);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toMatch(/^problem .*INSERT on .*djaffar_session.* is refused/m);
      expect(ran.stdout).toContain('→ GRANT INSERT ON');
      expect(ran.stdout.match(/is refused/g)).toHaveLength(1);
    } finally {
      await user.drop();
      await operator.destroy();
      await database.drop();
    }
  });
});

describe('djaffar doctor', () => {
  it('prints what the documentation shows of missing tables and indexes', async () => {
    const database = await emptyDatabase('sqlite');
    const operator = await new DataSource(database.options).initialize();
    try {
      await operator.query('DROP INDEX djaffar_activity_path');
      const withoutIndex = await run(database, ['doctor']);
      await operator.query('DROP TABLE djaffar_salt');
      const withoutTable = await run(database, ['doctor']);
      expect([withoutIndex.code, withoutTable.code]).toEqual([0, 1]);
      expectDocumented(withoutIndex);
      expectDocumented(withoutTable);
    } finally {
      await operator.destroy();
      await database.drop();
    }
  });

  it('finds a database that takes no writes', async () => {
    const database = await emptyDatabase('sqlite');
    try {
      const readonly = {
        ...database.options,
        prepareDatabase: (connection: { exec(sql: string): void }) =>
          connection.exec('PRAGMA query_only = 1'),
        entities: djaffarEntities,
      };
      const ran = await runWith(exporting(readonly), ['doctor']);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toMatch(/^problem .*INSERT, UPDATE, DELETE on .*djaffar_activity.* is refused/m);
    } finally {
      await database.drop();
    }
  });

  it('finds that the migrations have never run', async () => {
    const database = await createDatabase('sqlite');
    try {
      const ran = await run(database, ['doctor']);
      expect(ran.code).toBe(1);
      expect(ran.stdout.match(/^problem .*/gm)).toEqual(['problem  none of the tables is there']);
    } finally {
      await database.drop();
    }
  });

  it('finds a data source without the entities', async () => {
    const database = await emptyDatabase('sqlite');
    try {
      const ran = await runWith(exporting({ ...database.options, entities: [] }), ['doctor']);
      expect(ran.code).toBe(1);
      expectDocumented(ran);
    } finally {
      await database.drop();
    }
  });

  it('finds a URL that is undefined', async () => {
    const ran = await runWith(exporting({ type: 'postgres', url: undefined, entities: djaffarEntities }), [
      'doctor',
    ]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^problem  the "url" of .* is undefined: is an environment variable missing/m);
  });

  it('finds a database that cannot be reached', async () => {
    const url = 'postgres://app:secret@127.0.0.1:1/app';
    const ran = await runWith(exporting({ type: 'postgres', url, entities: djaffarEntities }), ['doctor']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^problem .*ECONNREFUSED/m);
    expect(ran.stdout).toContain('→ start the database');
    expect(ran.stdout).not.toContain('secret');
  });
});

describe('djaffar doctor --url', () => {
  let database: TestDatabase;
  let host: Host | undefined;

  beforeEach(async () => {
    database = await emptyDatabase('sqlite');
    host = undefined;
  });

  afterEach(async () => {
    await host?.close();
    await database.drop();
  });

  /** Starts an app, and examines it. */
  async function examine(options: Partial<HostOptions> = {}, args: string[] = []): Promise<Ran> {
    host = await startHost({ adapter: 'express', database, ...options });
    return run(database, ['doctor', '--url', host.url, ...args]);
  }

  /** The app has a page with the tracker. */
  function withPage(policy = "default-src 'self'"): Partial<HostOptions> {
    return {
      configure: (app) =>
        void app.use((request: { path: string }, response: ServerResponse, next: () => void) => {
          if (request.path !== '/') return next();
          response.setHeader('Content-Security-Policy', policy);
          response.end('<script src="/djaffar/tracker.js"></script>');
        }),
    };
  }

  it('finds nothing wrong, and leaves nothing behind', async () => {
    const ran = await examine(withPage());
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).not.toContain('problem');
    for (const found of [
      'is answered with 204',
      'is in the database',
      'the cookie comes back',
      'is a script',
      'lets the tracker send',
    ])
      expect(ran.stdout).toMatch(new RegExp(`^ok .*${found}`, 'm'));
    expect(await host?.stored()).toEqual([]);
    expectDocumented(ran);
  });

  it('finds a global guard', async () => {
    const ran = await examine({ providers: [{ provide: APP_GUARD, useClass: LoginGuard }] });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('→ a global guard turns anonymous visitors away: decorators: [Public()]');
    expectDocumented(ran);
  });

  it('finds a global prefix', async () => {
    const ran = await examine({ configure: (app) => void app.setGlobalPrefix('api') });
    expect(ran.code).toBe(1);
    expectDocumented(ran);
    const again = await run(database, ['doctor', '--url', `${host?.url}/api`]);
    expect(again.stdout).not.toContain('problem');
    expect(again.code).toBe(0);
  });

  it('finds a rate limit', async () => {
    const ran = await examine({
      imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 0 }])],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
    });
    expect(ran.code).toBe(1);
    expectDocumented(ran);
  });

  it('finds a Content-Security-Policy that blocks the tracker', async () => {
    const ran = await examine(withPage("default-src 'none'; script-src 'self'"));
    expect(ran.code).toBe(1);
    expectDocumented(ran);
  });

  it('finds another database', async () => {
    const other = await emptyDatabase('sqlite');
    try {
      const ran = await examine({ database: other });
      expect(ran.code).toBe(1);
      expectDocumented(ran);
    } finally {
      await host?.close();
      host = undefined;
      await other.drop();
    }
  });

  it('finds a cookie that browsers refuse', async () => {
    const ran = await examine({ djaffar: { session: { sameSite: 'none' } } });
    expect(ran.code).toBe(1);
    expectDocumented(ran);
  });

  it('finds pages of another origin that may not send, and a page without the tag', async () => {
    const ran = await examine({}, ['--page', 'http://localhost:9']);
    expect(ran.stdout).toContain('localhost:9/ does not answer');
    const site = createServer((_, response) => response.end('<html></html>')).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const again = await run(database, [
      'doctor',
      '--url',
      `${host?.url}`,
      '--page',
      `http://127.0.0.1:${port}`,
    ]);
    site.close();
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/^problem .*may not send/m);
    expect(again.stdout).toContain('app.enableCors(');
    expect(again.stdout).toMatch(/^warning .*has no script tag/m);
  });

  it('finds a front end that answers instead, and a clock that is wrong', async () => {
    let ahead = 0;
    const site = createServer((request, response) => {
      response.setHeader('Date', new Date(Date.now() + ahead).toUTCString());
      if (ahead > 0 && request.method === 'POST') response.statusCode = 204;
      response.setHeader('Content-Type', 'text/html').end(response.statusCode === 200 ? '<html></html>' : '');
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const url = ['doctor', '--url', `http://127.0.0.1:${port}`];
    const ran = await run(database, url);
    ahead = 3_600_000;
    const later = await run(database, url);
    site.close();
    expect(ran.code).toBe(1);
    expectDocumented(ran);
    expect(later.stdout).toMatch(/^warning .*clock of the app is 3(?:600|59\d) s ahead/m);
    expect(later.stdout).toMatch(/^problem .*tracker\.js is answered with 200, text\/html/m);
  });

  it('does not count its own requests, answered or refused', async () => {
    await examine();
    const counts = (): object =>
      Object.fromEntries(host?.app.get(OutcomeCounter, { strict: false }).totals ?? []);
    expect(counts()).toEqual({});
    await host?.close();
    host = undefined;
    await examine({
      djaffar: {
        transform: () => {
          throw new UnauthorizedException();
        },
      },
    });
    expect(counts()).toEqual({});
  });

  it('names http:// if the app has no HTTPS', async () => {
    host = await startHost({ adapter: 'express', database });
    const ran = await runProcess(database, ['doctor', '--url', host.url.replace('http:', 'https:')]);
    expect(ran.stdout).toContain('→ the app has no HTTPS: give http:// in --url');
  });

  it('says what was refused in the last day', async () => {
    host = await startHost({ adapter: 'fastify', database });
    await host.post({ path: '/' }, { 'User-Agent': FIREFOX });
    await host.post({ date: new Date().toISOString(), path: '/' }, { 'User-Agent': FIREFOX });
    await host.close();
    host = undefined;
    const ran = await run(database, ['doctor']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^ok .*stored in the last 24 hours: 1/m);
    expect(ran.stdout).toMatch(
      /^warning .*1 refused requests in the last 24 hours \(400\.date\): a wrong "date"/m,
    );
  });

  it('reports an app that stops answering, and does not let it control the terminal', async () => {
    const hanging = createServer((request, response) => {
      if (request.url?.endsWith('tracker.js')) response.destroy();
      else if (request.method === 'POST') response.writeHead(204).end();
      else response.end();
    }).listen(0, '127.0.0.1');
    const failing = createServer((_, response) => {
      response.writeHead(500).end(JSON.stringify({ message: '\u009b2Jall is well' }));
    }).listen(0, '127.0.0.1');
    await Promise.all([once(hanging, 'listening'), once(failing, 'listening')]);
    const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ran = await run(database, ['doctor', '--url', urlOf(hanging)]);
    const other = await run(database, ['doctor', '--url', urlOf(failing)]);
    hanging.close();
    failing.close();
    expect(ran.stdout).toMatch(/^ok .*the database can be reached/m);
    expect(ran.stdout).toMatch(/^problem .*answered at first, but then failed/m);
    expect(other.stdout).toContain('500: \\u009b2Jall is well');
  });

  it('reads a large page in proportion to its size', async () => {
    const page = `${'<meta http-equiv="x" '.repeat(50_000)}<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`;
    host = await startHost({
      adapter: 'express',
      database,
      configure: (app) =>
        void app.use((request: { path: string }, response: ServerResponse, next: () => void) => {
          if (request.path === '/') response.end(page);
          else next();
        }),
    });
    const begun = performance.now();
    await run(database, ['doctor', '--url', host.url]);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('finds an app that is not there', async () => {
    const ran = await run(database, ['doctor', '--url', 'http://127.0.0.1:9']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^problem .*does not answer/m);
  });

  describe('over HTTPS', () => {
    let proxy: TlsProxy | undefined;

    afterEach(async () => {
      delete process.env.NODE_EXTRA_CA_CERTS;
      await proxy?.close();
      proxy = undefined;
    });

    /** Examines the host behind a proxy for HTTPS, in a process of its own, which reads the certificate when it starts. */
    async function examineProxied(options: Partial<HostOptions>, settings?: TlsProxySettings): Promise<Ran> {
      host = await startHost({ adapter: 'express', database, ...options });
      proxy = await startTlsProxy(host.url, settings);
      process.env.NODE_EXTRA_CA_CERTS = proxy.certificate;
      return runProcess(database, ['doctor', '--url', proxy.url]);
    }

    it.each(ADAPTERS)('finds nothing wrong if the proxy is trusted, on %s', async (adapter) => {
      const ran = await examineProxied({ adapter, ...behindProxy(adapter) });
      expect(ran.stdout).toMatch(/^ok .*the cookie of the session is set, only over HTTPS/m);
      expect(ran.stdout).toMatch(/^ok .*the cookie comes back/m);
      expect(ran.stdout).not.toContain('the cookie is not Secure');
      expect(ran).toMatchObject({ code: 0, stderr: '' });
    });

    it('finds that the proxy is not trusted', async () => {
      const ran = await examineProxied({});
      expect(ran.stdout).toMatch(/^warning .*the cookie is not Secure over HTTPS/m);
      expect(ran.stdout).toContain(
        "→ let the proxy send X-Forwarded-Proto, and trust it: app.set('trust proxy', 1)",
      );
    });

    it('finds a proxy that removes the cookie', async () => {
      const ran = await examineProxied(behindProxy('express'), {
        change: (headers) => delete headers['set-cookie'],
      });
      expect(ran.stdout).toMatch(/^warning .*no cookie is set/m);
      expect(ran.stdout).toContain('let the proxy pass on Set-Cookie');
    });

    it('says that a certificate is not known', async () => {
      host = await startHost({ adapter: 'express', database });
      proxy = await startTlsProxy(host.url);
      const ran = await runProcess(database, ['doctor', '--url', proxy.url]);
      expect(ran.code).toBe(1);
      expect(ran.stdout).toMatch(/^problem .*does not answer: .*self-signed certificate/m);
      expect(ran.stdout).toContain('NODE_EXTRA_CA_CERTS');
    });
  });
});
