import { UseInterceptors } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ActivityName, PropertiesOf } from '../activity/activities.js';
import type { Subject } from '../activity/subject.js';
import { type Handled, HANDLED, IGNORED } from './track.metadata.js';
import { TrackInterceptor } from './track.interceptor.js';

interface CommonOptions {
  /**
   * Whether the answer waits until the activity is committed. It is 503 if the database does not store the activity in time.
   * An activity that can never be stored is logged, and the answer is the handler's. Has no effect on `@Sse`.
   * In gateways and microservices, each value of an `Observable` is sent when the next one comes, and the last one after the commit; so it is not
   * for one that does not complete.
   * @defaultValue false
   */
  await?: boolean | undefined;
  /**
   * Whether a visit with this and one other activity is no longer a bounce.
   * @defaultValue false
   */
  interactive?: boolean | undefined;
}

interface OptionsOf<N extends ActivityName, Result> extends CommonOptions {
  /** The properties of the activity, from the parameters, the body and the handler's result. */
  properties?: ((handled: Handled<Result>) => PropertiesOf<N> | undefined) | undefined;
  /** The object of the activity, such as an order. */
  subject?: ((handled: Handled<Result>) => Subject | undefined) | undefined;
}

/** @see Track */
export interface TrackHandlerOptions<
  N extends ActivityName = ActivityName,
  Result = unknown,
> extends OptionsOf<N, Result> {
  /** @defaultValue 'success' */
  when?: 'success' | undefined;
}

/** @see Track */
export interface TrackAlwaysOptions<
  N extends ActivityName = ActivityName,
  Result = unknown,
> extends OptionsOf<N, Result | undefined> {
  /** Also tracks failures, with the property `status`: that of an `HttpException`, or 500. */
  when: 'always';
}

/** Whether the activity has a property that is mandatory. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- the question is if all properties are optional
type HasMandatory<N extends ActivityName> = Record<never, never> extends PropertiesOf<N> ? false : true;

/** Options that have `properties`, if the activity needs some. */
type Complete<N extends ActivityName, Options> =
  HasMandatory<N> extends true ? Options & { properties: unknown } : Options;

/** The arguments of {@link Track} after the name. */
type OptionsArguments<N extends ActivityName, Options> =
  HasMandatory<N> extends true ? [options: Complete<N, Options>] : [options?: Options];

/** A method with this result. */
type Handler<Result> = (...args: never[]) => Result | Promise<Result> | Observable<Result>;

type HandlerDecorator<Result> = <H extends Handler<Result>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<H>,
) => void;

/**
 * Tracks an activity whenever the handler has succeeded, with the request's user, session and visit. It
 * works on handlers of HTTP controllers, GraphQL operations, WebSocket gateways and microservices, and does not need the
 * option `requestContext`. The request neither fails nor waits, unless `await` is set: errors are counted and logged.
 * @example
 * \@Post(':id/pay')
 * \@Track('order.paid', { subject: ({ params }) => ['order', params.id] })
 * pay(\@Param('id') id: string) { … }
 */
export function Track<N extends ActivityName, Result = unknown>(
  name: N,
  ...options: OptionsArguments<N, TrackHandlerOptions<N, Result>>
): HandlerDecorator<Result>;
export function Track<N extends ActivityName, Result = unknown>(
  name: N,
  options: Complete<N, TrackAlwaysOptions<N, Result>>,
): HandlerDecorator<Result>;
export function Track(name: string, options: object = {}): HandlerDecorator<unknown> {
  return (target, key, descriptor) => {
    if (descriptor.value) Reflect.defineMetadata(HANDLED, { name, ...options }, descriptor.value);
    UseInterceptors(TrackInterceptor)(target, key, descriptor);
  };
}

/** Excludes a handler or a controller from the option `requests`. On a handler it also disables `@Track`. */
export function NoTrack(): ClassDecorator & MethodDecorator {
  return (target: object, _key?: string | symbol, descriptor?: { value?: unknown }) => {
    const { value = target } = descriptor ?? {};
    if (typeof value === 'function') Reflect.defineMetadata(IGNORED, true, value);
  };
}
