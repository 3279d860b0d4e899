import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate, setTimeout as pause } from 'node:timers/promises';
import {
  type ArgumentsHost,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  ConflictException,
  Controller,
  type ExceptionFilter,
  Get,
  HttpCode,
  Injectable,
  Logger,
  type NestInterceptor,
  Param,
  type PipeTransform,
  Post,
  Req,
  UseFilters,
  UseGuards,
  UseInterceptors,
  VersioningType,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Activity, type ActivityContext, ActivityService, Track } from '../../lib/index.js';
import { ADAPTERS, cookieOf, type Host, type HostOptions, startHost } from '../support/host.js';

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** Where the context was asked for, and whose it was. */
const seen: Record<string, string | null | undefined> = {};

@Injectable()
class SeeingGuard implements CanActivate {
  constructor(private readonly activities: ActivityService) {}
  canActivate(): boolean {
    seen.guard = this.activities.context()?.path;
    return true;
  }
}

@Injectable()
class SeeingInterceptor implements NestInterceptor {
  constructor(private readonly activities: ActivityService) {}
  intercept(_context: unknown, next: CallHandler): ReturnType<CallHandler['handle']> {
    seen.interceptor = this.activities.context()?.path;
    return next.handle();
  }
}

@Injectable()
class SeeingPipe implements PipeTransform {
  constructor(private readonly activities: ActivityService) {}
  transform(value: unknown): unknown {
    seen.pipe = this.activities.context()?.path;
    return value;
  }
}

@Catch(ConflictException)
class SeeingFilter implements ExceptionFilter {
  constructor(
    private readonly activities: ActivityService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}
  catch(_error: unknown, host: ArgumentsHost): void {
    seen.filter = this.activities.context()?.path;
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), {}, 409);
  }
}

@Injectable()
class OrdersService {
  constructor(private readonly activities: ActivityService) {}
  async charge(properties?: Record<string, unknown>): Promise<void> {
    await setImmediate();
    await this.activities.track({ name: 'charged', ...(properties && { properties }) });
  }
  context(): ActivityContext | undefined {
    return this.activities.context();
  }
}

/** All requests are inside of the handler before the first goes on. */
class Crowd {
  arrived = 0;
  mixedUp = 0;
  private complete = (): void => {};
  private readonly meeting = new Promise<void>((resolve) => (this.complete = resolve));

  constructor(private readonly expected: number) {}

  async meet(): Promise<void> {
    this.arrived += 1;
    if (this.arrived === this.expected) this.complete();
    await this.meeting;
  }
}

let crowd = new Crowd(0);

@Controller('orders')
class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly activities: ActivityService,
  ) {}

  @Post(':id/pay')
  @HttpCode(200)
  @UseGuards(SeeingGuard)
  @UseInterceptors(SeeingInterceptor)
  @UseFilters(SeeingFilter)
  async pay(@Param('id', SeeingPipe) id: string): Promise<ActivityContext | undefined> {
    if (id === 'paid') throw new ConflictException();
    await this.orders.charge();
    return this.orders.context();
  }

  @Get('context')
  context(): ActivityContext | null {
    return this.orders.context() ?? null;
  }

  @Post('twice')
  async twice(): Promise<void> {
    await Promise.all([this.orders.charge(), this.orders.charge()]);
  }

  @Post('login')
  async login(): Promise<void> {
    await this.activities.track({ name: 'login', user: { id: 'jeff', name: 'Jeff' } });
  }

  @Post('for-another')
  async forAnother(): Promise<void> {
    await this.activities.track({ name: 'refunded', user: { id: 'ada' } });
  }

  @Post('without')
  async without(): Promise<void> {
    await this.activities.track({ name: 'pinged', path: '/ping' }, { context: null });
  }

  @Post('crowd/:id')
  async crowd(
    @Param('id') id: string,
    @Body() body: { id: string },
    @Req() request: { headers: Record<string, string> },
  ): Promise<void> {
    await crowd.meet();
    for (let turn = Math.floor(Math.random() * 4); turn >= 0; turn--) {
      await (Math.random() < 0.5 ? pause(Math.random() * 20) : setImmediate());
      const context = this.orders.context();
      const isOwn =
        context?.user?.id === id &&
        context.path === `/orders/crowd/${id}` &&
        body.id === id &&
        request.headers['x-user'] === id;
      if (!isOwn) crowd.mixedUp += 1;
    }
    await this.orders.charge({ of: id });
  }
}

const providers = [OrdersService, SeeingGuard, SeeingInterceptor, SeeingPipe, SeeingFilter];
const options: Omit<HostOptions, 'adapter'> = {
  providers,
  controllers: [OrdersController],
  djaffar: {
    requestContext: true,
    user: (request) => {
      const { 'x-user': id } = (request as { headers: Record<string, string> }).headers;
      return id ? { id, name: id.toUpperCase() } : null;
    },
    writer: { maxWaiting: 100_000, timeout: 60_000 },
  },
};

const json = (body: unknown = {}, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'User-Agent': USER_AGENT, ...headers },
  body: JSON.stringify(body),
});

/** Sends all requests over a few connections at once, without waiting for an answer, and waits for all answers. */
async function pipeline(url: string, ids: string[], connections: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const share = Math.ceil(ids.length / connections);
  await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const own = ids.slice(i * share, (i + 1) * share);
      const socket = connect(Number(port), hostname);
      let answers = 0;
      let rest = '';
      const done = new Promise<void>((resolve, reject) => {
        socket.on('error', reject).on('close', () => reject(new Error('closed too early')));
        socket.on('data', (chunk: Buffer) => {
          const parts = (rest + chunk.toString('latin1')).split('HTTP/1.1 201');
          rest = parts.at(-1)?.slice(-11) ?? '';
          answers += parts.length - 1;
          if (answers === own.length) resolve();
        });
      });
      await once(socket, 'connect');
      for (const id of own) {
        const body = JSON.stringify({ id });
        socket.write(
          `POST /orders/crowd/${id} HTTP/1.1\r\nHost: ${hostname}\r\nX-User: ${id}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      }
      await done;
      socket.removeAllListeners('close').destroy();
    }),
  );
}

describe.each(ADAPTERS)('the context of a request on %s', (adapter) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({
      ...options,
      adapter,
      configure: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    host.fetch = (path, init) => fetch(`${host.url}/api${path}`, init);
  });
  beforeEach(async () => {
    for (const key of Object.keys(seen)) delete seen[key];
    await host.dataSource.createQueryBuilder().delete().from(Activity).execute();
  });
  afterAll(() => host.close());

  const track = (headers: Record<string, string> = {}): Promise<Response> =>
    host.fetch('/djaffar/track/', json({ date: new Date().toISOString(), path: '/cart' }, headers));

  it('gives a service the user, session, visit, address, user agent, path and route', async () => {
    const cookie = cookieOf(await track({ 'X-User': 'jeff' }));
    const headers = { 'X-User': 'jeff', 'Accept-Language': 'de-AT,de', Cookie: cookie };
    const response = await host.fetch('/orders/17/pay?secret=1', json({}, headers));
    const [view, charged] = await host.stored();
    expect(charged).toMatchObject({
      name: 'charged',
      path: '/api/orders/17/pay',
      userId: 'jeff',
      userName: 'JEFF',
      sessionId: view?.sessionId,
      visitId: view?.visitId,
      ipAddress: '127.0.0.1',
    });
    expect(charged?.session).toMatchObject({ userAgent: USER_AGENT });
    await expect(response.json()).resolves.toEqual({
      user: { id: 'jeff', name: 'JEFF' },
      group: null,
      session: view?.sessionId,
      visit: view?.visitId,
      ip: '127.0.0.1',
      userAgent: USER_AGENT,
      country: null,
      language: 'de-AT',
      path: '/api/orders/17/pay',
      route: '/api/orders/:id/pay',
      at: expect.any(String),
    });
  });

  it('is there in guards, interceptors, pipes and filters', async () => {
    await host.fetch('/orders/paid/pay', json());
    const path = '/api/orders/paid/pay';
    expect(seen).toEqual({ guard: path, interceptor: path, pipe: path, filter: path });
  });

  it('sets the cookie of a new visitor once, and the browser continues the visit', async () => {
    const response = await host.fetch('/orders/twice', json());
    expect(response.headers.getSetCookie()).toHaveLength(1);
    await track({ Cookie: cookieOf(response) });
    const stored = await host.stored();
    expect(stored).toHaveLength(3);
    expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(new Set(stored.map(({ visitId }) => visitId)).size).toBe(1);
    expect(stored[0]?.visitId).not.toBeNull();
  });

  it('gives no cookie and no session to a visitor of whom nothing is tracked', async () => {
    const response = await host.fetch('/orders/context');
    expect(response.headers.getSetCookie()).toEqual([]);
    await expect(response.json()).resolves.toMatchObject({ session: null, visit: null, user: null });
  });

  it('begins one visit by requests that come together after a pause', async () => {
    const cookie = cookieOf(await track());
    // A visit's id begins with its minute, which must not end meanwhile.
    const later = Math.ceil(Date.now() / 60_000) * 60_000 + 3_630_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
    try {
      await Promise.all([
        host.fetch('/orders/17/pay', json({}, { Cookie: cookie })),
        host.fetch('/orders/18/pay', json({}, { Cookie: cookie })),
        host.fetch(
          '/djaffar/track/',
          json({ date: new Date(later).toISOString(), path: '/cart' }, { Cookie: cookie }),
        ),
      ]);
    } finally {
      clock.mockRestore();
    }
    const stored = await host.stored();
    const visits = stored.map(({ visitId }) => visitId);
    expect(new Set(stored.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(new Set(visits).size).toBe(2);
  });

  it('continues the visit of a user on a route without guards', async () => {
    const first = cookieOf(await track({ 'X-User': 'jeff' }));
    const second = await host.fetch('/orders/17/pay', json({}, { Cookie: first }));
    await track({ 'X-User': 'jeff', Cookie: cookieOf(second) });
    const stored = await host.stored();
    expect(stored.map(({ userId }) => userId)).toEqual(['jeff', null, 'jeff']);
    expect(new Set(stored.map(({ visitId }) => visitId)).size).toBe(1);
  });

  it('takes a login as one, and nothing but the path for what is done to somebody else', async () => {
    const cookie = cookieOf(await track());
    const response = await host.fetch('/orders/login', json({}, { Cookie: cookie }));
    await host.fetch('/orders/for-another', json({}, { Cookie: cookieOf(response), 'X-User': 'jeff' }));
    const [view, login, refunded] = await host.stored();
    expect(login).toMatchObject({ userId: 'jeff', userName: 'Jeff', visitId: view?.visitId });
    expect(refunded).toMatchObject({
      userId: 'ada',
      userName: null,
      path: '/api/orders/for-another',
      sessionId: null,
      visitId: null,
      ipAddress: null,
    });
  });

  it('is left out on purpose', async () => {
    const response = await host.fetch('/orders/without', json({}, { 'X-User': 'jeff' }));
    expect(response.headers.getSetCookie()).toEqual([]);
    const [pinged] = await host.stored();
    expect(pinged).toMatchObject({ path: '/ping', userId: null, sessionId: null, ipAddress: null });
  });
});

describe.each(ADAPTERS)('10,000 requests at once on %s', (adapter) => {
  it('are none of them mixed up', async () => {
    const host = await startHost({ ...options, adapter });
    try {
      const ids = Array.from({ length: 10_000 }, () => randomUUID());
      crowd = new Crowd(ids.length);
      await pipeline(host.url, ids, 200);
      expect(crowd.arrived).toBe(ids.length);
      expect(crowd.mixedUp).toBe(0);
      const stored = await host.stored();
      expect(stored).toHaveLength(ids.length);
      const wrong = stored.filter(
        ({ userId, path, properties }) => userId !== properties?.of || path !== `/orders/crowd/${userId}`,
      );
      expect(wrong).toEqual([]);
    } finally {
      await host.close();
    }
  });
});

it.each(ADAPTERS)('no request is known without the option, on %s', async (adapter) => {
  const host = await startHost({
    ...options,
    adapter,
    djaffar: { ...options.djaffar, requestContext: false },
  });
  try {
    await host.fetch('/orders/17/pay', json({}, { 'X-User': 'jeff' }));
    await expect(host.stored()).resolves.toEqual([]);
  } finally {
    await host.close();
  }
});

it('gives its storage back when the application is closed', async () => {
  const host = await startHost({ ...options, adapter: 'fastify' });
  const disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');
  await host.close();
  expect(disable).toHaveBeenCalled();
  disable.mockRestore();
});

describe('the context of a job', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...options, adapter: 'express' });
  });
  beforeEach(() => host.dataSource.createQueryBuilder().delete().from(Activity).execute());
  afterAll(() => host.close());

  it('is that of the request that queued it, and survives JSON', async () => {
    const response = await host.fetch('/orders/17/pay', json({}, { 'X-User': 'jeff' }));
    const queued: ActivityContext = JSON.parse(await response.text());
    await host.activities.runAs(queued, async () => {
      await setImmediate();
      await host.activities.track({ name: 'shipped' });
    });
    expect(host.activities.context()).toBeUndefined();
    const [charged, shipped] = await host.stored();
    expect(shipped).toMatchObject({
      name: 'shipped',
      path: '/orders/17/pay',
      userId: 'jeff',
      userName: 'JEFF',
      sessionId: charged?.sessionId,
      visitId: charged?.visitId,
      ipAddress: '127.0.0.1',
    });
  });

  it('keeps the name of its user if only the id is given again', async () => {
    const context = { user: { id: 17, name: 'Jeff' }, path: '/nightly' };
    await host.activities.runAs(context, () => host.activities.track({ user: { id: 17 } }));
    await host.activities.runAs(context, () => host.activities.track({ user: { id: 18 } }));
    const stored = await host.stored();
    expect(new Map(stored.map(({ userId, userName }) => [userId, userName]))).toEqual(
      new Map([
        ['17', 'Jeff'],
        ['18', null],
      ]),
    );
  });

  it('leaves the visit that ended meanwhile', async () => {
    const context = { user: { id: 17 }, session: 's', visit: 'v', at: '2026-01-01T00:00:00.000Z' };
    await host.activities.runAs(context, () => host.activities.track({ path: '/nightly' }));
    await expect(host.stored()).resolves.toMatchObject([{ userId: '17', sessionId: 's', visitId: null }]);
  });

  it.each<[string, unknown]>([
    ['session', ['a', 'b']],
    ['session', ''],
    ['visit', { a: 1 }],
    ['path', 5],
    ['route', {}],
    ['userAgent', []],
    ['at', 'yesterday'],
    ['ip', 7],
  ])('is refused with another %s than one of context()', (name, value) => {
    const given = JSON.parse(JSON.stringify({ path: '/', [name]: value })) as object;
    expect(() => host.activities.runAs(given, () => 'ran')).toThrow(
      `the "${name}" that runAs() was given is not one of context()`,
    );
  });

  it.each([[null], ['/'], [5], [[]]])('is refused if it is %j', (given) => {
    const parsed = JSON.parse(JSON.stringify(given)) as object;
    expect(() => host.activities.runAs(parsed, () => 'ran')).toThrow('runAs() was given no context, but');
  });

  it('has nothing else than what context() returns', async () => {
    const given = JSON.parse(
      '{"path":"/","reserveVisit":5,"keep":1,"isVisitOwn":true,"consent":"x"}',
    ) as object;
    await host.activities.runAs(given, () => host.activities.track({ name: 'ran' }));
    await expect(host.stored()).resolves.toMatchObject([{ name: 'ran', path: '/' }]);
    const named = { path: '/', user: JSON.parse('{"id":1,"name":5}') as { id: number } };
    expect(() => host.activities.runAs(named, () => 'ran')).toThrow(
      'the name of a user is of the type number',
    );
  });

  it('needs a path', async () => {
    await expect(host.activities.track({ name: 'ran' })).rejects.toThrow(
      'path must not be empty outside of a request',
    );
  });

  it('is missing without the option, which the error names', async () => {
    const without = await startHost({ adapter: 'express' });
    try {
      await expect(without.activities.track({ name: 'ran' })).rejects.toThrow(
        'path must not be empty unless the option "requestContext" takes it from a request',
      );
    } finally {
      await without.close();
    }
  });

  it('ends with the work, and takes the place of the one around it', () => {
    const { activities } = host;
    activities.runAs({ user: { id: 'a' }, path: '/a' }, () => {
      activities.runAs({ user: { id: 'b' } }, () => {
        expect(activities.context()).toMatchObject({ user: { id: 'b' }, path: null });
      });
      expect(activities.context()?.user?.id).toBe('a');
    });
  });
});

describe('a group that is found asynchronously', () => {
  @Controller('asks')
  class AskingController {
    constructor(private readonly activities: ActivityService) {}

    @Get()
    @Track('asked')
    ask(): string | undefined {
      return this.activities.context()?.path ?? undefined;
    }

    @Get('tracked')
    track(): Promise<void> {
      return this.activities.track({ name: 'tracked' });
    }
  }

  it.each([
    ['rejects', () => Promise.reject(new Error('the database of tenants is down'))],
    ['is none, and then rejects', rejectLater()],
  ])('and %s, is no error that nobody handles', async (_, group) => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const host = await startHost({
      adapter: 'express',
      controllers: [AskingController],
      djaffar: { requestContext: true, group },
    });
    try {
      expect(await (await host.fetch('/asks')).text()).toBe('/asks');
      expect(await (await host.fetch('/asks')).text()).toBe('/asks');
      await pause(10);
      expect(unhandled).toEqual([]);
    } finally {
      await host.close();
      process.off('unhandledRejection', note);
      jest.restoreAllMocks();
    }
  });

  it('is asked for once by an activity', async () => {
    const group = jest.fn().mockResolvedValue(null);
    const host = await startHost({
      adapter: 'express',
      controllers: [AskingController],
      djaffar: { requestContext: true, group },
    });
    try {
      await host.fetch('/asks/tracked');
      expect(await host.stored()).toHaveLength(1);
      expect(group).toHaveBeenCalledTimes(1);
    } finally {
      await host.close();
    }
  });
});

function rejectLater(): () => Promise<null> {
  let calls = 0;
  return () => (++calls < 3 ? Promise.resolve(null) : Promise.reject(new Error('down')));
}
