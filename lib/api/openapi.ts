import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import type { Operation } from './schema/operations.js';
import type { SchemaObject } from './schema/schema.js';
import { QuestionQuery } from './statistics.query.js';

/**
 * Metadata keys of the decorators of `@nestjs/swagger`, the same in all versions since 7. The decorators are not used, because
 * loading the package takes about 0.2 s and 11 MB, also in hosts that never create a document.
 */
const KEYS = {
  exclude: 'swagger/apiExcludeController',
  tags: 'swagger/apiUseTags',
  models: 'swagger/apiExtraModels',
  operation: 'swagger/apiOperation',
  responses: 'swagger/apiResponse',
  parameters: 'swagger/apiParameters',
  /** Added to the schema of a model. */
  schema: 'swagger/apiExtension',
};

/** The mounted controllers of a registration. */
export interface Controllers {
  described: Type<object>[];
  hidden: Type<object>[];
}

/**
 * Describes the routes for `@nestjs/swagger`. Nest awaits it before the application is created, so before the host can create
 * the document.
 */
export async function describeRoutes({ described, hidden }: Controllers): Promise<void> {
  const { operations } = await import('./schema/operations.js');
  const { components } = await import('./schema/schema.js');
  for (const controller of hidden) Reflect.defineMetadata(KEYS.exclude, [true], controller);
  const models = [...components].map(([name, schema]) => createModel(name, schema));
  for (const controller of described) {
    // Tags of the host take precedence.
    if (!Reflect.hasMetadata(KEYS.tags, controller))
      Reflect.defineMetadata(KEYS.tags, ['djaffar'], controller);
    Reflect.defineMetadata(KEYS.models, models, controller);
    const { prototype }: { prototype: object } = controller;
    for (const [name, operation] of Object.entries(operations)) {
      const handler: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      if (typeof handler === 'function') describe(handler, name, operation);
    }
  }
}

function describe(handler: object, name: string, { responses, query, ...operation }: Operation): void {
  // This route accepts every method to answer 405. Swagger would describe all of them; this overrides it.
  const only = name === 'track' ? { method: 'post', operationId: 'TrackController_track' } : {};
  Reflect.defineMetadata(KEYS.operation, { ...operation, ...only }, handler);
  Reflect.defineMetadata(KEYS.responses, responses, handler);
  Reflect.defineMetadata(KEYS.parameters, query ? describeParameters(query) : [], handler);
}

/** Returns a function that represents a component of the document, as a class would. */
function createModel(name: string, schema: SchemaObject): () => void {
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
  Reflect.defineMetadata(KEYS.schema, raw, model);
  return model;
}

interface Parameter {
  in: 'query';
  name: string;
  required: boolean;
  description: string;
  schema: SchemaObject;
  example?: unknown;
}

/** Returns the parameters by the rules of class-validator. Those that all questions share are last. */
function describeParameters({ rules, parameters }: NonNullable<Operation['query']>): Parameter[] {
  const common = new Set(rules === QuestionQuery ? [] : namesIn(QuestionQuery));
  const names = namesIn(rules).filter((name) => name in parameters);
  names.sort((a, b) => Number(common.has(a)) - Number(common.has(b)));
  return names.map((name) => {
    const kinds = readKinds(rules, name);
    const { description = '', example, ...more } = parameters[name] ?? {};
    return {
      in: 'query',
      name,
      required: !kinds.has('isOptional'),
      description,
      schema: { ...toSchema(kinds), ...more },
      ...(example !== undefined && { example }),
    };
  });
}

const readRules = (dto: Type) => getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);

const namesIn = (dto: Type): string[] => [...new Set(readRules(dto).map(({ propertyName }) => propertyName))];

type Kinds = Map<string, { constraints?: unknown[] | undefined }>;

const readKinds = (dto: Type, name: string): Kinds =>
  new Map(
    readRules(dto)
      .filter(({ propertyName }) => propertyName === name)
      .map((rule) => [rule.name ?? rule.type, rule]),
  );

function toSchema(kinds: Kinds): SchemaObject {
  const allowed: unknown = kinds.get('isIn')?.constraints?.[0];
  if (Array.isArray(allowed)) return { type: 'string', enum: [...allowed] };
  if (kinds.has('isInt')) return { type: 'integer' };
  if (kinds.has('isNumber')) return { type: 'number' };
  if (kinds.has('isBoolean')) return { type: 'boolean' };
  // Parameters with JSON are strings too: few clients can serialize objects into a query string.
  return { type: 'string' };
}
