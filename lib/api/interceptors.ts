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
import { InvalidFilterError } from '../activity/activity.filter.js';
import { AbandonedError, observableCancelledBy } from '../store/cancellation.js';
import type { Store } from '../store/store.js';
import { badRequest } from '../http/bad-request.js';
import type { StreamResponse } from '../http/response-streams.js';
import { STORE } from '../options/settings.js';

/** Seconds. */
const RETRY_AFTER = '5';

/**
 * Answers 400 to an invalid filter, and 503 if the database does not answer. The host's exception filters decide how the
 * answer looks.
 */
@Injectable()
export class ApiErrorInterceptor implements NestInterceptor {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(STORE) private readonly store: Pick<Store, 'toUnavailable'>,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (error instanceof InvalidFilterError) throw badRequest({ [error.property]: [error.message] });
        const unavailable = error instanceof HttpException ? undefined : this.store.toUnavailable(error);
        if (!unavailable) throw error;
        const response = context.switchToHttp().getResponse<object>();
        this.adapterHost.httpAdapter.setHeader(response, 'Retry-After', RETRY_AFTER);
        throw new ServiceUnavailableException(unavailable.message, { cause: error });
      }),
    );
  }
}

/** Cancels the queries of a request when its client disconnects. */
@Injectable()
export class DisconnectInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<StreamResponse>();
    return observableCancelledBy(disconnectSignal(response), () => next.handle());
  }
}

/** Returns a signal that aborts if the connection is closed before the answer is sent. */
function disconnectSignal(response: StreamResponse): AbortSignal {
  const raw = 'raw' in response ? response.raw : response;
  const controller = new AbortController();
  const onClose = (): void => {
    if (!raw.writableFinished) controller.abort(new AbandonedError());
  };
  if (raw.closed) onClose();
  else raw.once('close', onClose);
  return controller.signal;
}
