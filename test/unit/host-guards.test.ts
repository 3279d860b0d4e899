import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  HttpException,
  type INestApplicationContext,
  Inject,
  Injectable,
  Logger,
  Module,
  Scope,
  type Type,
  UnauthorizedException,
} from '@nestjs/common';
import { ContextIdFactory, NestFactory, REQUEST } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { from } from 'rxjs';
import { HostGuards } from '../../lib/guards/host-guards.js';
import { VisibleScopes } from '../../lib/guards/visible-scopes.js';
import type { HostGuard } from '../../lib/index.js';

/** What the guards of a request were: the number of the instance, and the request that it was given. */
const asked: [id: number, request: unknown][] = [];
let instances = 0;

abstract class Noted implements CanActivate {
  private readonly id = (instances += 1);

  constructor(private readonly request?: unknown) {}

  canActivate(): boolean {
    asked.push([this.id, this.request]);
    return true;
  }
}

@Injectable()
class Users {}

@Injectable({ scope: Scope.REQUEST })
class Login {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@Injectable()
class ProvidedGuard extends Noted {}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard extends Noted {
  constructor(@Inject(REQUEST) request: unknown) {
    super(request);
  }
}

@Injectable()
class CreatedGuard extends Noted {
  constructor(readonly users: Users) {
    super();
  }
}

@Injectable()
class CreatedScopedGuard extends Noted {
  constructor(login: Login) {
    super(login.request);
  }
}

class Missing {}

@Injectable()
class BrokenGuard extends Noted {
  constructor(readonly missing: Missing) {
    super();
  }
}

@Module({ providers: [Users, Login, ProvidedGuard, ScopedGuard], exports: [Users, Login] })
class HostModule {}

@Module({ imports: [HostModule], providers: [HostGuards] })
class GuardsModule {}

const contextOf = (request: object): ExecutionContext => new ExecutionContextHost([request, {}]);
const answering = (canActivate: CanActivate['canActivate']): CanActivate => ({ canActivate });

describe('the guards of the host', () => {
  let app: INestApplicationContext;
  let guards: HostGuards;

  beforeAll(async () => {
    app = await NestFactory.createApplicationContext(GuardsModule, { logger: false });
    guards = app.get(HostGuards);
  });

  afterAll(() => app.close());

  beforeEach(() => {
    asked.length = 0;
  });

  it.each<[string, Type<CanActivate>, boolean]>([
    ['one that the host provides', ProvidedGuard, false],
    ['one that it provides for each request', ScopedGuard, true],
    ['one that nobody provides', CreatedGuard, false],
    ['one that nobody provides and that needs the request', CreatedScopedGuard, true],
  ])('are as the host has them: %s', async (_, guard, isOfRequest) => {
    await guards.prepare([guard]);
    const [one, other] = [{ url: '/one' }, { url: '/other' }];
    for (const request of [one, other, one]) expect(await guards.run(guard, contextOf(request))).toBe(true);
    const [ids, requests] = [asked.map(([id]) => id), asked.map(([, request]) => request)];
    expect(new Set(ids).size > 1).toBe(isOfRequest);
    expect(requests).toEqual(isOfRequest ? [one, other, one] : [undefined, undefined, undefined]);
  });

  it('share what belongs to a request', async () => {
    await guards.prepare([ScopedGuard]);
    const request = {};
    await guards.run(ScopedGuard, contextOf(request));
    await guards.run(ScopedGuard, contextOf(request));
    const [first, second] = asked;
    expect(first).toEqual(second);
  });

  it('are the one that the host provides, not a second one', async () => {
    await guards.prepare([ProvidedGuard]);
    await guards.run(ProvidedGuard, contextOf({}));
    app.get(ProvidedGuard, { strict: false }).canActivate();
    expect(asked[0]).toEqual(asked[1]);
  });

  it('may be created at the start although the host chooses providers by a header of the request', async () => {
    const tenants: unknown[] = [];
    ContextIdFactory.apply({
      attach: (id, request: { headers: Record<string, string> }) => {
        tenants.push(request.headers['x-tenant']);
        return () => id;
      },
    });
    try {
      await guards.prepare([CreatedScopedGuard]);
      await guards.run(CreatedScopedGuard, contextOf({ headers: { 'x-tenant': 'one' } }));
    } finally {
      Reflect.deleteProperty(ContextIdFactory, 'strategy');
    }
    expect(tenants).toEqual([undefined, 'one']);
  });

  it('fail at the start if they cannot be created, with the error of Nest', async () => {
    await expect(guards.prepare([BrokenGuard])).rejects.toThrow(/BrokenGuard.*Missing/s);
  });

  it('must be prepared', async () => {
    await expect(
      guards.run(
        answering(() => true),
        contextOf({}),
      ),
    ).rejects.toThrow('prepare');
  });

  it.each<[string, CanActivate['canActivate'], boolean]>([
    ['true', () => true, true],
    ['false', () => false, false],
    ['a promise of true', async () => true, true],
    ['a promise of false', async () => false, false],
    ['values of which the last is true', () => from([false, true]), true],
    ['values of which the last is false', () => from([true, false]), false],
  ])('may answer %s', async (_, canActivate, expected) => {
    const guard: HostGuard = answering(canActivate);
    await guards.prepare([guard]);
    expect(await guards.run(guard, contextOf({}))).toBe(expected);
    expect(await guards.allows(guard, contextOf({}))).toBe(expected);
  });

  it.each([new UnauthorizedException(), new ForbiddenException()])('may refuse by %s', async (error) => {
    const guard = answering(() => {
      throw error;
    });
    await guards.prepare([guard]);
    await expect(guards.run(guard, contextOf({}))).rejects.toBe(error);
    expect(await guards.allows(guard, contextOf({}))).toBe(false);
  });

  it.each([new HttpException('slow down', 429), new Error('no database')])('may fail: %s', async (error) => {
    const guard = answering(() => {
      throw error;
    });
    await guards.prepare([guard]);
    await expect(guards.run(guard, contextOf({}))).rejects.toBe(error);
    await expect(guards.allows(guard, contextOf({}))).rejects.toBe(error);
  });
});

describe('the scopes of requests', () => {
  it('are what the option returns, and everything without the option', async () => {
    const scopes = new VisibleScopes();
    const [one, other] = [{}, {}];
    await scopes.find(one, async () => ({ group: 'company:1' }), 'api');
    await scopes.find(other, undefined, 'api');
    expect([scopes.of(one), scopes.of(other)]).toEqual([{ group: 'company:1' }, {}]);
    expect(() => scopes.of({})).toThrow('a request has no scope');
  });

  it.each([undefined, null, 'all', { group: undefined }, { gruop: 'company:1' }])(
    'are refused if they are wrong, with a line in the log: %j',
    async (scope) => {
      const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
      const scopes = new VisibleScopes();
      const request = {};
      await expect(scopes.find(request, () => scope, 'dashboard')).rejects.toThrow(ForbiddenException);
      expect(() => scopes.of(request)).toThrow('a request has no scope');
      expect(error.mock.calls).toEqual([
        [expect.stringContaining('"dashboard.scope" returned a wrong scope: ')],
      ]);
      error.mockRestore();
    },
  );
});
