import { ValidationPipe } from '@nestjs/common';
import { badQuery } from '../http/bad-request.js';

/** Of every query of the API: what it does not know is wrong. */
export const queryPipe = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: badQuery,
});
