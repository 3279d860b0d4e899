/** Characters of the id of a session, and of that of a visit. */
export const MAX_SESSION = 64;
export const MAX_VISIT = 16;

/** Whether a value can be the id of a session or visit. */
export function isVisitorId(value: unknown, max: number): value is string {
  return typeof value === 'string' && /^[\w-]+$/.test(value) && value.length <= max;
}
