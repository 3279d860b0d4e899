import { Inject, Injectable } from '@nestjs/common';
import { PassportSerializer, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy as JwtStrategyOfPassport } from 'passport-jwt';
import { Strategy as LocalStrategyOfPassport } from 'passport-local';
import { type SampleUser, UsersService } from './users.service.js';

export const JWT_SECRET = Symbol('JWT secret');

@Injectable()
export class LocalStrategy extends PassportStrategy(LocalStrategyOfPassport) {
  constructor(private readonly users: UsersService) {
    super();
  }

  validate(username: string, password: string): SampleUser | false {
    return this.users.verify(username, password) ?? false;
  }
}

@Injectable()
export class JwtStrategy extends PassportStrategy(JwtStrategyOfPassport) {
  constructor(
    @Inject(JWT_SECRET) secretOrKey: string,
    private readonly users: UsersService,
  ) {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey });
  }

  validate({ username }: { username: string }): SampleUser | false {
    return this.users.find(username) ?? false;
  }
}

@Injectable()
export class SessionSerializer extends PassportSerializer {
  constructor(private readonly users: UsersService) {
    super();
  }

  serializeUser(user: SampleUser, done: (error: Error | null, key: string) => void): void {
    done(null, user.username);
  }

  deserializeUser(key: string, done: (error: Error | null, user: SampleUser | false) => void): void {
    done(null, this.users.find(key) ?? false);
  }
}
