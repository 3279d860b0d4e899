import {
  type CanActivate,
  type ExecutionContext,
  type INestApplicationContext,
  Injectable,
  Logger,
  Module,
  NotFoundException,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory, Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ExpressAdapter } from '@nestjs/platform-express';
import { HostGuards } from '../../lib/guards/host-guards.js';
import { ApiGuard, DashboardGuard, type GuardedRoutes } from '../../lib/guards/option.guard.js';
import { VisibleScopes } from '../../lib/guards/visible-scopes.js';
import type { DjaffarOptions, HostGuard } from '../../lib/index.js';
import { toSettings } from '../../lib/options/validation.js';

const Roles = Reflector.createDecorator<string[]>();

/** Accepts everybody on a route without roles. */
@Injectable()
class RolesGuard implements CanActivate {
  private readonly reflector = new Reflector();

  canActivate(context: ExecutionContext): boolean {
    return !this.reflector.getAllAndOverride(Roles, [context.getHandler(), context.getClass()]);
  }
}

class DashboardController {
  open(this: void): void {}
}

class ApiController {
  @Roles(['admin'])
  read(this: void): void {}
}

@Module({ providers: [HostGuards] })
class GuardsModule {}

const ROUTES: GuardedRoutes = {
  api: { controller: ApiController, handler: 'read', path: '/api' },
  dashboard: { controller: DashboardController, handler: 'open', path: '/dashboard' },
};

const contextOf = (request: object): ExecutionContext => new ExecutionContextHost([request, {}]);
const answering = (canActivate: CanActivate['canActivate']): CanActivate => ({ canActivate });
const accepting = answering(() => true);
const refusing = answering(() => false);
const login = answering(() => {
  throw new UnauthorizedException();
});

describe('the guard of an option', () => {
  const server = new HttpAdapterHost();
  server.httpAdapter = new ExpressAdapter();
  const warn = jest.spyOn(Logger.prototype, 'warn');
  let app: INestApplicationContext;
  let scopes: VisibleScopes;

  beforeAll(async () => {
    app = await NestFactory.createApplicationContext(GuardsModule, { logger: false });
  });

  afterAll(() => app.close());

  beforeEach(() => {
    warn.mockReset();
    scopes = new VisibleScopes();
  });

  async function start(
    Guard: typeof ApiGuard | typeof DashboardGuard,
    options: DjaffarOptions,
    host = server,
  ) {
    const guard = new Guard(toSettings(options), ROUTES, app.get(HostGuards), host, scopes);
    await guard.onModuleInit();
    await guard.onApplicationBootstrap();
    return guard;
  }

  const startApi = (guards: HostGuard[], host = server) => start(ApiGuard, { api: { guards } }, host);
  const startDashboard = (guards: HostGuard[]) => start(DashboardGuard, { dashboard: { guards } });

  it('warns at the start that everybody may read', async () => {
    await startApi([accepting, answering(async () => true)]);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^the guards of the option "api" accept .* so everybody can read all activities/,
        ),
      ],
    ]);
  });

  it('warns at the start that everybody may erase', async () => {
    await startDashboard([accepting]);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/ "dashboard" accept .* so everybody can read and erase all activities/)],
    ]);
  });

  it.each<[string, CanActivate]>([
    ['refuses', refusing],
    ['throws', login],
    ['fails later', answering(() => Promise.reject(new Error('the key server is down')))],
    ['never answers', answering(() => new Promise(() => {}))],
  ])('does not warn if one of the guards %s', async (_, guard) => {
    await startApi([accepting, guard]);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each<[string, HostGuard]>([
    ['a class', RolesGuard],
    ['an object', new RolesGuard()],
  ])('warns of one that would find roles on a route without them, given as %s', async (_, guard) => {
    await startDashboard([login, guard, refusing]);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^the guard RolesGuard of the option "dashboard" accepts .* if it is asked alone/,
        ),
      ],
    ]);
  });

  it('does not warn of one that finds its roles', async () => {
    await startApi([login, new RolesGuard()]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('asks nobody at the start of a worker without a server', async () => {
    await startApi([accepting], new HttpAdapterHost());
    expect(warn).not.toHaveBeenCalled();
  });

  it('accepts a request that all guards accept, and asks them in their order', async () => {
    const asked: string[] = [];
    const noting = (name: string, isAccepted: boolean): CanActivate =>
      answering(() => (asked.push(name), isAccepted));
    const host = new HttpAdapterHost();
    const open = await startApi([noting('a', true), noting('b', true)], host);
    expect(await open.canActivate(contextOf({}))).toBe(true);
    const closed = await startApi([noting('c', true), noting('d', false), noting('e', true)], host);
    const request = {};
    expect(await closed.canActivate(contextOf(request))).toBe(false);
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    expect(() => scopes.of(request)).toThrow('a request has no scope');
  });

  it('finds the scope of a request, by a function that may use the options', async () => {
    const api = {
      guards: [accepting],
      scope(request: { tenant: string }) {
        return { group: `company:${request.tenant}/${this.guards.length}` };
      },
    };
    const guard = await start(ApiGuard, { api });
    const request = { tenant: 'a' };
    expect(await guard.canActivate(contextOf(request))).toBe(true);
    expect(scopes.of(request)).toEqual({ group: 'company:a/1' });
  });

  it('answers 404 without the option', async () => {
    const guard = await start(ApiGuard, {});
    await expect(guard.canActivate(contextOf({}))).rejects.toThrow(NotFoundException);
    expect(warn).not.toHaveBeenCalled();
  });
});
