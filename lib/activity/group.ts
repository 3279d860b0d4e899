import { inspect } from 'node:util';
import { storedSubject, SUBJECT_FAULT } from './subject.js';

/** A group of users, such as a customer of the application. */
export interface HostGroup {
  /** Up to 64 letters, digits, `_`, `.` and `-`, such as `company`. */
  type: string;
  /** Up to 255 characters. */
  id: string | number | bigint;
  /** Cut to 255 characters. */
  name?: string | null | undefined;
}

/** A {@link HostGroup} whose id is text. */
export interface Group {
  type: string;
  id: string;
  name: string | null;
}

/** The type and id of a group as they are stored, such as `company:17`. */
export function formatGroupId({ type, id }: Group): string {
  return `${type}:${id}`;
}

export const GROUP_FAULT = SUBJECT_FAULT.replace("[type, id] or 'type:id'", '{ type, id, name }');

/** @returns `null` for no group; `undefined` if it is no valid group */
export function storedGroup(group: unknown): Group | null | undefined {
  if (group === null || group === undefined) return null;
  if (typeof group !== 'object' || !('type' in group) || !('id' in group)) return undefined;
  const name = ('name' in group && group.name) ?? null;
  const { type, id } = group;
  const isNamed = name === null || name === false || typeof name === 'string';
  if (!isNamed || typeof type !== 'string' || storedSubject([type, id]) === undefined) return undefined;
  return { type, id: String(id), name: name || null };
}

/**
 * Parses what the option `group` returned.
 * @throws Error if it is no group
 */
export function groupOfHost(returned: unknown): Group | null {
  const group = storedGroup(returned);
  if (group !== undefined) return group;
  const given = inspect(returned, { depth: 1 });
  throw new Error(`DjaffarModule: the function of the option "group" returned ${given}; it ${GROUP_FAULT}`);
}
