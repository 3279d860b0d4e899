import type { Properties } from './activity.js';

/**
 * The activities of your application: each name with the type of its properties. Without any, every name is allowed.
 * @example
 * declare module 'nestjs-djaffar' {
 *   interface Activities {
 *     'order.paid': { total: number };
 *   }
 * }
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- it is for hosts to fill
export interface Activities {}

/** The activities that the tracker stores automatically. */
type BuiltIn = 'view' | 'engagement' | 'outbound' | 'download';

/** The name of an activity. If {@link Activities} has names, only these and those of the tracker are allowed. */
export type ActivityName = [keyof Activities] extends [never]
  ? string
  : // oxlint-disable-next-line typescript/no-redundant-type-constituents -- hosts fill the interface
    Extract<keyof Activities, string> | BuiltIn;

/** The properties of an activity by its name. */
export type PropertiesOf<N extends ActivityName> = N extends keyof Activities ? Activities[N] : Properties;

/** A name with its properties, which are mandatory if one of them is. */
export type Named<N extends ActivityName = ActivityName> = N extends keyof Activities
  ? // oxlint-disable-next-line typescript/no-generated-empty-object-type -- the question is if all properties are optional
    { name: N } & (Record<never, never> extends Activities[N]
      ? { properties?: Activities[N] | undefined }
      : { properties: Activities[N] })
  : {
      /** At most 64 characters; default `view`. */
      name?: N | undefined;
      /** At most 4 KiB as JSON, 3 levels deep; integers up to ±(2^53 - 1). */
      properties?: Properties | undefined;
    };

/** The option `events`: a class with class-validator's decorators for each name. */
export type EventTypes = [keyof Activities] extends [never]
  ? Record<string, new () => object>
  : { [N in Extract<keyof Activities, string>]?: new () => Activities[N] };
