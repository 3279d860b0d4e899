import type { SigningKey } from '../../privacy/signing-key.js';
import type { Server, StatementLimits } from './server.js';
import { SIGNING_KEY } from './tables.js';

/**
 * The keys, the oldest first. Two instances may both have stored a key of one number: the one with the smaller secret counts.
 * @param next makes the next key if it is time for one
 */
export async function loadSigningKeys(
  server: Server,
  next: (newest: SigningKey | undefined) => SigningKey | undefined,
  limits: StatementLimits,
): Promise<SigningKey[]> {
  await server.sync();
  const keys = await find(server, limits);
  const key = next(keys.at(-1));
  if (!key) return keys;
  try {
    await server.insert(SIGNING_KEY, [{ ...key, createdAt: key.createdAt.getTime() }], limits);
  } catch (error) {
    // If no new key can be stored now, the old ones are still valid.
    if (keys.length > 0) return keys;
    throw error;
  }
  return find(server, limits);
}

async function find(server: Server, limits: StatementLimits): Promise<SigningKey[]> {
  const rows = await server.query<{ number: number; key: [secret: string, createdAt: number] }>(
    `SELECT number, min((secret, createdAt)) AS key FROM ${SIGNING_KEY} GROUP BY number ORDER BY number`,
    limits,
  );
  return rows.map(({ number, key: [secret, createdAt] }) => ({
    number,
    secret,
    createdAt: new Date(createdAt),
  }));
}
