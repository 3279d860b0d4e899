import { createHash } from 'node:crypto';
import { uuidv5 } from '../../activity/random.js';
import { ID_LENGTH } from '../../activity/visit-id.js';

/** Of the ids that imports make, and of nothing else. */
const NAMESPACE = '4cb881e4-78d0-4e69-b01a-87462c46d8aa';

/** Returns the same UUID for the same key at each import. */
export function activityIdOf(key: unknown[]): string {
  return uuidv5(JSON.stringify(key), NAMESPACE);
}

/** Returns an id that the column of visits has room for, the same for the same text. */
export function visitIdOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, ID_LENGTH);
}
