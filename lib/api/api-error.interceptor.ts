import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { catchError, type Observable } from 'rxjs';
import { DataSource } from 'typeorm';
import { InvalidFilterError } from '../activity/activity.filter.js';
import { connectionsOf, UNREADABLE } from '../database/connections.js';
import { UnavailableError } from '../database/unavailable.error.js';
import { unavailableAfter } from '../database/unavailable.js';
import { DATA_SOURCE } from '../options/settings.js';
import { badRequest } from '../http/bad-request.js';

/** Seconds. */
const RETRY_AFTER = '5';

/**
 * A filter that cannot be understood is the client's fault (400); a database that does not answer is nobody's (503). What
 * that looks like is for the host's exception filters.
 */
@Injectable()
export class ApiErrorInterceptor implements NestInterceptor {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (error instanceof InvalidFilterError) throw badRequest({ [error.property]: [error.message] });
        const unavailable =
          error instanceof HttpException ? undefined : unavailableAfter(this.dataSource, error);
        if (!unavailable) throw error;
        // What the limits for questions refuse has been reported.
        if (!(error instanceof UnavailableError)) {
          const reason = unavailable.message;
          connectionsOf(this.dataSource).incidents.failed(UNREADABLE, { code: reason, reason }, 'warn');
        }
        const response = context.switchToHttp().getResponse<object>();
        this.adapterHost.httpAdapter.setHeader(response, 'Retry-After', RETRY_AFTER);
        throw new ServiceUnavailableException(unavailable.message, { cause: error });
      }),
    );
  }
}
