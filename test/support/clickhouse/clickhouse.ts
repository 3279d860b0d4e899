import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';

/** A ClickHouse server of a test file. */
export interface ClickHouseServer {
  url: string;
  /** @returns the name of a new, empty database */
  createDatabase(): Promise<string>;
  query(sql: string): Promise<unknown[]>;
  /** Drops the databases, and ends the server if it was started here. */
  stop(): Promise<void>;
}

/**
 * The server of `TEST_CLICKHOUSE_URL`; without it, the same engine in a process of its own (chdb), behind ClickHouse's HTTP
 * interface.
 */
export async function startClickHouse(): Promise<ClickHouseServer> {
  const given = process.env.TEST_CLICKHOUSE_URL;
  const own = given ? undefined : await startEngine();
  const url = given ?? own?.url ?? '';
  const client = createClient({ url, request_timeout: 120_000, log: { level: ClickHouseLogLevel.OFF } });
  const databases: string[] = [];
  return {
    url,
    createDatabase: async () => {
      const name = `djaffar_test_${randomBytes(6).toString('hex')}`;
      await client.command({ query: `CREATE DATABASE ${name}` });
      databases.push(name);
      return name;
    },
    query: async (query) => (await client.query({ query, format: 'JSONEachRow' })).json(),
    stop: async () => {
      if (!own) for (const name of databases) await client.command({ query: `DROP DATABASE ${name} SYNC` });
      await client.close();
      await own?.stop();
    },
  };
}

async function startEngine(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'djaffar-clickhouse-'));
  const engine = spawn(process.execPath, [join('test', 'support', 'clickhouse', 'server.mjs'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await firstLineOf(engine);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const ended = once(engine, 'exit');
      engine.stdin?.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function firstLineOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('the engine has no standard output');
  for await (const line of createInterface(stdout)) return line;
  throw new Error('the engine did not start');
}
