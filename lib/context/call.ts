import type { ContextType, ExecutionContext } from '@nestjs/common';
import type { Handled } from './track.metadata.js';
import type { ContextRequest, ContextResponse } from './request.js';

/** A call of a handler by HTTP, GraphQL, a WebSocket gateway or a microservice. */
export interface Call {
  /** `undefined` for WebSocket gateways and microservices. */
  request: ContextRequest | undefined;
  response: ContextResponse | undefined;
  given: Omit<Handled, 'result' | 'error'>;
  /** Class and method, such as `OrdersController.pay`. */
  handlerName: string;
}

/** The context of a GraphQL operation; its fields depend on the driver. */
interface GraphqlContext {
  req?: GraphqlRequest;
  request?: GraphqlRequest;
  res?: ContextResponse;
  reply?: ContextResponse & { request?: GraphqlRequest };
}

type GraphqlRequest = ContextRequest & { res?: ContextResponse };

type Given = Partial<Pick<Handled, 'params' | 'query' | 'body'>>;

/** @returns `undefined` for a field or a reference below the root of a GraphQL operation, which is part of another call */
export function toCall(context: ExecutionContext): Call | undefined {
  const args: unknown[] = context.getArgs();
  const handlerName = `${context.getClass().name}.${context.getHandler().name}`;
  switch (context.getType<ContextType | 'graphql'>()) {
    case 'http': {
      const http = context.switchToHttp();
      const request = http.getRequest<ContextRequest & Given>();
      const { params = {}, query = {}, body } = request;
      return {
        request,
        response: http.getResponse(),
        given: { request, params, query, body, args },
        handlerName,
      };
    }
    case 'graphql': {
      const [, params, graphql, info] =
        context.getArgs<
          [
            unknown,
            Record<string, string>,
            GraphqlContext | undefined,
            { path?: { prev?: unknown } } | undefined,
          ]
        >();
      // `@ResolveReference` gets only three arguments.
      if (!info || info.path?.prev) return undefined;
      const { req, request = req, reply, res = reply } = graphql ?? {};
      const found = request ?? reply?.request;
      return {
        request: found,
        response: res ?? found?.res,
        given: { request: found, params, query: {}, body: undefined, args },
        handlerName,
      };
    }
    default:
      return {
        request: undefined,
        response: undefined,
        given: { request: undefined, params: {}, query: {}, body: undefined, args },
        handlerName,
      };
  }
}
