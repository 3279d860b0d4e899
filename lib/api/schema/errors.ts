import type { BadRequestBody } from '../../http/bad-request.js';
import { array, component, freeForm, integer, object, optional, text } from './schema.js';

/** The body of the answers to exceptions of Nest. */
interface ErrorBody {
  statusCode: number;
  message: string;
  error?: string;
}

export const error = component(
  'DjaffarError',
  object<ErrorBody>(
    {
      statusCode: integer('The status of the answer.', { example: 503 }),
      message: text('What is wrong.', { example: 'the database does not answer' }),
      error: optional(text('The name of the status.', { example: 'Service Unavailable' })),
    },
    'An error, unless your exception filters answer something else.',
  ),
);

const EXAMPLE = 'limit must be a whole number from 1 to 1000';

export const badRequest = component(
  'DjaffarBadRequest',
  object<BadRequestBody>(
    {
      statusCode: integer('Always 400.', { example: 400 }),
      error: text('The name of the status.', { example: 'Bad Request' }),
      message: array(text('One thing that is wrong.'), 'Everything that is wrong.', { example: [EXAMPLE] }),
      errors: freeForm('The same by the name of the property or parameter.', {
        additionalProperties: { type: 'array', items: { type: 'string' } },
        example: { limit: [EXAMPLE] },
      }),
    },
    'Something in the request is wrong.',
  ),
);
