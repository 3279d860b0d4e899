import { createHash } from 'node:crypto';
import { uuidv5 } from '../../activity/random.js';
import { ID_LENGTH } from '../../activity/visit-id.js';

/** The UUID namespace of imported ids. */
const NAMESPACE = '4cb881e4-78d0-4e69-b01a-87462c46d8aa';

/** Returns the same UUID for the same key in each import. */
export function deriveActivityId(key: unknown[]): string {
  return uuidv5(JSON.stringify(key), NAMESPACE);
}

/** Returns an id that fits into the column of visits, the same for the same text. */
export function deriveVisitId(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, ID_LENGTH);
}
