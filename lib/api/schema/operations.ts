import type { Type } from '@nestjs/common';
import { ActivitiesQuery, ExportQuery } from '../activities.query.js';
import { HealthQuery } from '../health.query.js';
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
import { health } from './health.js';
import * as parameters from './parameters.js';
import type { Schema, SchemaObject } from './schema.js';
import * as results from './statistics.js';
import { trackBody } from './tracking.js';

interface Response {
  description: string;
  content?: Record<string, { schema: SchemaObject }>;
  headers?: Record<string, { description: string; schema: SchemaObject }>;
}

type Responses = Record<number, Response>;

/** The description of a handler in the OpenAPI document. */
export interface Operation {
  summary: string;
  description?: string;
  responses: Responses;
  /** The class whose decorators validate the query, and the descriptions of its parameters. */
  query?: { rules: Type; parameters: Record<string, SchemaObject> };
  requestBody?: { required: boolean; content: Record<string, { schema: SchemaObject }> };
}

const json = (description: string, { json: schema }: Pick<Schema<unknown>, 'json'>): Response => ({
  description,
  content: { 'application/json': { schema } },
});

/** A 503 with `Retry-After`. */
const unavailable = (description: string): Response => ({
  ...json(description, error),
  headers: {
    'Retry-After': {
      description: 'Seconds after which to send the request again.',
      schema: { type: 'integer', minimum: 1 },
    },
  },
});

const commonErrors: Responses = {
  400: json('The request is invalid; the answer lists every error.', badRequest),
  401: json('Not logged in, or a token that no guard accepts.', error),
  429: json('Too many requests, if you limit their rate.', error),
};

const apiErrors: Responses = {
  ...commonErrors,
  403: json('The guards do not accept this user.', error),
  503: unavailable('The database does not answer in time, or too many questions wait.'),
};

const questionParameters = { ...parameters };
const questionResults = { ...results };

/** The operation of a question of `ActivityStats`, whose parameters and result have its name. */
const question = (
  name: keyof typeof questionResults & keyof typeof questionParameters,
  rules: Type,
  summary: string,
  result: string,
): Record<string, Operation> => ({
  [name]: {
    summary,
    query: { rules, parameters: questionParameters[name] },
    responses: { 200: json(result, questionResults[name]), ...apiErrors },
  },
});

/** Operations by the name of their handler, in any controller. */
export const operations: Record<string, Operation> = {
  track: {
    summary: 'Store activities',
    description:
      'Stores one activity, or up to 100. The cookie contains their session. Sending the same ids again is safe.',
    requestBody: {
      required: true,
      content: Object.fromEntries(Object.entries(trackBody).map(([type, schema]) => [type, { schema }])),
    },
    responses: {
      204: { description: 'All are committed to the database.' },
      ...commonErrors,
      413: json('The body is larger than 64 KiB.', error),
      415: json('The body has another media type.', error),
      422: json('This database can never store it: do not send it again.', error),
      503: unavailable('The database cannot store it in time. Send it again, with the same ids.'),
    },
  },

  find: {
    summary: 'List activities',
    description: 'Activities with their sessions, in pages that stay stable while new ones arrive.',
    query: { rules: ActivitiesQuery, parameters: parameters.activities },
    responses: { 200: json('One page.', activities), ...apiErrors },
  },

  export: {
    summary: 'Export activities',
    description:
      'All activities that match, the oldest first, as a download of any size. If it fails, the connection breaks: resume ' +
      'with `after`.',
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
      ...apiErrors,
    },
  },

  report: {
    summary: 'Why activities arrive, or not',
    description:
      'What was stored, refused, dropped and marked by hour, by all instances; and what this instance knows. Only for requests that may see all activities.',
    query: { rules: HealthQuery, parameters: parameters.health },
    responses: { 200: json('The health of the app.', health), ...apiErrors },
  },

  ...question(
    'overview',
    OverviewQuery,
    'Users, sessions, visits, activities, views, bounce rate and visit duration',
    'The figures.',
  ),
  ...question('series', SeriesQuery, 'A measure over time', 'A value for each interval.'),
  ...question('top', TopQuery, 'The most frequent values of a dimension', 'The values.'),
  ...question('live', LiveQuery, 'Current visitors', 'Counts and visitors of the last minutes.'),
  ...question(
    'funnel',
    FunnelQuery,
    'How many visitors did the steps in their order',
    'The visitors of each step.',
  ),
  ...question('retention', RetentionQuery, 'How many visitors come back', 'The cohorts.'),
  ...question(
    'journeys',
    JourneysQuery,
    'The most frequent paths from or to a page',
    'Pages, and the links between them.',
  ),
  ...question('visits', VisitsQuery, 'List visits with their activities', 'One page.'),
};
