import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  Res,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { HttpAdapterHost, MetadataScanner } from '@nestjs/core';
import { map, type Observable } from 'rxjs';

/** Sends what a handler returns. */
@Injectable()
class SendInterceptor implements NestInterceptor {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<void> {
    const response = context.switchToHttp().getResponse<object>();
    return next.handle().pipe(map((data) => void this.adapterHost.httpAdapter.reply(response, data, 200)));
  }
}

/**
 * Has the page get what the handlers of a controller return: an interceptor of the host, which may wrap the answers of
 * all routes, finds it sent. Nest leaves an answer to a handler that takes the response, wherever in its parameters.
 */
export function unwrapped<T extends Type<object>>(controller: T): T {
  UseInterceptors(SendInterceptor)(controller);
  const { prototype }: { prototype: object } = controller;
  for (const handler of new MetadataScanner().getAllMethodNames(prototype)) {
    const { length }: { length: number } = Reflect.get(prototype, handler);
    Res()(prototype, handler, length);
  }
  return controller;
}
