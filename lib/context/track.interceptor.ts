import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { DjaffarOptions } from '../options/djaffar.options.js';
import { HandlerTracker } from './handler-tracker.js';
import type { ContextRequest } from './request.js';
import { declaredTracking, isIgnored } from './track.metadata.js';

/** The interceptor of `@Track`. Nest creates one for each module, which need not import `DjaffarModule`. */
@Injectable()
export class TrackInterceptor implements NestInterceptor, OnModuleInit {
  private tracker: HandlerTracker | undefined;

  constructor(private readonly moduleRef: ModuleRef) {}

  /** @throws Error without `DjaffarModule` */
  onModuleInit(): void {
    try {
      this.tracker = this.moduleRef.get(HandlerTracker, { strict: false });
    } catch (cause) {
      throw new Error('Djaffar: @Track needs DjaffarModule.forRoot() in the imports of a module', { cause });
    }
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const tracking = declaredTracking(context);
    return tracking && this.tracker ? this.tracker.follow(context, tracking, next.handle()) : next.handle();
  }
}

/** The interceptor of the option `requests`, for all handlers of HTTP controllers without `@Track` and `@NoTrack`. */
export class RequestsInterceptor implements NestInterceptor {
  private readonly methods: Set<string>;

  constructor(
    private readonly tracker: HandlerTracker,
    private readonly requests: NonNullable<DjaffarOptions['requests']>,
  ) {
    this.methods = new Set(requests.methods);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handled = next.handle();
    if (context.getType() !== 'http' || isIgnored(context) || declaredTracking(context)) return handled;
    const request = context.switchToHttp().getRequest<ContextRequest>();
    const { method } = request;
    if (!this.methods.has(method)) return handled;
    return this.tracker.follow(context, { when: this.requests.status }, handled);
  }
}
