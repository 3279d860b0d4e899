import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import type { Operation } from './schema/operations.js';
import type { SchemaObject } from './schema/schema.js';
import { QuestionQuery } from './statistics.query.js';

/** `@nestjs/swagger` adds what it finds under this key of a class to the schema of the class, in all versions since 7. */
const RAW_SCHEMA = 'swagger/apiExtension';

type Swagger = typeof import('@nestjs/swagger');

/** The controllers of a registration, as they are mounted. */
export interface Controllers {
  described: Type<object>[];
  hidden: Type<object>[];
}

/**
 * Describes the routes for `@nestjs/swagger`, if the host has it. Nest waits for it before the application is
 * created, hence before the host can ask for the document.
 */
export async function describeRoutes({ described, hidden }: Controllers): Promise<void> {
  let swagger: Swagger;
  try {
    swagger = await import('@nestjs/swagger');
  } catch {
    return;
  }
  // Loaded only here, because most hosts have no document.
  const { operations } = await import('./schema/operations.js');
  const { components } = await import('./schema/schema.js');
  for (const controller of hidden) swagger.ApiExcludeController()(controller);
  const models = [...components].map(([name, schema]) => modelOf(name, schema));
  for (const controller of described) {
    swagger.ApiTags('djaffar')(controller);
    swagger.ApiExtraModels(...models)(controller);
    const { prototype }: { prototype: object } = controller;
    for (const [handler, operation] of Object.entries(operations)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, handler);
      if (!descriptor) continue;
      for (const decorate of decoratorsOf(swagger, handler, operation))
        decorate(prototype, handler, descriptor);
    }
  }
}

/** What stands for a component of the document, as a class would. */
function modelOf(name: string, schema: SchemaObject): () => void {
  const model = Object.defineProperty(function (): void {}, 'name', { value: name });
  // A copy for each document: Swagger rewrites `nullable` in those of OpenAPI 3.1.
  const raw = Object.defineProperties(
    {},
    Object.fromEntries(
      Object.entries(schema).map(([key, value]) => [
        key,
        { enumerable: true, get: (): unknown => structuredClone(value) },
      ]),
    ),
  );
  Reflect.defineMetadata(RAW_SCHEMA, raw, model);
  return model;
}

function decoratorsOf(
  { ApiOperation, ApiQuery, ApiResponse }: Swagger,
  handler: string,
  { responses, query, ...operation }: Operation,
): MethodDecorator[] {
  // Its route takes every method, to answer 405. Swagger would describe each of them, but what is said here comes last.
  const only = handler === 'track' ? { method: 'post', operationId: 'TrackController_track' } : {};
  return [
    ApiOperation({ ...operation, ...only }),
    ...Object.entries(responses).map(([status, answer]) =>
      ApiResponse({ status: Number(status), ...answer }),
    ),
    ...(query ? parametersOf(query) : []).map((parameter) => ApiQuery(parameter)),
  ];
}

interface Parameter {
  name: string;
  required: boolean;
  description: string;
  schema: SchemaObject;
  example?: unknown;
}

/** Parameters by the rules of class-validator. Those that all questions have come last. */
function parametersOf({ rules, parameters }: NonNullable<Operation['query']>): Parameter[] {
  const common = new Set(rules === QuestionQuery ? [] : namesIn(QuestionQuery));
  const names = namesIn(rules).filter((name) => name in parameters);
  names.sort((a, b) => Number(common.has(a)) - Number(common.has(b)));
  return names.map((name) => {
    const kinds = kindsOf(rules, name);
    const { description = '', example, ...more } = parameters[name] ?? {};
    return {
      name,
      required: !kinds.has('isOptional'),
      description,
      schema: { ...schemaOf(kinds), ...more },
      ...(example !== undefined && { example }),
    };
  });
}

const rulesOf = (dto: Type) => getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);

const namesIn = (dto: Type): string[] => [...new Set(rulesOf(dto).map(({ propertyName }) => propertyName))];

type Kinds = Map<string, { constraints?: unknown[] | undefined }>;

const kindsOf = (dto: Type, name: string): Kinds =>
  new Map(
    rulesOf(dto)
      .filter(({ propertyName }) => propertyName === name)
      .map((rule) => [rule.name ?? rule.type, rule]),
  );

function schemaOf(kinds: Kinds): SchemaObject {
  const allowed: unknown = kinds.get('isIn')?.constraints?.[0];
  if (Array.isArray(allowed)) return { type: 'string', enum: [...allowed] };
  if (kinds.has('isInt')) return { type: 'integer' };
  if (kinds.has('isNumber')) return { type: 'number' };
  if (kinds.has('isBoolean')) return { type: 'boolean' };
  // What holds JSON is a text too: few clients can write objects into a query as the server reads them.
  return { type: 'string' };
}
