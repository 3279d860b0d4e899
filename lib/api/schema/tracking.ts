import type { Properties } from '../../activity/activity.js';
import {
  DEFAULT_NAME,
  MAX_NAME,
  MAX_PATH,
  MAX_ROUTE,
  type NewActivity,
} from '../../activity/new-activity.js';
import { MAX_DEPTH, MAX_PROPERTIES_BYTES } from '../../activity/properties.js';
import { MAX_ACTIVITIES, type TrackBatchDto, type TrackDto } from '../../tracking/track.dto.js';
import {
  array,
  component,
  dateTime,
  type Fields,
  freeForm,
  object,
  optional,
  type Schema,
  text,
} from './schema.js';

const fields: Fields<NewActivity> = {
  date: dateTime(
    'When it happened, by the clock of the client. ISO 8601; without an offset it is UTC. At most a day ahead.',
  ),
  path: optional(
    text('Where it was done. Default: the path of the `Referer` header.', {
      maxLength: MAX_PATH,
      example: '/pricing',
    }),
  ),
  route: optional(
    text('The pattern of the route, for a page that your server renders.', {
      maxLength: MAX_ROUTE,
      example: '/products/:id',
    }),
  ),
  referer: optional(text('Where the user came from.', { maxLength: MAX_PATH })),
  // The default is in the text, because generators treat a property with a default as required.
  name: optional(
    text(`What was done. Default: \`${DEFAULT_NAME}\`.`, { maxLength: MAX_NAME, example: 'bought' }),
  ),
  properties: optional(
    freeForm<Properties>(
      `Details: an object with any keys, at most ${MAX_PROPERTIES_BYTES} bytes as JSON and ${MAX_DEPTH} levels deep.`,
      { example: { plan: 'pro' } },
    ),
  ),
  id: optional(
    text('An id of your own (UUID of version 1 to 7). An activity that is sent again is stored once.', {
      format: 'uuid',
    }),
  ),
};

const sentAt = optional(
  dateTime(
    'The clock of the client when it sends. If it is given, `date` is corrected by the error of that clock.',
  ),
);

const activity = component(
  'DjaffarNewActivity',
  object<TrackDto>({ ...fields, sentAt }, 'One activity to store.'),
);

const batch = component(
  'DjaffarNewActivities',
  object<Omit<TrackBatchDto, 'activities'> & { activities: NewActivity[] }>(
    {
      activities: array(
        component('DjaffarNewActivityOfBatch', object<NewActivity>(fields, 'One of several activities.')),
        'All are stored, or none.',
        { minItems: 1, maxItems: MAX_ACTIVITIES },
      ),
      sentAt,
    },
    'Several activities to store.',
  ),
);

const form = component(
  'DjaffarNewActivityForm',
  object<Omit<TrackDto, 'properties'> & { properties?: string }>(
    {
      ...fields,
      properties: optional(
        text('Details: a JSON object as text.', {
          maxLength: MAX_PROPERTIES_BYTES,
          example: '{"plan":"pro"}',
        }),
      ),
      sentAt,
    },
    'One activity to store, as a form.',
  ),
);

/** The schema of each media type. */
export const trackBody: Record<string, Schema<unknown>['json']> = {
  'application/json': { oneOf: [activity.json, batch.json] },
  'application/x-www-form-urlencoded': form.json,
  'text/plain': {
    type: 'string',
    description: 'The text of either of the two, as `navigator.sendBeacon` sends it.',
    example: '{"date":"2026-11-01T12:00:00.000Z","path":"/pricing"}',
  },
};
