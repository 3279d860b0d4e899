import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import { InvalidFilterError } from '../activity/activity.filter.js';

/** A filter that cannot be understood is the client's fault; what that looks like is for the host's exception filters. */
@Injectable()
export class BadFilterInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw error instanceof InvalidFilterError ? new BadRequestException(error.message) : error;
      }),
    );
  }
}
