/** The input and the result of a handler. */
export interface Handled<Result = unknown> {
  /** The request of Express or Fastify; `undefined` for WebSocket gateways and microservices. */
  request: unknown;
  /** The parameters of the path; in GraphQL the arguments. */
  params: Record<string, string>;
  query: Record<string, unknown>;
  body: unknown;
  /** The arguments that Nest passes to interceptors of the handler: for a gateway, the client and the message. */
  args: unknown[];
  /** The awaited return value of the handler. */
  result: Result;
  /** The error that the handler threw; only with `when: 'always'`. */
  error?: unknown;
}
