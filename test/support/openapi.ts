import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { type Operation, operations } from '../../lib/api/schema/operations.js';
import { components, type SchemaObject } from '../../lib/api/schema/schema.js';

/** Not strict, because of OpenAPI keywords that JSON schema does not have: `example`, and `nullable` next to a reference. */
const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema({
  $id: 'document',
  components: {
    schemas: Object.fromEntries([...components].map(([name, schema]) => [name, strictOf(schema)])),
  },
});
const validators = new Map<SchemaObject, ValidateFunction>();

/** Converts a schema to JSON schema without additional properties. */
function strictOf(schema: SchemaObject): object {
  if (schema.$ref !== undefined) return { $ref: `document${schema.$ref}` };
  const { example: _, items, properties, oneOf, allOf, ...rest } = schema;
  if (schema.nullable && allOf?.[0]) return { anyOf: [strictOf(allOf[0]), { type: 'null' }] };
  return {
    ...rest,
    ...(items && { items: strictOf(items) }),
    ...(oneOf && { oneOf: oneOf.map(strictOf) }),
    ...(properties && {
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, strictOf(property)]),
      ),
    }),
  };
}

/** Finds the operation of a request in the OpenAPI document, if there is one. */
function operationOf(method: string, pathname: string): Operation | undefined {
  const [, route = '', question = ''] =
    /\/djaffar\/(?:dashboard\/data\/)?(track|activities|activities\/export|health|stats\/(\w+))\/?$/.exec(
      pathname,
    ) ?? [];
  if (route === 'track') return method === 'POST' ? operations.track : undefined;
  if (method !== 'GET') return undefined;
  if (route === 'activities') return operations.find;
  if (route === 'health') return operations.report;
  return route === 'activities/export' ? operations.export : operations[question];
}

/** @throws Error if the OpenAPI document does not describe the answer */
export async function checkAnswer(method: string, url: string, response: Response): Promise<void> {
  const { pathname } = new URL(url);
  const operation = operationOf(method, pathname);
  if (!operation) return;
  // This host has the route elsewhere.
  if (response.status === 404) return;
  // The dashboard's guards may answer something else, such as a redirect to a login.
  if (pathname.includes('/dashboard/') && response.status !== 200) return;
  const answer = operation.responses[response.status];
  const said = `${method} ${pathname} answered ${response.status}`;
  if (!answer) throw new Error(`${said}, which the OpenAPI document does not describe`);
  const type = response.headers.get('Content-Type')?.split(';', 1)[0] ?? '';
  const content = answer.content?.[type];
  if (!content) {
    if (answer.content) throw new Error(`${said} as ${type}, which the OpenAPI document does not describe`);
    return;
  }
  for (const name of Object.keys(answer.headers ?? {}))
    if (!response.headers.has(name)) throw new Error(`${said} without ${name}`);
  if (type !== 'application/json') return;
  const { schema } = content;
  const validate = validators.get(schema) ?? ajv.compile(strictOf(schema));
  validators.set(schema, validate);
  const body: unknown = await response.clone().json();
  if (!validate(body))
    throw new Error(
      `${said} otherwise than the OpenAPI document describes: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`,
    );
}
