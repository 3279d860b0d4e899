import { Controller, type ExecutionContext, Get, Module, Post, Sse, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { type Observable, of } from 'rxjs';
import { HandlerTracker } from '../../lib/context/handler-tracker.js';
import { NoTrack, Track } from '../../lib/context/track.decorator.js';
import { RequestsInterceptor, TrackInterceptor } from '../../lib/context/track.interceptor.js';
import { declaredTracking, isIgnored, isStream } from '../../lib/context/track.metadata.js';

const subject = (): [string, number] => ['order', 17];

@Controller('orders')
class Orders {
  @Post('pay')
  @Track('order.paid', { when: 'always', await: true, interactive: true, subject })
  pay(this: void): void {}

  @Get()
  @Track('order.opened')
  open(this: void): void {}

  @Get('silent')
  @NoTrack()
  @Track('order.silent')
  silent(this: void): void {}

  @Post()
  create(this: void): void {}

  @Sse('events')
  watch(this: void): Observable<object> {
    return of();
  }

  @NoTrack()
  get total(): number {
    return 0;
  }
}

@Controller('health')
@NoTrack()
class Health {
  @Post()
  check(this: void): void {}
}

const { pay, open, silent, create, watch } = Orders.prototype;
const { check } = Health.prototype;

function contextOf(
  handler: () => unknown,
  { type = 'http', method = 'POST', controller = Orders }: Partial<ContextOptions> = {},
): ExecutionContext {
  const context = new ExecutionContextHost([{ method }, {}], controller, handler);
  context.setType(type);
  return context;
}

interface ContextOptions {
  type: string;
  method: string;
  controller: Type;
}

const handled = of('handled');
const followed = of('followed');
const next = { handle: () => handled };

/** A tracker of which only `follow` is used. */
const tracker: HandlerTracker = Object.create(HandlerTracker.prototype);
const follow = jest.spyOn(tracker, 'follow').mockReturnValue(followed);

beforeEach(() => follow.mockClear());

describe('the decorators', () => {
  it('declare how a handler is tracked', () => {
    expect(declaredTracking(contextOf(pay))).toEqual({
      name: 'order.paid',
      when: 'always',
      await: true,
      interactive: true,
      subject,
    });
    expect(declaredTracking(contextOf(open))).toEqual({ name: 'order.opened' });
    expect(declaredTracking(contextOf(create))).toBeUndefined();
    expect(declaredTracking(contextOf(silent))).toBeUndefined();
  });

  it('add the interceptor to the handler', () => {
    expect(Reflect.getMetadata('__interceptors__', pay)).toEqual([TrackInterceptor]);
    expect(Reflect.getMetadata('__interceptors__', create)).toBeUndefined();
  });

  it('exclude a handler or a controller', () => {
    expect(isIgnored(contextOf(silent))).toBe(true);
    expect(isIgnored(contextOf(check, { controller: Health }))).toBe(true);
    expect(isIgnored(contextOf(pay))).toBe(false);
  });

  it('know which handlers answer with a stream', () => {
    expect(isStream(contextOf(watch))).toBe(true);
    expect(isStream(contextOf(pay))).toBe(false);
  });
});

describe('the interceptor of @Track', () => {
  @Module({ providers: [{ provide: HandlerTracker, useValue: tracker }] })
  class TrackingModule {}

  /** As in an app, the module of the handlers does not import the one of the tracker. */
  @Module({ providers: [TrackInterceptor] })
  class OrdersModule {}

  @Module({ imports: [TrackingModule, OrdersModule] })
  class AppModule {}

  it('tracks handlers that declare it', async () => {
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const interceptor = app.get(TrackInterceptor, { strict: false });
    const context = contextOf(pay);
    expect(interceptor.intercept(context, next)).toBe(followed);
    expect(follow.mock.calls).toEqual([[context, declaredTracking(context), handled]]);
    for (const handler of [silent, create])
      expect(interceptor.intercept(contextOf(handler), next)).toBe(handled);
    expect(follow).toHaveBeenCalledTimes(1);
    await app.close();
  });

  it('needs DjaffarModule', async () => {
    const starting = NestFactory.createApplicationContext(OrdersModule, {
      logger: false,
      abortOnError: false,
    });
    await expect(starting).rejects.toMatchObject({
      message: 'Djaffar: @Track needs DjaffarModule.forRoot() in the imports of a module',
      cause: expect.objectContaining({ message: expect.stringContaining('HandlerTracker') }),
    });
  });
});

describe('the interceptor of the option "requests"', () => {
  const interceptor = new RequestsInterceptor(tracker, { methods: ['POST', 'PUT'], status: 'always' });

  it.each(['POST', 'PUT'])('tracks %s requests without a name', (method) => {
    const context = contextOf(create, { method });
    expect(interceptor.intercept(context, next)).toBe(followed);
    expect(follow.mock.calls).toEqual([[context, { when: 'always' }, handled]]);
  });

  it.each<[string, () => unknown, Partial<ContextOptions>]>([
    ['other methods', create, { method: 'GET' }],
    ['handlers with @Track', pay, {}],
    ['handlers with @NoTrack', silent, {}],
    ['controllers with @NoTrack', check, { controller: Health }],
    ['gateways', create, { type: 'ws' }],
  ])('does not track %s', (_, handler, options) => {
    expect(interceptor.intercept(contextOf(handler, options), next)).toBe(handled);
    expect(follow).not.toHaveBeenCalled();
  });
});
