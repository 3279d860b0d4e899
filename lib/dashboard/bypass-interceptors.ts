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

/** Sends the return value of a handler. */
@Injectable()
class SendInterceptor implements NestInterceptor {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<void> {
    const response = context.switchToHttp().getResponse<object>();
    return next.handle().pipe(map((data) => void this.adapterHost.httpAdapter.reply(response, data, 200)));
  }
}

/**
 * Sends the return values of a controller's handlers directly, so that global interceptors of the host cannot change them. Nest sends no
 * response itself if a handler has the response among its parameters.
 */
export function bypassInterceptors<T extends Type<object>>(controller: T): T {
  UseInterceptors(SendInterceptor)(controller);
  const { prototype }: { prototype: object } = controller;
  for (const handler of new MetadataScanner().getAllMethodNames(prototype)) {
    const { length }: { length: number } = Reflect.get(prototype, handler);
    Res()(prototype, handler, length);
  }
  return controller;
}
