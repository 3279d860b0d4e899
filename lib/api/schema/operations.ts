import type { Type } from '@nestjs/common';
import { ActivitiesQuery, ExportQuery } from '../activities.query.js';
import { HealthQuery } from '../health.query.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  MeasureQuery,
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
import { funnel } from './funnel.js';
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

/** The operation of a question of `ActivityStats`. */
const question = (
  summary: string,
  rules: Type,
  descriptions: Record<string, SchemaObject>,
  description: string,
  result: Pick<Schema<unknown>, 'json'>,
): Operation => ({
  summary,
  query: { rules, parameters: descriptions },
  responses: { 200: json(description, result), ...apiErrors },
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

  overview: question(
    'Users, sessions, visits, activities, views, bounce rate and visit duration',
    OverviewQuery,
    parameters.overview,
    'The measures.',
    results.overview,
  ),
  series: question(
    'A measure over time',
    SeriesQuery,
    parameters.series,
    'A value for each interval.',
    results.series,
  ),
  measure: question(
    'An aggregate of numbers',
    MeasureQuery,
    parameters.measure,
    'The aggregate.',
    results.measure,
  ),
  top: question(
    'The most frequent values of a dimension',
    TopQuery,
    parameters.top,
    'The values.',
    results.top,
  ),
  live: question(
    'Current visitors',
    LiveQuery,
    parameters.live,
    'Counts and visitors of the last minutes.',
    results.live,
  ),
  funnel: question(
    'How many visitors did the steps in their order',
    FunnelQuery,
    parameters.funnel,
    'The visitors of each step.',
    funnel,
  ),
  retention: question(
    'How many visitors come back',
    RetentionQuery,
    parameters.retention,
    'The cohorts.',
    results.retention,
  ),
  journeys: question(
    'The most frequent paths from or to a page',
    JourneysQuery,
    parameters.journeys,
    'Pages, and the links between them.',
    results.journeys,
  ),
  visits: question(
    'List visits with their activities',
    VisitsQuery,
    parameters.visits,
    'One page.',
    results.visits,
  ),
};
