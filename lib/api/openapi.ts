import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { NewActivity } from '../activity/new-activity.js';
import { TrackController } from '../tracking/track.controller.js';
import { ActivitiesController } from './activities.controller.js';
import { ActivitiesQuery } from './activities.query.js';
import { StatisticsController } from './statistics.controller.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  OverviewQuery,
  QuestionQuery,
  RetentionQuery,
  SeriesQuery,
  TopQuery,
  VisitsQuery,
} from './statistics.query.js';

const ROUTES: [controller: Type, handler: string, query: Type, summary: string][] = [
  [ActivitiesController, 'find', ActivitiesQuery, 'Activities with their sessions, in pages'],
  [
    StatisticsController,
    'overview',
    OverviewQuery,
    'Users, sessions, visits, activities, views, bounce rate, visit duration',
  ],
  [StatisticsController, 'series', SeriesQuery, 'A measure over time'],
  [StatisticsController, 'top', TopQuery, 'The commonest values of a dimension'],
  [StatisticsController, 'live', LiveQuery, 'Who is there now'],
  [StatisticsController, 'funnel', FunnelQuery, 'How many visitors did the steps in their order'],
  [StatisticsController, 'retention', RetentionQuery, 'How many come back'],
  [StatisticsController, 'journeys', JourneysQuery, 'The commonest ways from or to a path'],
  [StatisticsController, 'visits', VisitsQuery, 'Visits with their activities, in pages'],
];

interface Schema {
  type: string;
  description?: string;
  enum?: unknown[];
  maxLength?: number;
  format?: string;
}

/**
 * Describes the routes for `@nestjs/swagger`, where the host has it. Nest waits for it before the application is
 * created, hence before the host can ask for the document.
 * @param hidden controllers that are for the page alone
 */
export async function describeRoutes(hidden: Type[]): Promise<void> {
  let swagger: typeof import('@nestjs/swagger');
  try {
    swagger = await import('@nestjs/swagger');
  } catch {
    return;
  }
  const { ApiBody, ApiExcludeController, ApiOperation, ApiQuery, ApiResponse, ApiTags } = swagger;
  for (const controller of hidden) ApiExcludeController()(controller);
  for (const controller of [ActivitiesController, StatisticsController, TrackController])
    ApiTags('djaffar')(controller);
  for (const [controller, handler, query, summary] of ROUTES) {
    const parameters = propertiesOf(query).map(([name, isRequired, schema]) =>
      ApiQuery({ name, required: isRequired, schema }),
    );
    decorate(controller, handler, [ApiOperation({ summary }), ApiResponse({ status: 200 }), ...parameters]);
  }
  const activity = {
    type: 'object',
    required: ['date'],
    properties: Object.fromEntries(propertiesOf(NewActivity).map(([name, , schema]) => [name, schema])),
  };
  const sentAt = { type: 'string', format: 'date-time' };
  const batch = {
    type: 'object',
    required: ['activities'],
    properties: { sentAt, activities: { type: 'array', maxItems: 100, items: activity } },
  };
  const one = { ...activity, properties: { ...activity.properties, sentAt } };
  decorate(TrackController, 'track', [
    ApiOperation({ summary: 'Stores activities; by POST alone, any other method is answered 405' }),
    ApiBody({ schema: { oneOf: [one, batch] } }),
    ApiResponse({ status: 204, description: 'committed to the database' }),
    ApiResponse({ status: 400, description: 'what is wrong stands in "errors", by property' }),
    ApiResponse({ status: 401, description: 'a bearer token that no guard accepts' }),
    ApiResponse({ status: 503, description: 'to be sent again, with the same ids' }),
  ]);
}

function decorate(controller: Type, handler: string, decorators: MethodDecorator[]): void {
  const { prototype }: { prototype: object } = controller;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, handler);
  if (!descriptor) throw new Error(`Djaffar: ${controller.name} has no ${handler}`);
  for (const each of decorators) each(prototype, handler, descriptor);
}

/** As class-validator knows them. */
function propertiesOf(dto: Type): [name: string, isRequired: boolean, schema: Schema][] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const names = [...new Set(rules.map(({ propertyName }) => propertyName))];
  // What is common to all questions comes last.
  const common = new Set(
    dto === QuestionQuery
      ? []
      : getMetadataStorage()
          .getTargetValidationMetadatas(QuestionQuery, '', false, false)
          .map(({ propertyName }) => propertyName),
  );
  names.sort((a, b) => Number(common.has(a)) - Number(common.has(b)));
  return names.map((name) => {
    const own = rules.filter(({ propertyName }) => propertyName === name);
    const kinds = new Map(own.map((rule) => [rule.name ?? rule.type, rule]));
    return [name, !kinds.has('conditionalValidation') && !kinds.has('isOptional'), schemaOf(kinds)];
  });
}

function schemaOf(kinds: Map<string, { constraints?: unknown[] | undefined }>): Schema {
  const allowed: unknown = kinds.get('isIn')?.constraints?.[0];
  if (Array.isArray(allowed)) return { type: 'string', enum: [...allowed] };
  if (kinds.has('isInt')) return { type: 'integer' };
  if (kinds.has('isNumber')) return { type: 'number' };
  if (kinds.has('isBoolean')) return { type: 'boolean' };
  if (kinds.has('properties')) return { type: 'object' };
  if (kinds.has('textOrNone')) return { type: 'string', description: 'empty for none' };
  if (kinds.has('isoDate')) return { type: 'string', format: 'date-time' };
  return { type: 'string' };
}
