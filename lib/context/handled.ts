/** What a handler was asked, and what it answered. */
export interface Handled<Result = unknown> {
  /** Express's or Fastify's; `undefined` for WebSocket gateways and microservices. */
  request: unknown;
  /** The parameters of the path; in GraphQL the arguments. */
  params: Record<string, string>;
  query: Record<string, unknown>;
  body: unknown;
  /** As Nest gives them to the handler's interceptors: for a gateway the client and the message. */
  args: unknown[];
  /** What the handler returned, after it was awaited. */
  result: Result;
  /** What the handler threw; only with `when: 'always'`. */
  error?: unknown;
}
