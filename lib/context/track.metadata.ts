import type { ExecutionContext } from '@nestjs/common';
import type { Subject } from '../activity/subject.js';
import type { Properties } from '../activity/activity.js';

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

export const HANDLED = Symbol('Djaffar @Track');
export const IGNORED = Symbol('Djaffar @NoTrack');

/** The name and options of `@Track`. */
export interface HandlerTracking {
  name: string;
  when?: 'success' | 'always' | undefined;
  await?: boolean | undefined;
  interactive?: boolean | undefined;
  properties?: ((handled: Handled) => Properties | undefined) | undefined;
  subject?: ((handled: Handled) => Subject | undefined) | undefined;
}

/** @returns the options of `@Track`, unless the handler has `@NoTrack` */
export function declaredTracking(context: ExecutionContext): HandlerTracking | undefined {
  const handler = context.getHandler();
  return Reflect.getMetadata(IGNORED, handler) ? undefined : Reflect.getMetadata(HANDLED, handler);
}

export function isIgnored(context: ExecutionContext): boolean {
  return [context.getHandler(), context.getClass()].some((target) => Reflect.getMetadata(IGNORED, target));
}

/** Whether the handler answers with server-sent events. */
export function isStream(context: ExecutionContext): boolean {
  return Reflect.getMetadata('__sse__', context.getHandler()) === true;
}
