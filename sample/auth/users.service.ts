import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';

export interface SampleUser {
  id: number;
  username: string;
  isAdmin: boolean;
}

const USERS = [
  { id: 1, username: 'jeff', password: 'koons', isAdmin: false },
  { id: 2, username: 'ada', password: 'lovelace', isAdmin: true },
];

/** A real app reads users from its database, and stores only hashes of passwords. */
@Injectable()
export class UsersService {
  find(username: string): SampleUser | undefined {
    const found = USERS.find((user) => user.username === username);
    return found && { id: found.id, username: found.username, isAdmin: found.isAdmin };
  }

  verify(username: string, password: string): SampleUser | undefined {
    const found = USERS.find((user) => user.username === username);
    const [given, right] = [Buffer.from(password), Buffer.from(found?.password ?? '')];
    const isRight = found && given.length === right.length && timingSafeEqual(given, right);
    return isRight ? this.find(username) : undefined;
  }
}
