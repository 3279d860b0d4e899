import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Activity, ActivityService, ActivityStats, InvalidActivityError, Session } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

type Isolation = 'READ COMMITTED' | 'SERIALIZABLE';

const RETRIED = ['40001', '40P01', 'ER_LOCK_DEADLOCK', 'SQLITE_BUSY'];

function codeOf(error: unknown): string {
  return (error as { driverError?: { code?: string } }).driverError?.code ?? String(error);
}

/** Lets two go on when both have come. */
function meeting(): () => Promise<void> {
  let arrived = 0;
  let complete = (): void => {};
  const together = new Promise<void>((resolve) => (complete = resolve));
  return async () => {
    arrived += 1;
    if (arrived === 2) complete();
    await together;
  };
}

/** What a request tracks in a savepoint. */
@Controller('orders')
class OrdersController {
  constructor(
    private readonly activities: ActivityService,
    private readonly dataSource: DataSource,
  ) {}

  @Post(':outcome')
  @HttpCode(204)
  async track(@Param('outcome') outcome: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager
        .transaction(async (inner) => {
          await this.activities.track({ name: outcome }, { manager: inner });
          if (outcome === 'given-up') throw new Error(outcome);
        })
        .catch(() => {});
    });
  }
}

describe.each(FOUND)('an activity in a transaction of the host, on %s', (database) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      adapter: 'express',
      database,
      controllers: [OrdersController],
      djaffar: { requestContext: true },
    });
    await host.dataSource.query('CREATE TABLE orders (id INTEGER PRIMARY KEY, paid INTEGER NOT NULL)');
  });
  beforeEach(async () => {
    await host.dataSource.createQueryBuilder().delete().from(Activity).execute();
    await host.dataSource.createQueryBuilder().delete().from(Session).execute();
    await host.dataSource.query('DELETE FROM orders');
    await host.dataSource.query('INSERT INTO orders (id, paid) VALUES (1, 0), (2, 0)');
  });
  afterAll(() => host.close());

  it('is written last, so that no committed activity lacks what its statistics and subscriptions need', async () => {
    const statements: string[] = [];
    await host.dataSource.transaction(async (manager) => {
      const { queryRunner } = manager;
      if (!queryRunner) throw new Error('a transaction has a query runner');
      const queried = jest.spyOn(queryRunner, 'query');
      await host.activities.track({ path: '/' }, { manager });
      statements.push(...queried.mock.calls.map(([sql]) => sql));
      queried.mockRestore();
    });
    const tables = [...statements.join(';').matchAll(/INSERT INTO \W*(?:\w+\W+)?(djaffar_\w+)/g)];
    expect(tables.map(([, table]) => table)).toEqual(['djaffar_dirty_range', 'djaffar_activity']);
  });

  const pay = (manager: EntityManager, id: number): Promise<unknown> =>
    manager.query(`UPDATE orders SET paid = paid + 1 WHERE id = ${id}`);
  const track = (manager: EntityManager, name: string, more = {}): Promise<void> =>
    host.activities.track({ path: '/orders', name, ...more }, { manager });
  const names = async (): Promise<string[]> => (await host.stored()).map(({ name }) => name).sort();
  const paid = async (): Promise<number[]> => {
    const rows: { paid: number }[] = await host.dataSource.query('SELECT paid FROM orders ORDER BY id');
    return rows.map((row) => row.paid);
  };

  /** As a host does it. */
  async function retrying(
    isolation: Isolation | undefined,
    work: (manager: EntityManager) => Promise<void>,
  ): Promise<string[]> {
    const failures: string[] = [];
    for (;;) {
      try {
        await (isolation ? host.dataSource.transaction(isolation, work) : host.dataSource.transaction(work));
        return failures;
      } catch (error) {
        failures.push(codeOf(error));
        if (!RETRIED.includes(codeOf(error))) throw error;
      }
    }
  }

  it('is committed with it, its session after it, and counted at once', async () => {
    await host.dataSource.transaction(async (manager) => {
      await pay(manager, 1);
      await track(manager, 'paid', { session: 's', userAgent: 'Firefox' });
    });
    expect(await names()).toEqual(['paid']);
    expect(await paid()).toEqual([1, 0]);
    const { activities } = await host.app
      .get(ActivityStats, { strict: false })
      .overview({ from: new Date(Date.now() - 60_000), bots: true });
    expect(activities.value).toBe(1);
    for (let i = 0; i < 500 && (await host.stored())[0]?.session === null; i++) await pause(20);
    expect((await host.stored())[0]?.session).toMatchObject({ id: 's', userAgent: 'Firefox' });
  });

  it('is rolled back with it, and leaves no session', async () => {
    const work = host.dataSource.transaction(async (manager) => {
      await pay(manager, 1);
      await track(manager, 'paid', { session: 't' });
      throw new Error('out of stock');
    });
    await expect(work).rejects.toThrow('out of stock');
    expect(await names()).toEqual([]);
    expect(await paid()).toEqual([0, 0]);
    await host.activities.track({ path: '/', name: 'next', session: 't' });
    expect((await host.stored())[0]?.session?.id).toBe('t');
  });

  it('is rolled back with a savepoint, and does not spoil the transaction around it', async () => {
    await host.dataSource.transaction(async (manager) => {
      await track(manager, 'outer');
      await manager
        .transaction(async (inner) => {
          await track(inner, 'inner');
          throw new Error('no');
        })
        .catch(() => {});
      await manager.transaction((inner) => track(inner, 'second'));
      await pay(manager, 2);
    });
    expect(await names()).toEqual(['outer', 'second']);
    expect(await paid()).toEqual([0, 1]);
  });

  it('gives a new visitor a session and its cookie with the savepoint that has the activity', async () => {
    const givenUp = await host.fetch('/orders/given-up', { method: 'POST' });
    expect(givenUp.headers.getSetCookie()).toEqual([]);
    const kept = await host.fetch('/orders/kept', { method: 'POST' });
    expect(kept.headers.getSetCookie()).toHaveLength(1);
    const sessions = host.dataSource.getRepository(Session);
    for (let i = 0; i < 500 && (await sessions.count()) === 0; i++) await pause(20);
    const [only] = await host.stored();
    await expect(sessions.find()).resolves.toMatchObject([{ id: only?.sessionId }]);
  });

  it('with an id that is stored already is passed over, and a wrong one is refused before the database sees it', async () => {
    const id = randomUUID();
    await host.activities.track({ path: '/', name: 'first', id });
    await host.dataSource.transaction(async (manager) => {
      await track(manager, 'again', { id });
      await expect(track(manager, 'wrong', { id: 'x' })).rejects.toThrow(InvalidActivityError);
      await pay(manager, 1);
    });
    expect(await names()).toEqual(['first']);
    expect(await paid()).toEqual([1, 0]);
  });

  it('is refused for a manager without a transaction, or of another data source', async () => {
    await expect(track(host.dataSource.manager, 'a')).rejects.toThrow('is in no transaction');
    const other = await new DataSource(host.database.options).initialize();
    try {
      await expect(other.transaction((manager) => track(manager, 'a'))).rejects.toThrow(
        'another data source',
      );
    } finally {
      await other.destroy();
    }
    expect(await names()).toEqual([]);
  });

  if (database === 'sqlite') {
    it('is stored once by a host that tries again while another process writes', async () => {
      await host.dataSource.query('PRAGMA busy_timeout = 0');
      const other = await new DataSource(host.database.options).initialize();
      await other.query('BEGIN IMMEDIATE');
      const failures: string[] = [];
      const attempt = (): Promise<void> =>
        host.dataSource.transaction(async (manager) => {
          await track(manager, 'paid');
          await pay(manager, 1);
        });
      await attempt().catch((error: unknown) => failures.push(codeOf(error)));
      await other.query('COMMIT');
      await other.destroy();
      await attempt();
      expect(failures).toEqual(['SQLITE_BUSY']);
      expect(await names()).toEqual(['paid']);
      expect(await paid()).toEqual([1, 0]);
    });
    return;
  }

  it.each([1, 2, 3])('is stored once by a host that tries again after a deadlock (%d)', async () => {
    const meet = meeting();
    const one = async (first: number, second: number): Promise<string[]> => {
      let isFirst = true;
      return retrying('READ COMMITTED', async (manager) => {
        await pay(manager, first);
        await track(manager, `paid.${first}`);
        if (isFirst) await meet();
        isFirst = false;
        await pay(manager, second);
      });
    };
    const failures = (await Promise.all([one(1, 2), one(2, 1)])).flat();
    // The victim's next try may take a lock before the other transaction, which waits for it, is woken.
    expect([...new Set(failures)]).toEqual([database === 'postgres' ? '40P01' : 'ER_LOCK_DEADLOCK']);
    expect(await names()).toEqual(['paid.1', 'paid.2']);
    expect(await paid()).toEqual([2, 2]);
  });

  it('is stored once by a host that tries again after a serialisation failure', async () => {
    const meet = meeting();
    const one = async (id: number): Promise<string[]> => {
      let isFirst = true;
      return retrying('SERIALIZABLE', async (manager) => {
        await manager.query('SELECT SUM(paid) FROM orders');
        if (isFirst) await meet();
        isFirst = false;
        await track(manager, `paid.${id}`);
        await pay(manager, id);
      });
    };
    const failures = (await Promise.all([one(1), one(2)])).flat();
    // PostgreSQL may take another try for the victim, too.
    expect([...new Set(failures)]).toEqual([database === 'postgres' ? '40001' : 'ER_LOCK_DEADLOCK']);
    expect(await names()).toEqual(['paid.1', 'paid.2']);
    expect(await paid()).toEqual([1, 1]);
  });

  it('takes no second connection, though the host holds all of the pool', async () => {
    const size = 10;
    let inside = 0;
    let complete = (): void => {};
    const all = new Promise<void>((resolve) => (complete = resolve));
    await Promise.all(
      Array.from({ length: size }, (_, i) =>
        host.dataSource.transaction(async (manager) => {
          await manager.query('SELECT 1');
          inside += 1;
          if (inside === size) complete();
          await all;
          await track(manager, `paid.${i}`, { session: `s${i}`, visit: `v${i}` });
        }),
      ),
    );
    expect(await names()).toHaveLength(size);
  });
});
