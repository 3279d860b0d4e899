import { Injectable } from '@nestjs/common';
import type { HostUser } from '../djaffar.options.js';
import type { TrackRequest } from './request.js';

const ID_PROPERTIES = ['id', 'userId', 'sub', '_id', 'uuid'];
const NAME_PROPERTIES = ['username', 'name', 'email'];

/** A user as it is stored. */
export interface User {
  id: string;
  name: string | null;
}

/** The default of the option `user`: reads the usual properties of what Passport left on the request. */
export function userOfPassport({ user }: TrackRequest): HostUser | null {
  if (typeof user !== 'object' || user === null) return null;
  const id = first(user, ID_PROPERTIES);
  if (id === undefined) return null;
  const name = first(user, NAME_PROPERTIES);
  return { id: textOf(id), name: typeof name === 'string' ? name : null };
}

/** Nobody's name is empty, and strangers must not become one user whose id is "null" or "undefined". */
export function storedUser(user: HostUser | null | undefined): User | null {
  if (user?.id === undefined || user.id === null || user.id === '') return null;
  return { id: textOf(user.id), name: user.name ?? null };
}

function first(user: object, properties: string[]): unknown {
  return properties
    .map((property): unknown => Reflect.get(user, property))
    .find((value) => value !== undefined && value !== null);
}

/** @throws Error for an object without a text of its own, which would make one of all users */
function textOf(id: unknown): string {
  const text = String(id);
  if (typeof id === 'object' && text === Object.prototype.toString.call(id)) {
    throw new Error('the id of a user is an object: let the option "user" give a text');
  }
  return text;
}

/** Who each request is of: the guard tells the controller. */
@Injectable()
export class IdentifiedUsers {
  private readonly users = new WeakMap<TrackRequest, User>();

  set(request: TrackRequest, user: User): void {
    this.users.set(request, user);
  }

  get(request: TrackRequest): User | undefined {
    return this.users.get(request);
  }
}
