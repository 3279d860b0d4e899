import { IncomingMessage, type IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { anonymousContext } from '../../lib/guards/anonymous-request.js';
import { UndecoratedContext } from '../../lib/guards/host-guards.js';

const Roles = Reflector.createDecorator<string[]>();

@Roles(['class'])
class ReportsController {
  @Roles(['handler'])
  read(this: void): void {}
}

interface GuardedRequest {
  method: string;
  url: string;
  originalUrl: string;
  headers: IncomingHttpHeaders;
  ip: string;
  protocol: string;
  host: string;
  hostname: string;
  query: object;
  params: object;
  socket: { remoteAddress?: string };
  user?: unknown;
  session?: unknown;
}

interface GuardedResponse {
  status(code: number): GuardedResponse;
  header(name: string, value: string): GuardedResponse;
  send(body: string): GuardedResponse;
  statusCode: number;
}

const ADAPTERS = [
  ['express', new ExpressAdapter()],
  ['fastify', new FastifyAdapter()],
] as const;

describe.each(ADAPTERS)('the context of an anonymous request on %s', (_, adapter) => {
  const create = () =>
    anonymousContext(adapter, { controller: ReportsController, handler: 'read', path: '/reports' });
  const requestOf = (context: ExecutionContext): GuardedRequest => context.switchToHttp().getRequest();
  const responseOf = (context: ExecutionContext): GuardedResponse => context.switchToHttp().getResponse();

  it('has a request without credentials, from an address of nobody', () => {
    const request = requestOf(create());
    expect(request).toMatchObject({ method: 'GET', url: '/reports', originalUrl: '/reports' });
    expect(request.headers).toEqual({ host: 'localhost', accept: '*/*' });
    const { ip, protocol, host, hostname, query, params, socket, user, session } = request;
    expect([ip, protocol, host, hostname]).toEqual(['192.0.2.1', 'http', 'localhost', 'localhost']);
    expect(socket.remoteAddress).toBe('192.0.2.1');
    expect([{ ...query }, params, user, session]).toEqual([{}, {}, undefined, undefined]);
  });

  it('has a response that goes nowhere', async () => {
    const response = responseOf(create());
    expect(response.statusCode).toBe(200);
    expect(Reflect.get(response, 'sent') ?? false).toBe(false);
    expect(() => response.status(401).header('WWW-Authenticate', 'Basic').send('no')).not.toThrow();
    expect(await Promise.resolve(response)).toBe(response);
  });

  it('has a function to continue, and its arguments by number', () => {
    const context = create();
    const args = context.getArgs<[unknown, unknown, () => void]>();
    const http = context.switchToHttp();
    for (const [i, found] of [http.getRequest(), http.getResponse(), http.getNext()].entries()) {
      expect(found).toBe(args[i]);
      expect(context.getArgByIndex(i)).toBe(found);
    }
    expect(args[2]()).toBeUndefined();
  });

  it('is one of HTTP alone', () => {
    const context = create();
    expect(context.getType()).toBe('http');
    expect(() => context.switchToRpc()).toThrow('HTTP');
    expect(() => context.switchToWs()).toThrow('HTTP');
  });

  it('notes that a guard has read the class or the handler, and nothing else', () => {
    const context = create();
    requestOf(context);
    context.getArgs();
    expect(context.isInspected).toBe(false);
    const [ofClass, ofHandler] = [create(), create()];
    expect(ofClass.getClass()).toBe(ReportsController);
    expect(ofHandler.getHandler()).toBe(ReportsController.prototype.read);
    expect([ofClass.isInspected, ofHandler.isInspected]).toEqual([true, true]);
  });
});

describe('the context of an anonymous request on Express', () => {
  it('links the request and the response, as Express does', () => {
    const context = anonymousContext(new ExpressAdapter(), {
      controller: ReportsController,
      handler: 'read',
      path: '/reports',
    });
    const [request, response] = context.getArgs<[IncomingMessage, ServerResponse]>();
    expect(Reflect.get(request, 'res')).toBe(response);
    expect(response.req).toBe(request);
    expect(request).toMatchObject({ baseUrl: '', complete: true });
    expect(Reflect.get(response, 'locals')).toEqual({});
  });

  it('has a query in version 4, too', () => {
    const app = {
      use: (): void => {},
      request: Object.create(IncomingMessage.prototype),
      response: Object.create(ServerResponse.prototype),
    };
    const context = anonymousContext(new ExpressAdapter(app), {
      controller: ReportsController,
      handler: 'read',
      path: '/reports',
    });
    expect(context.switchToHttp().getRequest()).toMatchObject({ query: {}, url: '/reports' });
  });
});

describe('the context without decorators', () => {
  const args = [{ headers: {} }, { statusCode: 200 }, (): void => {}];
  const original = new ExecutionContextHost(args, ReportsController, ReportsController.prototype.read);
  const context = new UndecoratedContext(original);

  it('has no metadata, and the same class and handler for all requests', () => {
    const reflector = new Reflector();
    const read = (each: ExecutionContext) => reflector.getAll(Roles, [each.getClass(), each.getHandler()]);
    expect(read(original)).toEqual([['class'], ['handler']]);
    expect(read(context)).toEqual([undefined, undefined]);
    const other = new UndecoratedContext(original);
    expect([other.getClass(), other.getHandler()]).toEqual([context.getClass(), context.getHandler()]);
    expect(context.getHandler()()).toBeUndefined();
  });

  it('has all else of the request', () => {
    expect(context.getArgs()).toBe(args);
    expect(context.getArgByIndex(1)).toBe(args[1]);
    expect(context.switchToHttp().getRequest()).toBe(args[0]);
    expect(context.switchToRpc().getData()).toBe(args[0]);
    expect(context.switchToWs().getClient()).toBe(args[0]);
    original.setType('graphql');
    expect(context.getType()).toBe('graphql');
  });
});
