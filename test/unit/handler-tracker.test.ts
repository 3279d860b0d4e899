import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConflictException, Controller, Post, ServiceUnavailableException, Sse } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { concat, defer, EMPTY, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import type { Activity } from '../../lib/activity/activity.js';
import { ActivityService } from '../../lib/activity/activity.service.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { Recorder } from '../../lib/activity/recorder.js';
import { UnstorableError } from '../../lib/activity/unstorable.error.js';
import { VisitDurationLimit } from '../../lib/activity/visit-duration-limit.js';
import type { Handled, HandlerTracking } from '../../lib/context/track.metadata.js';
import { HandlerTracker } from '../../lib/context/handler-tracker.js';
import type { ContextRequest } from '../../lib/context/request.js';
import { RequestContexts } from '../../lib/context/request-contexts.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { OutcomeCounter } from '../../lib/diagnostics/outcome-counter.js';
import { Telemetry } from '../../lib/diagnostics/telemetry.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import { toSettings } from '../../lib/options/validation.js';
import { Salts } from '../../lib/privacy/salts.js';
import type { SigningKey } from '../../lib/privacy/signing-key.js';
import { SigningKeys } from '../../lib/privacy/signing-keys.js';
import type { Write } from '../../lib/store/batch.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { CookielessVisitors } from '../../lib/tracking/cookieless-visitors.js';
import { VisitorService } from '../../lib/tracking/visitor.service.js';
import { MemoryStore } from '../support/memory-store.js';

@Controller('orders')
class Orders {
  @Post(':id/pay')
  pay(this: void): void {}

  @Sse('events')
  watch(this: void): void {}
}

/** A store that writes when a test lets it, and keeps the lines of the log. */
class WaitingStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog(
    { log: this.lineWriter('log'), warn: this.lineWriter('warn'), error: this.lineWriter('error') },
    { now: Date.now },
  );
  /** What each write waits for. */
  gate: Promise<void> | undefined;
  keyError: Error | undefined;
  keyLoads = 0;

  override async lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    await this.gate;
    await super.lendWriter(work);
  }

  override async loadSigningKeys(
    ...given: Parameters<MemoryStore['loadSigningKeys']>
  ): Promise<SigningKey[]> {
    this.keyLoads += 1;
    if (this.keyError) throw this.keyError;
    return super.loadSigningKeys(...given);
  }

  /** Lets no write go on until the returned function is called. */
  block(): () => void {
    let open = (): void => {};
    this.gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  get tracked(): Activity[] {
    return this.list({});
  }

  private lineWriter(level: string): (line: unknown) => void {
    return (line) => void this.lines.push(`${level} ${String(line)}`);
  }
}

let store: WaitingStore;
let activities: ActivityService;
let contexts: RequestContexts;
let tracker: HandlerTracker;

function start(options: DjaffarOptions = {}): void {
  const settings = toSettings(options);
  store = new WaitingStore();
  const keys = new SigningKeys(store, settings);
  const cookieless = new CookielessVisitors(new Salts(store, settings), store, settings);
  contexts = new RequestContexts(settings, new VisitorService(settings, keys, cookieless));
  const writer = new ActivityWriter(store, settings.writer);
  const limit = new VisitDurationLimit(store);
  const recorder = new Recorder(settings, writer, limit, new OutcomeCounter(), new Telemetry());
  activities = new ActivityService(store, settings, recorder, writer, limit, contexts);
  tracker = new HandlerTracker(store, activities, contexts);
}

interface Call {
  type?: string;
  args?: unknown[];
  handler?: () => void;
}

const newRequest = (given: Partial<ContextRequest> & Partial<Handled> = {}): ContextRequest => ({
  method: 'POST',
  url: '/orders/17/pay?secret=1',
  route: { path: '/orders/:id/pay' },
  headers: {},
  ...given,
});

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

function contextOf({ type = 'http', args = [newRequest(), newResponse()], handler }: Call = {}) {
  const context = new ExecutionContextHost(args, Orders, handler ?? Orders.prototype.pay);
  context.setType(type);
  return context;
}

const SSE: Call = { handler: Orders.prototype.watch };

/** What a subscriber gets: values, then `complete` or the error. */
interface Received {
  events: unknown[];
  leave: () => void;
}

function follow(
  handled: Observable<unknown>,
  tracking: Omit<HandlerTracking, 'name'> & { name?: string } = { name: 'order.paid' },
  call?: Call,
): Received {
  const events: unknown[] = [];
  const subscription = tracker.follow(contextOf(call), tracking, handled).subscribe({
    next: (value) => events.push(value),
    error: (error: unknown) => events.push(error),
    complete: () => events.push('complete'),
  });
  return { events, leave: () => subscription.unsubscribe() };
}

/** Lets everything happen that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

async function trackedAfter(...given: Parameters<typeof follow>): Promise<Activity[]> {
  follow(...given);
  await settle();
  return store.tracked;
}

const DOWN = new UnavailableError('the pool is empty', { answer: 'try again' });

beforeEach(() => start());
afterEach(() => jest.restoreAllMocks());

describe('an activity of a handler', () => {
  it('is stored with the place, the session and the visit of the request', async () => {
    const response = newResponse();
    const [activity] = await trackedAfter(of('done'), undefined, { args: [newRequest(), response] });
    expect(activity).toMatchObject({
      name: 'order.paid',
      path: '/orders/17/pay',
      route: '/orders/:id/pay',
      sessionId: expect.any(String),
      visitId: expect.any(String),
      properties: null,
      subject: null,
      interactive: false,
    });
    expect(response.getHeader('set-cookie')).toEqual([expect.stringContaining('djaffar_session=')]);
  });

  it('is interactive if the handler says so', async () => {
    const [activity] = await trackedAfter(of('done'), { name: 'order.paid', interactive: true });
    expect(activity?.interactive).toBeNull();
  });

  it('has the properties and the subject that functions return for the call and its last value', async () => {
    const seen: Handled[] = [];
    const request = newRequest({ params: { id: '17' }, query: { a: 'b' }, body: { c: 1 } });
    const args = [request, newResponse()];
    const [activity] = await trackedAfter(
      of('first', 'last'),
      {
        name: 'order.paid',
        properties: (handled) => {
          seen.push(handled);
          return { total: 42 };
        },
        subject: (handled) => {
          seen.push(handled);
          return ['order', 17];
        },
      },
      { args },
    );
    const handled = {
      request,
      params: { id: '17' },
      query: { a: 'b' },
      body: { c: 1 },
      args,
      result: 'last',
    };
    expect(seen).toStrictEqual([handled, handled]);
    expect(activity).toMatchObject({ properties: { total: 42 }, subject: 'order:17' });
  });

  it('has no result of a handler without a value', async () => {
    const properties = jest.fn();
    await trackedAfter(EMPTY, { name: 'order.paid', properties });
    expect(properties).toHaveBeenCalledWith(expect.objectContaining({ result: undefined }));
    expect(properties.mock.calls[0]?.[0]).not.toHaveProperty('error');
  });

  it.each<[string, Partial<ContextRequest>, string]>([
    ['the route', {}, 'POST /orders/:id/pay'],
    ['the path if there is no route', { route: {} }, 'POST /orders/17/pay'],
    ['the handler if there is no path', { route: {}, url: '' }, 'POST Orders.pay'],
    ['64 characters', { route: { path: `/${'a'.repeat(80)}` } }, `POST /${'a'.repeat(58)}`],
  ])('has a name from %s without one of its own', async (_, given, name) => {
    const trackIn = jest.spyOn(activities, 'trackIn');
    await trackedAfter(of(''), { when: 'success' }, { args: [newRequest(given), newResponse()] });
    expect(trackIn.mock.calls[0]?.[1].name).toBe(name);
  });

  it('needs no event of the option "events" if its name is not given', async () => {
    start({ events: { known: class {} }, unknownEvents: 'reject' });
    expect(await trackedAfter(of(''), { when: 'success' })).toHaveLength(1);
    expect(await trackedAfter(of(''), { name: 'other' })).toHaveLength(1);
    expect(store.lines).toEqual([expect.stringMatching(/^warn Orders.pay could not be tracked: /)]);
  });

  it.each(['ws', 'rpc'])('of a gateway or a microservice (%s) is at the handler', async (type) => {
    const call = { type, args: [{}, {}] };
    const [activity] = await trackedAfter(of('done'), undefined, call);
    expect(activity).toMatchObject({ path: 'Orders.pay', route: null, sessionId: null });
  });

  it('of a gateway is in the context of a job', async () => {
    const call = { type: 'ws', args: [{}, {}] };
    contexts.run({ path: '/job', session: 's', user: { id: 1 } }, () => follow(of('done'), undefined, call));
    contexts.run({ session: 't' }, () => follow(of('done'), undefined, call));
    await settle();
    expect(store.tracked).toMatchObject([
      { path: '/job', sessionId: 's', userId: '1' },
      { path: 'Orders.pay', sessionId: 't' },
    ]);
  });

  it('is none of a field below the root of a GraphQL operation', () => {
    const context = contextOf({ type: 'graphql', args: [{}, {}, {}, { path: { prev: {} } }] });
    const handled = of('done');
    expect(tracker.follow(context, { name: 'order.paid' }, handled)).toBe(handled);
  });
});

describe('a failed handler', () => {
  it('is not tracked, and its error is unchanged', async () => {
    const error = new ConflictException();
    const { events } = follow(throwError(() => error));
    await settle();
    expect(store.tracked).toEqual([]);
    expect(events).toEqual([error]);
  });

  it('is tracked if it always is, with the status and what functions return', async () => {
    const error = new ConflictException();
    const seen: Handled[] = [];
    const { events } = follow(
      throwError(() => error),
      {
        name: 'order.paid',
        when: 'always',
        properties: (handled) => {
          seen.push(handled);
          return { total: 1, status: 'none' };
        },
        subject: ({ error: thrown }) => ['error', (thrown as Error).name],
      },
    );
    await settle();
    expect(seen).toEqual([expect.objectContaining({ result: undefined, error })]);
    expect(store.tracked).toMatchObject([
      { properties: { total: 1, status: 409 }, subject: 'error:ConflictException' },
    ]);
    expect(events).toEqual([error]);
  });

  it.each<[string, unknown, number]>([
    ['an HttpException', new ConflictException(), 409],
    ['an error of http-errors', Object.assign(new Error('too large'), { statusCode: 413 }), 413],
    ['an object like one', { statusCode: 404, message: 'not found' }, 404],
    ['an error of an HTTP client', Object.assign(new Error('not found there'), { status: 404 }), 500],
    ['a status without a message', { statusCode: 404 }, 500],
    ['a status that is text', { statusCode: '404', message: 'not found' }, 500],
    ['text', 'broken', 500],
    ['null', null, 500],
    ['nothing', undefined, 500],
  ])('has after %s the right status', async (_, error, status) => {
    const tracked = await trackedAfter(
      throwError(() => error),
      { name: 'order.paid', when: 'always' },
    );
    expect(tracked).toMatchObject([{ properties: { status } }]);
  });

  it('has no status if it succeeds', async () => {
    const tracked = await trackedAfter(of(''), { name: 'order.paid', when: 'always' });
    expect(tracked).toMatchObject([{ properties: null }]);
  });
});

describe('a call that does not wait', () => {
  it('gets all values at once', async () => {
    const open = store.block();
    expect(follow(of('a', 'b')).events).toEqual(['a', 'b', 'complete']);
    open();
    await settle();
    expect(store.tracked).toHaveLength(1);
  });

  it('is not tracked if it is interrupted', async () => {
    const { leave } = follow(concat(of('a'), NEVER));
    leave();
    await settle();
    expect(store.tracked).toEqual([]);
  });

  it('succeeds although it cannot be tracked, which the log says until it works again', async () => {
    const fail = jest.fn((): undefined => {
      if (fail.mock.calls.length < 3) throw new TypeError('no properties');
    });
    for (let i = 0; i < 3; i++) {
      const { events } = follow(of('a'), { name: 'order.paid', properties: fail });
      await settle();
      expect(events).toEqual(['a', 'complete']);
    }
    expect(store.lines).toEqual([
      'warn Orders.pay could not be tracked: no properties',
      expect.stringMatching(/^log over after .* \(2 times\): Orders.pay could not be tracked$/),
    ]);
    expect(store.tracked).toHaveLength(1);
  });

  it.each([
    ['the database does not answer', DOWN],
    ['the database can never store it', new UnstorableError('too long')],
  ])('succeeds without a line of its own in the log if %s', async (_, error) => {
    jest.spyOn(activities, 'trackIn').mockRejectedValue(error);
    const { events } = follow(of('a'));
    await settle();
    expect(events).toEqual(['a', 'complete']);
    expect(store.lines).toEqual([]);
  });

  it('needs properties that are no promise, whose rejection is handled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const properties: HandlerTracking['properties'] = jest.fn(() =>
      Object(Promise.reject(new Error('no properties'))),
    );
    const tracked = await trackedAfter(of('a'), { name: 'order.paid', properties });
    process.off('unhandledRejection', note);
    expect(tracked).toEqual([]);
    expect(store.lines).toEqual([expect.stringMatching(/^warn .*returned a promise/)]);
    expect(unhandled).toEqual([]);
  });
});

describe('a stream of server-sent events', () => {
  it.each([[false], [true]])('is tracked when its client leaves (await: %s)', async (isAwaited) => {
    const open = store.block();
    const properties = ({ result }: Handled): { result: unknown } => ({ result });
    const tracking = { name: 'order.watched', await: isAwaited, properties };
    const { events, leave } = follow(concat(of('a', 'b'), NEVER), tracking, SSE);
    expect(events).toEqual(['a', 'b']);
    await settle();
    expect(store.tracked).toEqual([]);
    leave();
    open();
    await settle();
    expect(store.tracked).toMatchObject([{ name: 'order.watched', properties: { result: 'b' } }]);
  });

  it('is tracked once when it ends', async () => {
    const { leave } = follow(of('a'), { name: 'order.watched' }, SSE);
    leave();
    await settle();
    expect(store.tracked).toHaveLength(1);
  });

  it('is not tracked if it fails, unless it always is', async () => {
    const failing = concat(
      of('a'),
      throwError(() => new Error('broken')),
    );
    expect(await trackedAfter(failing, { name: 'order.watched' }, SSE)).toEqual([]);
    const tracked = await trackedAfter(failing, { name: 'order.watched', when: 'always' }, SSE);
    expect(tracked).toMatchObject([{ properties: { status: 500 } }]);
  });
});

describe('a call that waits for the commit', () => {
  const WAITS = { name: 'order.paid', await: true };

  it('gets each value when the next one comes, and the last one after the commit', async () => {
    const open = store.block();
    const handled = new Subject<string>();
    const { events } = follow(handled, WAITS);
    handled.next('a');
    expect(events).toEqual([]);
    handled.next('b');
    expect(events).toEqual(['a']);
    handled.next('c');
    handled.complete();
    await settle();
    expect(events).toEqual(['a', 'b']);
    open();
    await settle();
    expect(events).toEqual(['a', 'b', 'c', 'complete']);
    expect(store.tracked).toHaveLength(1);
  });

  it('is tracked with its last value', async () => {
    const properties = jest.fn(() => ({}));
    await trackedAfter(of('a', 'b'), { ...WAITS, properties });
    expect(properties).toHaveBeenCalledWith(expect.objectContaining({ result: 'b' }));
  });

  it('has no value if the handler has none, also when it is called again', async () => {
    let calls = 0;
    const error = new Error('broken');
    const handled = defer(() => {
      calls += 1;
      return calls > 1
        ? EMPTY
        : concat(
            of('a'),
            throwError(() => error),
          );
    });
    const properties = jest.fn(() => ({}));
    const followed = tracker.follow(contextOf(), { ...WAITS, properties }, handled);
    const events: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      followed.subscribe({
        next: (value) => events.push(value),
        error: (thrown: unknown) => events.push(thrown),
        complete: () => events.push('complete'),
      });
      await settle();
    }
    expect(events).toEqual(['a', error, 'complete']);
    expect(properties.mock.calls).toEqual([[expect.objectContaining({ result: undefined })]]);
  });

  it('gets the error of the handler after its values, without being tracked', async () => {
    const error = new ConflictException();
    const { events } = follow(
      concat(
        of('a', 'b'),
        throwError(() => error),
      ),
      WAITS,
    );
    await settle();
    expect(events).toEqual(['a', 'b', error]);
    expect(store.tracked).toEqual([]);
  });

  it('gets the error of the handler after the commit if it is always tracked', async () => {
    const open = store.block();
    const error = new ConflictException();
    const { events } = follow(
      throwError(() => error),
      { ...WAITS, when: 'always' },
    );
    await settle();
    expect(events).toEqual([]);
    open();
    await settle();
    expect(events).toEqual([error]);
    expect(store.tracked).toMatchObject([{ properties: { status: 409 } }]);
  });

  it('gets the error of the handler also if that cannot be tracked', async () => {
    jest.spyOn(activities, 'trackIn').mockRejectedValue(DOWN);
    const error = new ConflictException();
    const { events } = follow(
      throwError(() => error),
      { ...WAITS, when: 'always' },
    );
    await settle();
    expect(events).toEqual([error]);
  });

  it('is answered 503 if the database does not answer, and asked to try again', async () => {
    jest.spyOn(activities, 'trackIn').mockRejectedValue(DOWN);
    const response = newResponse();
    const { events } = follow(of('a'), WAITS, { args: [newRequest(), response] });
    await settle();
    expect(events).toEqual([new ServiceUnavailableException('try again')]);
    expect(events[0]).toMatchObject({ status: 503, cause: DOWN });
    expect(response.getHeader('Retry-After')).toBe('1');
    expect(store.lines).toEqual([]);
  });

  it('of a microservice fails too if the database does not answer', async () => {
    jest.spyOn(activities, 'trackIn').mockRejectedValue(DOWN);
    const { events } = follow(of('a'), WAITS, { type: 'rpc', args: [{}, {}] });
    await settle();
    expect(events).toMatchObject([{ status: 503, message: 'try again' }]);
  });

  it.each<[string, Error, number]>([
    ['the database can never store it', new UnstorableError('too long'), 0],
    ['of another error', new TypeError('no properties'), 1],
  ])('succeeds although it is not stored because %s', async (_, error, lines) => {
    jest.spyOn(activities, 'trackIn').mockRejectedValue(error);
    const { events } = follow(of('a'), WAITS);
    await settle();
    expect(events).toEqual(['a', 'complete']);
    expect(store.lines).toHaveLength(lines);
  });
});

describe('while a handler runs', () => {
  it('the keys of the cookie are loaded', async () => {
    tracker.follow(contextOf(), { name: 'order.paid' }, NEVER);
    expect(store.keyLoads).toBe(1);
    await settle();
    tracker.follow(contextOf(), { name: 'order.paid' }, NEVER);
    expect(store.keyLoads).toBe(1);
  });

  it('the group of the request is looked for', () => {
    const group = jest.fn().mockResolvedValue(null);
    start({ group });
    tracker.follow(contextOf(), { name: 'order.paid' }, NEVER);
    expect(group).toHaveBeenCalledTimes(1);
  });

  it('a failure of these is no error that nobody handles', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    start({ group: () => Promise.reject(new Error('no tenants')) });
    store.keyError = new Error('no keys');
    tracker.follow(contextOf(), { name: 'order.paid' }, NEVER);
    await settle();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
