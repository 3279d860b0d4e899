import { ValidationPipe } from '@nestjs/common';
import { badRequest } from '../http/bad-request.js';

/** Reads the query of every route of the API. An unknown parameter is an error. */
export const queryPipe = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: (errors) =>
    badRequest(
      Object.fromEntries(
        errors.map(({ property, constraints = {} }) => [property, Object.values(constraints)]),
      ),
    ),
});
