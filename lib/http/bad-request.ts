import { BadRequestException } from '@nestjs/common';

/** The body of every answer with status 400. */
export interface BadRequestBody {
  statusCode: number;
  error: string;
  /** Every error. */
  message: string[];
  /** The messages by the name of the property or parameter. */
  errors: Record<string, string[]>;
}

export function badRequest(errors: BadRequestBody['errors']): BadRequestException {
  return new BadRequestException({
    statusCode: 400,
    error: 'Bad Request',
    message: Object.values(errors).flat(),
    errors,
  } satisfies BadRequestBody);
}
