import type { ContextType, ExecutionContext } from '@nestjs/common';
import type { Handled } from './handled.js';
import type { ContextRequest, ContextResponse } from './request.js';

/** A call of a handler. */
export interface Call {
  /** `undefined` for WebSocket gateways and microservices. */
  request: ContextRequest | undefined;
  response: ContextResponse | undefined;
  given: Omit<Handled, 'result' | 'error'>;
  /** Such as `OrdersController.pay`. */
  place: string;
}

/** What the context of a GraphQL operation has, by the driver. */
interface GraphqlContext {
  req?: GraphqlRequest;
  request?: GraphqlRequest;
  res?: ContextResponse;
  reply?: ContextResponse & { request?: GraphqlRequest };
}

type GraphqlRequest = ContextRequest & { res?: ContextResponse };

type Given = Partial<Pick<Handled, 'params' | 'query' | 'body'>>;

/** @returns nothing for what is no call of its own: a field or a reference below the root of a GraphQL operation */
export function callOf(context: ExecutionContext): Call | undefined {
  const args: unknown[] = context.getArgs();
  const place = `${context.getClass().name}.${context.getHandler().name}`;
  switch (context.getType<ContextType | 'graphql'>()) {
    case 'http': {
      const http = context.switchToHttp();
      const request = http.getRequest<ContextRequest & Given>();
      const { params = {}, query = {}, body } = request;
      return { request, response: http.getResponse(), given: { request, params, query, body, args }, place };
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
        place,
      };
    }
    default:
      return {
        request: undefined,
        response: undefined,
        given: { request: undefined, params: {}, query: {}, body: undefined, args },
        place,
      };
  }
}
