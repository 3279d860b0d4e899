import { Injectable } from '@nestjs/common';
import { storedUser, type User } from '../activity/user.js';
import type { Settings } from '../options/settings.js';
import type { TrackRequest } from '../http/request.js';
import { RequestValue } from '../http/request-value.js';

const ID_PROPERTIES = ['id', 'userId', 'sub', '_id', 'uuid'];
const NAME_PROPERTIES = ['username', 'name', 'email'];

/** Returns the user that the host's guards or middleware have set on the request. */
export function presentUser(request: TrackRequest): unknown {
  // On Fastify, Express middleware leaves the user on Node's request.
  if (!request.user && request.raw?.user) request.user = request.raw.user;
  return request.user;
}

/** Returns the user of a request after the host's guards; `null` for an anonymous visitor. */
export function findUser(request: TrackRequest, { user }: Pick<Settings, 'user'>): User | null {
  presentUser(request);
  return storedUser(user ? user(request) : findPassportUser(request));
}

/** The default of the option `user`: reads the usual properties of Passport's user on the request. */
function findPassportUser({ user }: TrackRequest): { id: unknown; name: string | null } | null {
  if (typeof user !== 'object' || user === null) return null;
  const name = first(user, NAME_PROPERTIES);
  return { id: first(user, ID_PROPERTIES), name: typeof name === 'string' ? name : null };
}

function first(user: object, properties: string[]): unknown {
  return properties
    .map((property): unknown => Reflect.get(user, property))
    .find((value) => value !== undefined && value !== null);
}

/** The users of requests. The guard sets them; the controller reads them. */
@Injectable()
export class IdentifiedUsers {
  private readonly users = new RequestValue<User>('user');

  set(request: TrackRequest, user: User): void {
    this.users.set(request, user);
  }

  get(request: TrackRequest): User | undefined {
    return this.users.get(request);
  }
}
