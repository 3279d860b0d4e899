import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { AbandonedError, cancelledBy } from '../database/cancellation.js';
import type { StreamResponse } from '../http/response-streams.js';

/** Gives up what is asked of the database when the client has gone. */
@Injectable()
export class ClientInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<StreamResponse>();
    return cancelledBy(goneSignal(response), () => next.handle());
  }
}

/** Aborts when the connection is closed before the answer was sent. */
function goneSignal(response: StreamResponse): AbortSignal {
  const raw = 'raw' in response ? response.raw : response;
  const controller = new AbortController();
  const onClose = (): void => {
    if (!raw.writableFinished) controller.abort(new AbandonedError());
  };
  if (raw.closed) onClose();
  else raw.once('close', onClose);
  return controller.signal;
}
