import type { Type } from '@nestjs/common';
import { ActivitiesQuery, ExportQuery } from '../activities.query.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  OverviewQuery,
  RetentionQuery,
  SeriesQuery,
  TopQuery,
  VisitsQuery,
} from '../statistics.query.js';
import { activities, activity } from './activities.js';
import { badRequest, error } from './errors.js';
import * as parameters from './parameters.js';
import type { Schema, SchemaObject } from './schema.js';
import * as answers from './statistics.js';
import { trackBody } from './tracking.js';

/** A response of an operation. */
interface Answer {
  description: string;
  content?: Record<string, { schema: SchemaObject }>;
  headers?: Record<string, { description: string; schema: SchemaObject }>;
}

const json = (description: string, { json: schema }: Pick<Schema<unknown>, 'json'>): Answer => ({
  description,
  content: { 'application/json': { schema } },
});

const retryAfter = {
  'Retry-After': {
    description: 'Seconds after which to ask again.',
    schema: { type: 'integer', minimum: 1 } satisfies SchemaObject,
  },
};

const common: Record<number, Answer> = {
  400: json('Something is wrong; everything that is wrong is named.', badRequest),
  401: json('Not logged in, or a token that no guard accepts.', error),
  429: json('Too many requests, if you limit their rate.', error),
};

const reading: Record<number, Answer> = {
  ...common,
  403: json('The guards do not let this user in.', error),
  503: {
    ...json('The database does not answer in time, or too many questions wait.', error),
    headers: retryAfter,
  },
};

const answered = (description: string, schema: Pick<Schema<unknown>, 'json'>): Record<number, Answer> => ({
  200: json(description, schema),
  ...reading,
});

/** The description of a handler in the OpenAPI document. */
export interface Operation {
  summary: string;
  description?: string;
  responses: Record<number, Answer>;
  /** The class whose decorators validate the query, and what they do not describe. */
  query?: { rules: Type; parameters: Record<string, SchemaObject> };
  requestBody?: { required: boolean; content: Record<string, { schema: SchemaObject }> };
}

/** Operations by the name of their handler, in any controller. */
export const operations: Record<string, Operation> = {
  track: {
    summary: 'Store activities',
    description:
      'Stores one activity, or up to 100. The cookie says which session they belong to. Sending the same ids again is safe.',
    requestBody: {
      required: true,
      content: Object.fromEntries(Object.entries(trackBody).map(([type, schema]) => [type, { schema }])),
    },
    responses: {
      204: { description: 'All are committed to the database.' },
      ...common,
      413: json('The body takes more than 64 KiB.', error),
      415: json('The body has another media type.', error),
      422: json('This database can never store it: do not send it again.', error),
      503: {
        ...json('The database cannot store it in time. Send it again, with the same ids.', error),
        headers: retryAfter,
      },
    },
  },
  find: {
    summary: 'List activities',
    description: 'Activities with their sessions, in pages that stay stable while new ones arrive.',
    query: { rules: ActivitiesQuery, parameters: parameters.activities },
    responses: answered('One page.', activities),
  },
  export: {
    summary: 'Export activities',
    description:
      'All activities that match, the oldest first, as a download of any size. If something fails on the way, the ' +
      'connection breaks: resume with `after`.',
    query: { rules: ExportQuery, parameters: parameters.exported },
    responses: {
      200: {
        description: 'The activities, each with its session.',
        content: {
          'application/x-ndjson': { schema: { type: 'string', description: 'A `DjaffarActivity` a line.' } },
          'text/csv': { schema: { type: 'string', description: 'A header, then an activity a line.' } },
          'application/json': { schema: { type: 'array', items: activity.json } },
        },
      },
      ...reading,
    },
  },
  overview: {
    summary: 'Main figures',
    description: 'Users, sessions, visits, activities, views, bounce rate and visit duration.',
    query: { rules: OverviewQuery, parameters: parameters.overview },
    responses: answered('The figures.', answers.overview),
  },
  series: {
    summary: 'A measure over time',
    query: { rules: SeriesQuery, parameters: parameters.series },
    responses: answered('A value for each interval.', answers.series),
  },
  top: {
    summary: 'The most frequent values of a dimension',
    query: { rules: TopQuery, parameters: parameters.top },
    responses: answered('The values.', answers.top),
  },
  live: {
    summary: 'Who is there now',
    query: { rules: LiveQuery, parameters: parameters.live },
    responses: answered('Counts and visitors of the last minutes.', answers.live),
  },
  funnel: {
    summary: 'How many visitors did the steps in their order',
    query: { rules: FunnelQuery, parameters: parameters.funnel },
    responses: answered('The visitors of each step.', answers.funnel),
  },
  retention: {
    summary: 'How many visitors come back',
    query: { rules: RetentionQuery, parameters: parameters.retention },
    responses: answered('The cohorts.', answers.retention),
  },
  journeys: {
    summary: 'The most frequent paths from or to a page',
    query: { rules: JourneysQuery, parameters: parameters.journeys },
    responses: answered('Pages, and the links between them.', answers.journeys),
  },
  visits: {
    summary: 'List visits with their activities',
    query: { rules: VisitsQuery, parameters: parameters.visits },
    responses: answered('One page.', answers.visits),
  },
};
