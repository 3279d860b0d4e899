import type { AsOf } from '../../statistics/statistics.types.js';

/** A schema of OpenAPI 3.0. `@nestjs/swagger` converts `nullable` for documents of OpenAPI 3.1. */
export interface SchemaObject {
  $ref?: string;
  type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  description?: string;
  example?: unknown;
  default?: unknown;
  format?: string;
  pattern?: string;
  enum?: unknown[];
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  items?: SchemaObject;
  allOf?: SchemaObject[];
  oneOf?: SchemaObject[];
  required?: string[];
  properties?: Record<string, SchemaObject>;
  additionalProperties?: boolean | SchemaObject;
}

/**
 * The schema of a type. The compiler checks that the two agree: `object<Overview>({ … })` has to describe every property
 * of `Overview`, each with the schema of its own type.
 */
export class Schema<T> {
  /** Only for the compiler. A function, so that neither a wider nor a narrower type is accepted. */
  declare readonly type: (value: T) => T;

  constructor(readonly json: SchemaObject) {}
}

class Optional<T> {
  constructor(readonly schema: Schema<T>) {}
}

/** The type of a value in JSON. */
type Json<T> = T extends Date ? string : T;

/** A schema for each property of a type. */
export type Fields<T> = {
  [K in keyof T]-?: undefined extends T[K] ? Optional<Json<Exclude<T[K], undefined>>> : Schema<Json<T[K]>>;
};

/** Components of the document by their names, in the order in which they are defined. */
export const components = new Map<string, SchemaObject>();

/** For properties that may be missing. */
export function optional<T>(schema: Schema<T>): Optional<T> {
  return new Optional(schema);
}

export function object<T>(fields: Fields<T>, description?: string): Schema<T> {
  const entries: [string, Schema<unknown> | Optional<unknown>][] = Object.entries(fields);
  const required = entries.flatMap(([name, field]) => (field instanceof Optional ? [] : [name]));
  return new Schema({
    type: 'object',
    ...(description && { description }),
    // OpenAPI 3.0 allows no empty list.
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(
      entries.map(([name, field]) => [name, (field instanceof Optional ? field.schema : field).json]),
    ),
  });
}

/** Makes a schema a component of the document, so that clients have a type of its name. */
export function component<T>(name: string, schema: Schema<T>): Schema<T> {
  components.set(name, schema.json);
  return new Schema({ $ref: `#/components/schemas/${name}` });
}

export function text<T extends string = string>(description: string, more: SchemaObject = {}): Schema<T> {
  return new Schema({ type: 'string', description, ...more });
}

export function dateTime(description: string): Schema<string> {
  return text(description, { format: 'date-time', example: '2026-11-01T12:00:00.000Z' });
}

/** A date and time with the offset of the question's time zone. */
export function localTime(description: string): Schema<string> {
  return text(`${description} With the offset of the time zone.`, {
    format: 'date-time',
    example: '2026-11-01T12:00:00.000+01:00',
  });
}

export function oneOf<T extends string>(values: readonly T[], description: string): Schema<T> {
  return new Schema({ type: 'string', enum: [...values], description });
}

export function flag(description: string): Schema<boolean> {
  return new Schema({ type: 'boolean', description });
}

/** A number of things. */
export function count(description: string): Schema<number> {
  return integer(description, { minimum: 0 });
}

export function integer(description: string, more: SchemaObject = {}): Schema<number> {
  return new Schema({ type: 'integer', description, ...more });
}

export function number(description: string, more: SchemaObject = {}): Schema<number> {
  return new Schema({ type: 'number', description, ...more });
}

export function array<T>(items: Schema<T>, description: string, more: SchemaObject = {}): Schema<T[]> {
  return new Schema({ type: 'array', description, items: items.json, ...more });
}

/** An object with any keys. */
export function freeForm<T>(description: string, more: SchemaObject = {}): Schema<T> {
  return new Schema({ type: 'object', description, additionalProperties: true, ...more });
}

export function nullable<T>(schema: Schema<T>, description?: string): Schema<T | null> {
  const { json } = schema;
  const more = description === undefined ? {} : { description };
  // OpenAPI 3.0 allows no other property next to a reference.
  return new Schema(
    json.$ref === undefined
      ? { ...json, ...more, nullable: true }
      : { type: 'object', ...more, nullable: true, allOf: [json] },
  );
}

/** The result of a question, as a component of the document. */
export function result<T>(name: string, fields: Fields<T>, description: string): Schema<T> {
  return component(name, object<T>(fields, description));
}

const asOf = dateTime(
  'The result is exact for everything that was committed before this moment, by the clock of the database. It may contain some of what was committed later.',
);

export const moments: Fields<AsOf> = {
  asOf,
  frozenUntil: optional(
    dateTime(
      'Older activities were erased by the option `retention`, and the range begins before: its counts before this moment are those of then. Missing otherwise.',
    ),
  ),
};
