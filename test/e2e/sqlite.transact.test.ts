import { connectionsOf } from '../../lib/database/connections.js';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { startHost } from '../support/host.js';

it('counts of a transaction on SQLite only the processor time of the try that succeeded', async () => {
  const host = await startHost({ adapter: 'fastify' });
  const other = await startHost({ adapter: 'fastify', database: host.database });
  try {
    const blocker = other.dataSource.createQueryRunner();
    await blocker.startTransaction();
    await blocker.query('DELETE FROM djaffar_session WHERE id = 0');
    const measured: number[] = [];
    const done = dialectOf(host.dataSource).transact(
      host.dataSource,
      ['UPDATE djaffar_rollup_state SET version = version', []],
      [],
      undefined,
      (milliseconds) => measured.push(milliseconds),
    );
    // The rest of the process is busy while it waits.
    const begun = process.cpuUsage();
    while (process.cpuUsage(begun).user < 500_000);
    await blocker.rollbackTransaction();
    await blocker.release();
    await done;
    expect(measured).toHaveLength(1);
    expect(measured[0]).toBeLessThan(250);
  } finally {
    await other.close();
    await host.close();
  }
});

it('gives up a transaction on SQLite that waits for another process when the application shuts down', async () => {
  const host = await startHost({ adapter: 'fastify' });
  const other = await startHost({ adapter: 'fastify', database: host.database });
  const blocker = other.dataSource.createQueryRunner();
  await blocker.startTransaction();
  await blocker.query('DELETE FROM djaffar_session WHERE id = 0');
  const done = dialectOf(host.dataSource).transact(
    host.dataSource,
    ['UPDATE djaffar_rollup_state SET version = version', []],
    [],
  );
  connectionsOf(host.dataSource).abort();
  await expect(done).rejects.toThrow('shutting down');
  await blocker.rollbackTransaction();
  await other.close();
  await host.close();
});

it('lets the event loop go on between the transactions of an erasure on SQLite', async () => {
  const host = await startHost({ adapter: 'express' });
  try {
    const activities = 1000;
    await Promise.all(Array.from({ length: activities }, () => host.activities.track({ path: '/erased' })));
    let turn = 0;
    let next = setImmediate(() => {});
    const count = (): void => {
      turn += 1;
      next = setImmediate(count);
    };
    count();
    const dialect = dialectOf(host.dataSource);
    const transact = dialect.transact.bind(dialect);
    const begun: number[] = [];
    const spy = jest.spyOn(dialect, 'transact').mockImplementation((...given) => {
      const [, [statement]] = given;
      // The statistics have transactions, too.
      if (statement.startsWith('DELETE FROM "djaffar_activity"')) begun.push(turn);
      return transact(...given);
    });
    expect(await host.activities.erase({ path: '/erased' })).toBe(activities);
    clearImmediate(next);
    spy.mockRestore();
    // One for each hundred, each in a turn of its own.
    expect(begun.length).toBeGreaterThanOrEqual(activities / 100);
    expect(new Set(begun).size).toBe(begun.length);
  } finally {
    await host.close();
  }
});
