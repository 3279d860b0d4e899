import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { ExecutionContext, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';

/** A documentation address (RFC 5737), so no allow-list contains it. */
const ADDRESS = '192.0.2.1';

/** The route of an anonymous request. */
export interface Route {
  controller: Type<object>;
  handler: string;
  path: string;
}

/**
 * Returns the context of a GET request without credentials, session or user, as guards see it. The request is never sent,
 * and its response goes nowhere.
 */
export function anonymousContext(
  httpAdapter: AbstractHttpAdapter,
  { controller, handler, path }: Route,
): RouteContext {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: ADDRESS });
  const raw = new IncomingMessage(socket);
  Object.assign(raw, { method: 'GET', url: path, headers: { host: 'localhost', accept: '*/*' } });
  raw.complete = true;
  raw.push(null);
  const rawResponse = new ServerResponse(raw);
  const isFastify = httpAdapter.getType() === 'fastify';
  const args = isFastify
    ? [fastifyRequest(raw, path), fastifyReply(rawResponse)]
    : expressArguments(raw, rawResponse, httpAdapter.getInstance());
  return new RouteContext(controller, Reflect.get(controller.prototype, handler), [...args, () => {}]);
}

function expressArguments(
  request: IncomingMessage,
  response: ServerResponse,
  app: { request: object; response: object },
): [object, object] {
  Object.setPrototypeOf(request, app.request);
  Object.setPrototypeOf(response, app.response);
  Object.assign(request, { res: response, originalUrl: request.url, baseUrl: '', params: {} });
  Object.assign(response, { req: request, locals: {} });
  // Express 5 has a getter.
  if (!('query' in request)) Object.assign(request, { query: {} });
  return [request, response];
}

function fastifyRequest(raw: IncomingMessage, url: string): object {
  const { method, headers, socket } = raw;
  const host = { protocol: 'http', host: 'localhost', hostname: 'localhost', ip: ADDRESS };
  return { raw, method, url, originalUrl: url, headers, socket, query: {}, params: {}, ...host };
}

/** Returns a reply whose methods do nothing but return the reply. */
function fastifyReply(raw: ServerResponse): object {
  return new Proxy(
    { raw, statusCode: 200, sent: false },
    {
      get(reply, key, self) {
        if (key in reply) return Reflect.get(reply, key);
        // It must not look like a promise.
        return key === 'then' ? undefined : () => self;
      },
    },
  );
}

// oxlint-disable typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion -- the interface lets the caller name any type
class RouteContext implements ExecutionContext {
  /** True if a guard has read the class or the handler, which it does for metadata. */
  isInspected = false;

  constructor(
    private readonly controller: Type<object>,
    private readonly handler: () => void,
    private readonly args: object[],
  ) {}

  getClass<T>(): Type<T> {
    this.isInspected = true;
    return this.controller as Type<T>;
  }

  getHandler(): () => void {
    this.isInspected = true;
    return this.handler;
  }

  getArgs<T extends unknown[]>(): T {
    return this.args as unknown as T;
  }

  getArgByIndex<T>(index: number): T {
    return this.args[index] as T;
  }

  getType<T extends string>(): T {
    return 'http' as T;
  }

  switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    return {
      getRequest: <T>() => this.getArgByIndex<T>(0),
      getResponse: <T>() => this.getArgByIndex<T>(1),
      getNext: <T>() => this.getArgByIndex<T>(2),
    };
  }

  switchToRpc(): never {
    throw new Error('this is an HTTP request');
  }

  switchToWs(): never {
    throw new Error('this is an HTTP request');
  }
}
