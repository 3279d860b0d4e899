import type { DataSource } from 'typeorm';
import { connectionsOf, type LentConnection } from '../../database/connections.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import { databaseNow } from './database-now.js';
import { SigningKey } from './tables/signing-key.entity.js';

/**
 * Returns the keys, the oldest first. It uses a writer's connection, so that slow queries do not delay writes.
 * @param next creates the next key if it is due
 * @param timeout milliseconds
 */
export function loadSigningKeys(
  dataSource: DataSource,
  next: (newest: SigningKey | undefined, now?: number) => SigningKey | undefined,
  timeout: number,
): Promise<SigningKey[]> {
  const load = async (connection: LentConnection): Promise<SigningKey[]> => {
    const keys = await find(connection);
    const key = next(keys.at(-1), await databaseNow(connection));
    if (!key) return keys;
    try {
      // Skipped if another instance has stored a key with this number in the meantime.
      await dialectOf(dataSource).write(
        connection,
        [new Table(dataSource, SigningKey).insert([key])],
        timeout,
      );
    } catch (error) {
      // If the database is read-only now, the old keys are used.
      if (keys.length > 0) return keys;
      throw error;
    }
    return find(connection);
  };
  return connectionsOf(dataSource).ask((signal) => connectionsOf(dataSource).use(load, signal), {
    timeout,
    symptom: null,
    slots: connectionsOf(dataSource).writers,
  });
}

function find({ dataSource, runner }: LentConnection): Promise<SigningKey[]> {
  return uncached(dataSource, runner).find(SigningKey, { order: { number: 'ASC' } });
}
