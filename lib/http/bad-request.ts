import { BadRequestException, type ValidationError } from '@nestjs/common';
import type { Faults } from '../activity/check.js';

/** What every route answers with status 400. */
export interface BadRequestBody {
  statusCode: number;
  error: string;
  /** Everything that is wrong. */
  message: string[];
  /** The same by the name of the property or parameter. */
  errors: Faults;
}

/** The answer to a request in which something is wrong. */
export function badRequest(errors: Faults): BadRequestException {
  return new BadRequestException({
    statusCode: 400,
    error: 'Bad Request',
    message: Object.values(errors).flat(),
    errors,
  } satisfies BadRequestBody);
}

/** The same for what a `ValidationPipe` finds. */
export function badQuery(found: ValidationError[]): BadRequestException {
  return badRequest(
    Object.fromEntries(found.map(({ property, constraints = {} }) => [property, Object.values(constraints)])),
  );
}
