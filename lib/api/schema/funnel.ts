import { MAX_FILTER_PROPERTIES } from '../../activity/activity.filter.js';
import { MAX_VALUES, type PropertyFilters } from '../../activity/condition.js';
import { MAX_NAME, MAX_ROUTE } from '../../activity/new-activity.js';
import { MAX_FUNNEL_STEPS } from '../../statistics/parameter-bounds.js';
import type { Funnel, FunnelStep } from '../../statistics/statistics.types.js';
import {
  moments,
  result,
  array,
  component,
  count,
  freeForm,
  object,
  optional,
  Schema,
  type SchemaObject,
} from './schema.js';

const list = (item: SchemaObject): SchemaObject => ({
  type: 'array',
  minItems: 1,
  maxItems: MAX_VALUES,
  items: item,
});

/** A value, a list of values, or conditions. */
const matching = <T>(
  description: string,
  value: SchemaObject,
  more: Record<string, SchemaObject> = {},
): Schema<T> =>
  new Schema({
    description,
    oneOf: [
      value,
      list(value),
      {
        type: 'object',
        properties: {
          not: { oneOf: [value, list(value)] },
          startsWith: { type: 'string', minLength: 1 },
          ...more,
        },
        additionalProperties: false,
      },
    ],
  });

const propertyValue: SchemaObject = { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] };

const step = component(
  'DjaffarFunnelStep',
  object<FunnelStep>(
    {
      path: optional(
        matching('A page, or the beginning of pages with a trailing `*`.', {
          type: 'string',
          example: '/pricing',
        }),
      ),
      route: optional(
        matching('The pattern of a route, or the beginning of patterns with a trailing `*`.', {
          type: 'string',
          maxLength: MAX_ROUTE + 1,
          example: '/orders/:id',
        }),
      ),
      name: optional(matching('What was done.', { type: 'string', maxLength: MAX_NAME, example: 'bought' })),
      properties: optional(
        freeForm<PropertyFilters>('Each key has this value.', {
          maxProperties: MAX_FILTER_PROPERTIES,
          additionalProperties: matching<unknown>('A value, several, or conditions.', propertyValue, {
            gte: { type: 'number' },
            lte: { type: 'number' },
          }).json,
          example: { plan: 'pro' },
        }),
      ),
    },
    'An activity that has all of these; at least one is given.',
  ),
);

export const funnel = result<Funnel>(
  'DjaffarFunnel',
  {
    ...moments,
    steps: array(
      object({
        step,
        visitors: count('How many visitors did this step.'),
        stopped: count('How many of them did not do the next step; 0 for the last step.'),
      }),
      'In the order of the question.',
      { minItems: 1, maxItems: MAX_FUNNEL_STEPS },
    ),
  },
  'How many visitors did the steps in their order.',
);
