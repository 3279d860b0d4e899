import type { Properties } from './activity.js';

/**
 * The activities of your application: each name with the type of its properties. Without any, every name is allowed.
 * @example
 * declare module 'nestjs-djaffar/client' {
 *   interface Activities {
 *     'order.paid': { total: number };
 *   }
 * }
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- it is for hosts to fill
export interface Activities {}

/** The name of an activity. If {@link Activities} has names, only these are allowed. */
export type ActivityName = [keyof Activities] extends [never] ? string : Extract<keyof Activities, string>;

/** The arguments of `track` after the name: the properties, which are mandatory if one of them is. */
export type PropertiesOf<N extends ActivityName> = N extends keyof Activities
  ? // oxlint-disable-next-line typescript/no-generated-empty-object-type -- the question is if all properties are optional
    Record<never, never> extends Activities[N]
    ? [properties?: Activities[N]]
    : [properties: Activities[N]]
  : [properties?: Properties];
