import {
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  ServiceUnavailableException,
} from '@nestjs/common';
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  type Observable,
  tap,
  throwError,
} from 'rxjs';
import { ActivityService } from '../activity/activity.service.js';
import type { ServerActivity } from '../activity/server-activity.js';
import { MAX_NAME } from '../activity/new-activity.js';
import { truncate } from '../activity/text.js';
import { UnstorableError } from '../activity/unstorable.error.js';
import { describeThrown } from '../diagnostics/thrown.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { STORE } from '../options/settings.js';
import { type Call, toCall } from './call.js';
import { type ContextResponse, parsePath, readRoute, setRetryAfter } from './request.js';
import { RequestContexts } from './request-contexts.js';
import { type HandlerTracking, isStream } from './track.metadata.js';

/** The result of a handler. */
type Outcome = { result: unknown } | { error: unknown };

/** Tracks calls of handlers, by `@Track` and by the option `requests`. */
@Injectable()
export class HandlerTracker {
  constructor(
    @Inject(STORE) private readonly store: Store,
    private readonly activities: ActivityService,
    private readonly contexts: RequestContexts,
  ) {}

  /** @param tracking without a name, the name of the activity is the request's method and route */
  follow(
    context: ExecutionContext,
    tracking: Omit<HandlerTracking, 'name'> & { name?: string },
    handled: Observable<unknown>,
  ): Observable<unknown> {
    const call = toCall(context);
    if (!call) return handled;
    const source = call.request && this.contexts.buildSource(call.request, call.response);
    // Loads the keys while the handler runs: a cookie cannot be added after the answer has started.
    source?.ready()?.catch(() => {});
    source?.decided()?.catch(() => {});
    const track = async (outcome: Outcome): Promise<void> => {
      await this.activities.trackIn(
        source ?? this.contexts,
        this.buildActivity(call, tracking, outcome),
        tracking.name === undefined,
      );
      this.incidents.worked(describeSymptom(call));
    };
    /** Never rejects. */
    const attempt = async (outcome: Outcome): Promise<void> => {
      try {
        await track(outcome);
      } catch (error) {
        this.report(call, error);
      }
    };
    let result: unknown;
    const isAlways = tracking.when === 'always';
    const isSse = isStream(context);
    // A stream has started its answer already, so nothing can wait for the commit.
    if (!tracking.await || isSse) {
      return handled.pipe(
        tap({
          next: (value) => (result = value),
          complete: () => void attempt({ result }),
          error: (error: unknown) => {
            if (isAlways) void attempt({ error });
          },
          // A stream ends when its client leaves. Other handlers were interrupted, for example by a timeout.
          unsubscribe: () => {
            if (isSse) void attempt({ result });
          },
        }),
      );
    }
    return defer(() => {
      /** The latest value. A gateway and a microservice would send it at once, so it has to wait. */
      let held: unknown[] = [];
      const earlier = handled.pipe(
        concatMap((value) => {
          const previous = held;
          held = [value];
          return previous;
        }),
        catchError((error: unknown) =>
          concat(
            held,
            isAlways ? waitFor(() => attempt({ error })) : EMPTY,
            throwError(() => error),
          ),
        ),
      );
      const commit = waitFor(() =>
        track({ result: held[0] }).catch((error: unknown) => {
          // The handler has succeeded: another error would make the client repeat the request.
          if (!(error instanceof UnavailableError)) this.report(call, error);
          else throw toHttp(error, call.response);
        }),
      );
      return concat(
        earlier,
        commit,
        defer(() => held),
      );
    });
  }

  private get incidents(): Store['incidents'] {
    return this.store.incidents;
  }

  private buildActivity(
    { request, given, handlerName }: Call,
    { name, properties, subject, interactive = false }: Omit<HandlerTracking, 'name'> & { name?: string },
    outcome: Outcome,
  ): ServerActivity {
    const handled = { result: undefined, ...given, ...outcome };
    const isFailure = 'error' in outcome;
    const known = properties?.(handled);
    if (known instanceof Promise) {
      known.catch(() => {});
      throw new TypeError('"properties" of @Track returned a promise, for which the answer cannot wait');
    }
    return {
      name:
        name ??
        truncate(
          `${request?.method} ${(request && (readRoute(request) ?? parsePath(request))) ?? handlerName}`,
          MAX_NAME,
        ),
      properties: isFailure ? { ...known, status: toStatus(outcome.error) } : known,
      subject: subject?.(handled),
      interactive,
      // Outside of requests and of `runAs`, the activity has no other path.
      ...(!request && { path: this.contexts.snapshot()?.path ?? handlerName }),
    };
  }

  /** Logs an error, except those of the database, which the writer has logged. */
  private report(call: Call, error: unknown): void {
    if (error instanceof UnavailableError || error instanceof UnstorableError) return;
    this.incidents.failed(describeSymptom(call), describeThrown(error), 'warn');
  }
}

function describeSymptom({ handlerName }: Call): string {
  return `${handlerName} could not be tracked`;
}

function waitFor(work: () => Promise<void>): Observable<never> {
  return defer(work).pipe(ignoreElements());
}

/** @returns the error to throw, with the same answer as that of the tracking route */
function toHttp(error: UnavailableError, response: ContextResponse | undefined): unknown {
  if (response) setRetryAfter(response);
  return new ServiceUnavailableException(error.answer, { cause: error });
}

/** Returns the status of Nest's answer to an error without exception filters of the host. */
function toStatus(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 500;
  if (error instanceof HttpException) return error.getStatus();
  // For example an error of `http-errors`. Errors of HTTP clients have a status too, but it is that of another server's response.
  const { statusCode, message }: { statusCode?: unknown; message?: unknown } = error;
  return typeof statusCode === 'number' && typeof message === 'string' ? statusCode : 500;
}
