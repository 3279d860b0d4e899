import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connectionsOf } from '../../lib/database/connections.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { KEY_LIFETIME, KEY_PUBLICATION } from '../../lib/privacy/key-ring.js';
import { SigningKey } from '../../lib/store/typeorm/tables/signing-key.entity.js';
import { REFRESH, SigningKeys } from '../../lib/privacy/signing-keys.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { cookieOf, type Host, startHost } from '../support/host.js';

interface Tracked {
  session: string | null;
  visit: string | null;
  cookie: string;
}

/** Tracks a view, and returns to whom it belongs and the cookie of the answer. */
async function track(host: Host, cookie?: string): Promise<Tracked> {
  const id = randomUUID();
  const body = { id, date: new Date().toISOString(), path: '/' };
  const response = await host.post(body, cookie ? { Cookie: cookie } : {});
  expect(response.status).toBe(204);
  const stored = (await host.stored()).find((activity) => activity.id === id);
  return {
    session: stored?.sessionId ?? null,
    visit: stored?.visitId ?? null,
    cookie: cookieOf(response),
  };
}

async function keysOf({ dataSource }: Host): Promise<SigningKey[]> {
  return dataSource.getRepository(SigningKey).find({ order: { number: 'ASC' } });
}

/** Lets the time pass after which a request has the keys read again, and waits until they are. */
async function refresh(host: Host): Promise<void> {
  const passed = monotonicClock.now() + REFRESH + 1;
  const clock = jest.spyOn(monotonicClock, 'now').mockReturnValue(passed);
  const keys = host.app.get(SigningKeys, { strict: false });
  const before = keys.current;
  clock.mockRestore();
  while (keys.current === before) await pause(5);
}

describe.each(FOUND)('the signature of the cookie on %s', (name) => {
  let database: TestDatabase;
  let host: Host;
  const others: Host[] = [];

  beforeEach(async () => {
    database = await createMigratedDatabase(name);
    host = await startHost({ adapter: 'fastify', database });
  });

  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await host.close();
    await database.drop();
  });

  async function startAnother(): Promise<Host> {
    const other = await startHost({ adapter: 'express', database });
    others.push(other);
    return other;
  }

  it('is the same on all instances', async () => {
    const other = await startAnother();
    const first = await track(host);
    const second = await track(other, first.cookie);
    expect(await track(host, second.cookie)).toMatchObject({ session: first.session, visit: first.visit });
    expect(second).toMatchObject({ session: first.session, visit: first.visit });
    expect(await keysOf(host)).toHaveLength(1);
  });

  if (name !== 'sqlite') {
    it('has keys by the clock of the database, as that of an instance may be ahead', async () => {
      const stored = host.dataSource.getRepository(SigningKey);
      const [first] = await keysOf(host);
      const age = KEY_LIFETIME / 2;
      await stored.update({ number: 1 }, { createdAt: new Date(Date.now() - age) });
      const ahead = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + KEY_LIFETIME);
      await refresh(host);
      ahead.mockRestore();
      expect((await keysOf(host)).map(({ secret }) => secret)).toEqual([first?.secret]);
      await stored.update({ number: 1 }, { createdAt: new Date(Date.now() - KEY_LIFETIME) });
      const behind = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - age);
      await refresh(host);
      behind.mockRestore();
      const [, next] = await keysOf(host);
      expect(Math.abs(Date.now() - Number(next?.createdAt))).toBeLessThan(60_000);
    });
  }

  it('is not that of another application', async () => {
    const foreign = await startHost({ adapter: 'fastify', database: name });
    others.push(foreign);
    const { cookie, session } = await track(foreign);
    expect((await track(host, cookie)).session).not.toBe(session);
  });

  it('treats a visitor with a changed cookie as a new one', async () => {
    const { cookie, session, visit } = await track(host);
    const [, value = ''] = cookie.split('=');
    const parts = value.split('.');
    expect(parts).toHaveLength(6);
    const forged = [
      // Each part of the cookie of another visitor.
      ...(await track(host)).cookie
        .replace('djaffar_session=', '')
        .split('.')
        .map((part, i) => parts.with(i, part).join('.')),
      // A visit of 1970.
      parts.with(1, `00000000${'a'.repeat(7)}`).join('.'),
      parts.with(2, 'zzzzzzzz').join('.'),
      // A session that can be renewed for longer.
      parts.with(4, 'zzzzzzzz').join('.'),
      // Without a signature.
      parts.slice(0, -1).join('.'),
      `${parts.slice(0, -1).join('.')}.`,
      value.slice(0, -1),
    ];
    for (const each of forged.filter((text) => text !== value)) {
      const tracked = await track(host, `djaffar_session=${each}`);
      expect([session, parts[0]]).not.toContain(tracked.session);
      expect(tracked.visit).not.toBe(visit);
    }
    expect(await track(host, cookie)).toMatchObject({ session, visit });
  });

  it('is by one key if two instances make the first at the same moment', async () => {
    await host.dataSource.getRepository(SigningKey).clear();
    const instances = await Promise.all([startAnother(), startAnother(), startAnother()]);
    expect(await keysOf(host)).toHaveLength(1);
    const [first, ...more] = instances;
    if (!first) throw new Error('there are three');
    const { cookie, session } = await track(first);
    for (const each of more) expect(await track(each, cookie)).toMatchObject({ session });
  });

  it('outlives the rotation of the key, which needs no restart', async () => {
    const other = await startAnother();
    const { cookie, session, visit } = await track(host);
    const keys = host.dataSource.getRepository(SigningKey);
    await keys.update({ number: 1 }, { createdAt: new Date(Date.now() - KEY_LIFETIME) });
    await refresh(host);
    expect((await keysOf(host)).map(({ number }) => number)).toEqual([1, 2]);
    // The new key does not sign before all know it.
    const signed = await track(host, cookie);
    expect(signed.cookie.slice(-26, -22)).toBe(cookie.slice(-26, -22));
    expect(await track(other, signed.cookie)).toMatchObject({ session, visit });
    await keys.update({ number: 2 }, { createdAt: new Date(Date.now() - KEY_PUBLICATION) });
    await refresh(host);
    await refresh(other);
    const renewed = await track(host, cookie);
    expect(renewed).toMatchObject({ session, visit });
    expect(renewed.cookie.slice(-26, -22)).not.toBe(cookie.slice(-26, -22));
    expect(await track(other, renewed.cookie)).toMatchObject({ session, visit });
    expect(await keysOf(host)).toHaveLength(2);
  });

  it('ends with the life of a cookie after the key was replaced', async () => {
    const { cookie, session } = await track(host);
    const keys = host.dataSource.getRepository(SigningKey);
    const [first] = await keysOf(host);
    const fortnight = 14 * 86_400_000;
    const replaced = Date.now() - fortnight - KEY_PUBLICATION;
    await keys.update({ number: 1 }, { createdAt: new Date(replaced - KEY_LIFETIME) });
    await keys.insert({
      number: 2,
      createdAt: new Date(replaced),
      secret: `${first?.secret}`.replace(/^.{4}/, '____'),
    });
    await refresh(host);
    expect((await track(host, cookie)).session).not.toBe(session);
  });

  it('is by a new key on all instances within a minute of the loss of the old one', async () => {
    const other = await startAnother();
    const { cookie, session } = await track(host);
    await host.dataSource.getRepository(SigningKey).clear();
    await refresh(host);
    await refresh(other);
    expect(await keysOf(host)).toHaveLength(1);
    const renewed = await track(host, cookie);
    expect(renewed.session).not.toBe(session);
    expect(await track(other, renewed.cookie)).toMatchObject({ session: renewed.session });
  });

  it('is read again while other questions have all their places', async () => {
    await track(host);
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    const questions = Array.from({ length: DEFAULTS.statistics.concurrency }, () =>
      connectionsOf(host.dataSource).ask(() => opened),
    );
    await expect(refresh(host)).resolves.toBeUndefined();
    gate.emit('open');
    await Promise.all(questions);
  });

  it('costs no query but one a minute', async () => {
    const { cookie } = await track(host);
    const use = jest.spyOn(connectionsOf(host.dataSource), 'ask');
    for (let i = 0; i < 5; i++)
      await host.post({ date: new Date().toISOString(), path: '/' }, { Cookie: cookie });
    expect(use).not.toHaveBeenCalled();
    use.mockRestore();
  });

  it('keeps its key from everybody who asks over HTTP', async () => {
    await host.close();
    const guards = [{ canActivate: () => true }];
    host = await startHost({
      adapter: 'fastify',
      database,
      djaffar: { api: { guards }, dashboard: { guards } },
    });
    const [key] = await keysOf(host);
    await track(host);
    for (const path of [
      'activities',
      'stats/overview',
      'dashboard/',
      'dashboard/data/about',
      'dashboard/data/activities/export?format=ndjson',
    ]) {
      const response = await host.fetch(`/djaffar/${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).not.toContain(key?.secret);
    }
  });

  it('cannot be checked without the key: 503 in time, and 204 as soon as the database has it', async () => {
    const rename = (from: string, to: string): Promise<unknown> =>
      host.dataSource.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('djaffar_signing_key', 'hidden');
    const djaffar = { writer: { timeout: 2000 } };
    const other = await startHost({ adapter: 'express', database, djaffar });
    others.push(other);
    const body = { date: new Date().toISOString(), path: '/' };
    const refused = await other.post(body);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1']);
    expect((await other.post({ date: 'x' })).status).toBe(400);
    await rename('hidden', 'djaffar_signing_key');
    const { cookie, session } = await track(other);
    expect(await track(host, cookie)).toMatchObject({ session });
  });
});
