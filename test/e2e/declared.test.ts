import { setImmediate } from 'node:timers/promises';
import {
  Body,
  type CallHandler,
  type CanActivate,
  ConflictException,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  Injectable,
  Logger,
  type NestInterceptor,
  Param,
  Post,
  Sse,
  UseGuards,
  UseInterceptors,
  Version,
  VersioningType,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { concat, lastValueFrom, map, NEVER, type Observable, of } from 'rxjs';
import { HandlerTracker } from '../../lib/context/handler-tracker.js';
import {
  Activity,
  ActivityService,
  type Handled,
  NoTrack,
  type Properties,
  Session,
  Track,
} from '../../lib/index.js';
import { ADAPTERS, cookieOf, type Host, type HostOptions, startHost } from '../support/host.js';
import { until } from '../support/until.js';

interface Order {
  id: string;
  total: number;
}

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    const { 'x-user': id } = request.headers;
    if (id) request.user = { id, name: id.toUpperCase() };
    return true;
  }
}

/** What the client gets is not what the handler returned. */
@Injectable()
class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Controller('orders')
@UseGuards(UserGuard)
@UseInterceptors(WrappingInterceptor)
class OrdersController {
  constructor(private readonly activities: ActivityService) {}

  @Post(':id/pay')
  @HttpCode(200)
  @Version('2')
  @Track('order.paid', {
    properties: ({ params, body, result }: Handled<Order>) => ({ ...params, body, total: result.total }),
    subject: ({ params }) => ['order', params.id ?? ''],
  })
  async pay(@Param('id') id: string, @Body() _body: object): Promise<Order> {
    await setImmediate();
    return { id, total: 42 };
  }

  @Post(':id/cancel')
  @Track('order.cancelled', { when: 'always', subject: ({ params }) => `order:${params.id}` })
  cancel(@Param('id') id: string): Observable<string> {
    if (id === 'paid') throw new ConflictException();
    if (id === 'broken') throw new Error('broken');
    return of('first', 'last');
  }

  @Get('refused')
  @Track('order.opened')
  refuse(): never {
    throw new ConflictException();
  }

  @Get('wrong')
  @Track('order.opened', {
    properties: () => {
      throw new Error('no properties');
    },
  })
  wrong(): string {
    return 'fine';
  }

  @Post('waits')
  @Track('order.waited', { await: true, interactive: true })
  waits(): string {
    return 'stored';
  }

  @Post('never')
  @Track('order.waited', { await: true, properties: ({ body }) => ({ body }) })
  never(): string {
    return 'done';
  }

  @Post('astray')
  @Track('order.astray', { await: true, subject: () => 'order' })
  astray(): string {
    return 'done';
  }

  @Sse('endless')
  @Track('order.watched')
  watch(): Observable<{ data: string }> {
    return concat(of({ data: 'a' }), NEVER);
  }

  @Get('opened')
  @Track('order.opened')
  open(this: void): void {}

  @Get('twice')
  @Track('order.opened')
  async twice(): Promise<void> {
    await this.activities.track({ name: 'order.read' });
  }

  @Sse('events')
  @Track('order.streamed', { properties: ({ result }) => ({ ...(result as object) }) })
  events(): Observable<{ data: string }> {
    return of({ data: 'a' }, { data: 'b' });
  }

  @Post()
  create(): string {
    return 'created';
  }

  @Post('failing')
  fail(): never {
    throw new ConflictException();
  }

  @Post('relayed')
  @Track('order.relayed', { when: 'always' })
  relay(): never {
    // As an HTTP client reports the answer of another server.
    throw Object.assign(new Error('not found there'), { status: 404 });
  }

  @Post('charged')
  @Track('order.charged', { await: true, properties: () => assertNever() })
  charge(): string {
    return 'charged';
  }

  @Get('promised')
  // As code without types can write it.
  @Track('order.promised', { properties: () => Object(Promise.resolve({ total: 1 })) as Properties })
  promise(): string {
    return 'fine';
  }

  @Post('silent')
  @NoTrack()
  silent(): void {}
}

function assertNever(): never {
  throw new TypeError('no properties');
}

@Controller('health')
@NoTrack()
class HealthController {
  @Post()
  check(): void {}
}

const options: Omit<HostOptions, 'adapter'> = {
  controllers: [OrdersController, HealthController],
  configure: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
};

describe.each(ADAPTERS)('@Track on %s', (adapter) => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ ...options, adapter });
  });
  beforeEach(async () => {
    await host.dataSource.createQueryBuilder().delete().from(Activity).execute();
    await host.dataSource.createQueryBuilder().delete().from(Session).execute();
  });
  afterAll(() => host.close());

  const post = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${host.url}/api${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'Firefox', ...headers },
      body: JSON.stringify({ card: 'visa' }),
    });

  /** An answer does not wait for what it tracks. */
  async function stored(count: number): Promise<Activity[]> {
    for (;;) {
      const activities = await host.stored();
      if (activities.length >= count) return activities;
      await setImmediate();
    }
  }

  it('tracks in the name of the user, the session and the visit, with what the handler got and returned', async () => {
    const view = await fetch(`${host.url}/api/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'Firefox' },
      body: JSON.stringify({ date: new Date().toISOString(), path: '/cart' }),
    });
    const headers = { Cookie: cookieOf(view), 'X-User': 'jeff' };
    const answer = await post('/v2/orders/17/pay?secret=1', headers);
    await expect(answer.json()).resolves.toEqual({ data: { id: '17', total: 42 } });
    const [first, paid] = await stored(2);
    expect(paid).toMatchObject({
      name: 'order.paid',
      path: '/api/v2/orders/17/pay',
      route: '/api/v2/orders/:id/pay',
      properties: { id: '17', body: { card: 'visa' }, total: 42 },
      subject: 'order:17',
      interactive: false,
      userId: 'jeff',
      userName: 'JEFF',
      sessionId: first?.sessionId,
      visitId: first?.visitId,
      ipAddress: '127.0.0.1',
    });
    expect(cookieOf(answer)).toMatch(/^djaffar_session=/);
  });

  it('gives a new visitor a session', async () => {
    const answer = await fetch(`${host.url}/api/orders/opened`);
    expect(answer.headers.getSetCookie()).toHaveLength(1);
    await fetch(`${host.url}/api/orders/opened`, { headers: { Cookie: cookieOf(answer) } });
    const activities = await stored(2);
    expect(activities.map(({ name }) => name)).toEqual(['order.opened', 'order.opened']);
    expect(new Set(activities.map(({ visitId }) => visitId)).size).toBe(1);
    expect(activities[0]?.session?.id).toBe(activities[0]?.sessionId);
  });

  it('tracks failures only with that option, with their status', async () => {
    expect((await fetch(`${host.url}/api/orders/refused`)).status).toBe(409);
    expect((await post('/orders/paid/cancel')).status).toBe(409);
    expect((await post('/orders/broken/cancel')).status).toBe(500);
    await expect((await post('/orders/17/cancel')).json()).resolves.toEqual({ data: 'last' });
    const activities = await stored(3);
    expect(activities.map(({ name, subject, properties }) => [name, subject, properties])).toEqual([
      ['order.cancelled', 'order:paid', { status: 409 }],
      ['order.cancelled', 'order:broken', { status: 500 }],
      ['order.cancelled', 'order:17', null],
    ]);
  });

  it('tracks the status of the answer, not that of another server', async () => {
    expect((await post('/orders/relayed')).status).toBe(500);
    expect(await stored(1)).toMatchObject([{ name: 'order.relayed', properties: { status: 500 } }]);
  });

  it('answers as the handler does, although what is awaited cannot be made', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const answer = await post('/orders/charged');
    jest.restoreAllMocks();
    expect(answer.status).toBe(201);
    await expect(answer.json()).resolves.toEqual({ data: 'charged' });
  });

  it('says that "properties" may not be a promise', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    try {
      expect((await fetch(`${host.url}/api/orders/promised`)).status).toBe(200);
      await until(() => warn.mock.calls.length > 0);
      expect(String(warn.mock.calls[0])).toContain('"properties" of @Track returned a promise');
    } finally {
      warn.mockRestore();
    }
  });

  it('names only what is wrong, and not the path, which the request has', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    try {
      expect((await post('/orders/astray')).status).toBe(201);
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringMatching(/^OrdersController\.astray could not be tracked: subject must be [^;]+$/),
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('is committed before the answer if it is awaited', async () => {
    expect((await post('/orders/waits')).status).toBe(201);
    await expect(host.stored()).resolves.toMatchObject([{ name: 'order.waited', interactive: null }]);
  });

  it('answers as the handler does if it awaits an activity that can never be stored, and logs it once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    try {
      for (let i = 0; i < 2; i++) {
        const answer = await fetch(`${host.url}/api/orders/never`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ a: { b: { c: { d: 1 } } } }),
        });
        expect(answer.status).toBe(201);
        await expect(answer.json()).resolves.toEqual({ data: 'done' });
      }
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        'OrdersController.never could not be tracked: properties must be at most 3 levels deep',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('tracks a stream when the client leaves', async () => {
    const controller = new AbortController();
    const answer = await fetch(`${host.url}/api/orders/endless`, { signal: controller.signal });
    await answer.body?.getReader().read();
    expect(await host.stored()).toEqual([]);
    controller.abort();
    await expect(stored(1)).resolves.toMatchObject([{ name: 'order.watched' }]);
  });

  it('does not follow a reference of a federated GraphQL schema, which has no path', async () => {
    const args = [{ __typename: 'Order' }, { req: {} }, {}];
    const context = new ExecutionContextHost(args, OrdersController, OrdersController.prototype.open);
    context.setType('graphql');
    const tracker = host.app.get(HandlerTracker, { strict: false });
    const answer = tracker.follow(context, { name: 'order.opened', await: true }, of('opened'));
    await expect(lastValueFrom(answer)).resolves.toBe('opened');
    expect(await host.stored()).toEqual([]);
  });

  it('tracks a stream once, at its end', async () => {
    const answer = await fetch(`${host.url}/api/orders/events`);
    await answer.text();
    const [streamed] = await stored(1);
    expect(streamed).toMatchObject({ name: 'order.streamed', properties: { data: 'b' } });
  });

  it('neither fails nor waits if the activity cannot be made, and says so once in the log', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    try {
      for (let i = 0; i < 3; i++) {
        const answer = await fetch(`${host.url}/api/orders/wrong`);
        await expect(answer.json()).resolves.toEqual({ data: 'fine' });
      }
      await fetch(`${host.url}/api/orders/opened`);
      await stored(1);
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        'OrdersController.wrong could not be tracked: no properties',
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('tracks nothing else', async () => {
    await post('/orders');
    await post('/orders/silent');
    await post('/orders/waits');
    await expect(host.stored()).resolves.toMatchObject([{ name: 'order.waited' }]);
  });
});

it.each(ADAPTERS)(
  '@Track belongs to the same visit as what the handler tracks itself, on %s',
  async (adapter) => {
    const host = await startHost({
      controllers: options.controllers,
      adapter,
      djaffar: { requestContext: true },
    });
    try {
      const answer = await host.fetch('/orders/twice');
      expect(answer.headers.getSetCookie()).toHaveLength(1);
      await host.fetch('/orders/twice', { headers: { Cookie: cookieOf(answer) } });
      for (let i = 0; i < 1000 && (await host.stored()).length < 4; i++) await setImmediate();
      const activities = await host.stored();
      expect(activities.map(({ name }) => name).sort()).toEqual([
        'order.opened',
        'order.opened',
        'order.read',
        'order.read',
      ]);
      expect(new Set(activities.map(({ visitId }) => visitId)).size).toBe(1);
    } finally {
      await host.close();
    }
  },
);

describe.each(ADAPTERS)('the option requests on %s', (adapter) => {
  it.each([
    ['success', ['POST /orders', 'order.waited']],
    ['always', ['POST /orders', 'POST /orders/failing', 'order.waited']],
  ] as const)('tracks handlers that do not say themselves what is tracked (%s)', async (status, names) => {
    const host = await startHost({
      controllers: options.controllers,
      adapter,
      djaffar: { requests: { methods: ['POST', 'DELETE'], status } },
    });
    try {
      const tracked = await host.post({ date: new Date().toISOString(), path: '/cart' });
      const headers = { Cookie: cookieOf(tracked) };
      for (const path of ['/orders', '/orders/silent', '/health', '/orders/failing', '/orders/waits'])
        await host.fetch(path, { method: 'POST', headers });
      await host.fetch('/orders/refused', { headers });
      const activities = await host.stored();
      expect(activities.map(({ name }) => name)).toEqual(['view', ...names]);
      expect(activities.find(({ name }) => name === 'POST /orders')).toMatchObject({
        path: '/orders',
        route: '/orders',
        interactive: false,
        visitId: activities[0]?.visitId,
      });
      const failed = activities.filter(({ properties }) => properties !== null);
      expect(failed.map(({ properties }) => properties)).toEqual(
        status === 'always' ? [{ status: 409 }] : [],
      );
    } finally {
      await host.close();
    }
  });
});

it.each(ADAPTERS)(
  'an awaited activity that is not stored in time is 503 with Retry-After, on %s',
  async (adapter) => {
    const host = await startHost({
      controllers: options.controllers,
      adapter,
      djaffar: { writer: { timeout: 50 } },
    });
    try {
      // On SQLite, other activities wait for an open transaction.
      await host.dataSource.transaction(async () => {
        const answer = await host.fetch('/orders/waits', { method: 'POST' });
        expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '1']);
      });
    } finally {
      await host.close();
    }
  },
);

it.each(ADAPTERS)('a new visitor gets a session with a synchronous "transform", on %s', async (adapter) => {
  const host = await startHost({
    controllers: options.controllers,
    adapter,
    djaffar: { requests: { methods: ['POST'] }, transform: (activity) => ({ ...activity }) },
  });
  try {
    const declared = await host.fetch('/orders/opened');
    const generated = await host.fetch('/orders', { method: 'POST' });
    expect(cookieOf(declared)).toMatch(/^djaffar_session=/);
    expect(cookieOf(generated)).toMatch(/^djaffar_session=/);
  } finally {
    await host.close();
  }
});

it.each(['reject', 'mark'] as const)(
  'the option requests tracks what "events" does not have, with unknownEvents %s',
  async (unknownEvents) => {
    const host = await startHost({
      controllers: options.controllers,
      adapter: 'express',
      djaffar: { requests: { methods: ['POST'] }, events: {}, unknownEvents },
    });
    try {
      await host.fetch('/orders', { method: 'POST' });
      for (let i = 0; i < 1000 && (await host.stored()).length < 1; i++) await setImmediate();
      await expect(host.stored()).resolves.toMatchObject([{ name: 'POST /orders', properties: null }]);
    } finally {
      await host.close();
    }
  },
);

it('@Track without DjaffarModule is an error at start-up that says the remedy', async () => {
  const { Test } = await import('@nestjs/testing');
  const testing = await Test.createTestingModule({
    controllers: [OrdersController],
    providers: [{ provide: ActivityService, useValue: {} }],
  }).compile();
  await expect(testing.createNestApplication({ logger: false }).init()).rejects.toThrow(
    '@Track needs DjaffarModule.forRoot()',
  );
});
