/** The stored form of a user. */
export interface User {
  id: string;
  name: string | null;
}

/**
 * Returns no user for an empty id, and never the id "null" or "undefined", which would make all anonymous visitors one user.
 * @throws Error if the text of the id is the same for all users, such as "[object Object]"
 */
export function storedUser(user: { id: unknown; name?: string | null } | null | undefined): User | null {
  if (user?.id === undefined || user.id === null || user.id === '') return null;
  const name: unknown = user.name ?? null;
  if (name !== null && typeof name !== 'string')
    throw new Error(`the name of a user is of the type ${typeof name}: let the option "user" give a text`);
  return { id: toText(user.id), name };
}

/** @returns the given user, or else the request's own. If both are the same user and the given one has no name, it gets the own name. */
export function givenUser(given: User | null, own: User | null): User | null {
  if (!given) return own;
  return given.id === own?.id ? { id: given.id, name: given.name ?? own.name } : given;
}

function toText(id: unknown): string {
  const text = String(id);
  if (!hasText(id, text)) throw new Error(`the id of a user is ${text}: let the option "user" give a text`);
  return text;
}

/** Such as a text, a number, or the ObjectId of MongoDB. */
function hasText(id: unknown, text: string): boolean {
  if (typeof id === 'object') return !Array.isArray(id) && text !== Object.prototype.toString.call(id);
  return typeof id === 'number' ? Number.isFinite(id) : typeof id === 'string' || typeof id === 'bigint';
}
