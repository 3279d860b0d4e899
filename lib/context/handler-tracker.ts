import { type ExecutionContext, Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { catchError, concat, defer, ignoreElements, type Observable, tap, throwError } from 'rxjs';
import { ActivityService, type ServerActivity } from '../activity/activity.service.js';
import { MAX_NAME } from '../activity/new-activity.js';
import { truncate } from '../activity/text.js';
import { UnstorableError } from '../activity/unstorable.error.js';
import { InvalidActivityError } from '../activity/validation-errors.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { STORE } from '../options/settings.js';
import { type Call, callOf } from './call.js';
import { type ContextResponse, pathOf, routeOf, setRetryAfter } from './request.js';
import { RequestContexts } from './request-contexts.js';
import { type HandlerTracking, isStream } from './track.metadata.js';

/** How a handler ended. */
type Outcome = { result: unknown } | { error: unknown };

/** Tracks what handlers have done. */
@Injectable()
export class HandlerTracker {
  constructor(
    @Inject(STORE) private readonly store: Store,
    private readonly activities: ActivityService,
    private readonly contexts: RequestContexts,
  ) {}

  /** @param tracking without a name, the activity is called by the request's method and route */
  follow(
    context: ExecutionContext,
    tracking: Omit<HandlerTracking, 'name'> & { name?: string },
    handled: Observable<unknown>,
  ): Observable<unknown> {
    const call = callOf(context);
    if (!call) return handled;
    const source = call.request && this.contexts.sourceOf(call.request, call.response);
    // The keys are there when the handler has ended: an answer under way gets no cookie any more.
    source?.ready()?.catch(() => {});
    const track = async (outcome: Outcome): Promise<void> => {
      await this.activities.trackIn(
        source ?? this.contexts,
        this.activityOf(call, tracking, outcome),
        tracking.name === undefined,
      );
      this.incidents.worked(subjectOf(call));
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
    // The answer of a stream has begun long before.
    if (!tracking.await || isSse) {
      return handled.pipe(
        tap({
          next: (value) => (result = value),
          complete: () => void attempt({ result }),
          error: (error: unknown) => {
            if (isAlways) void attempt({ error });
          },
          // A client that leaves ends a stream. Otherwise the handler was interrupted, such as by a timeout.
          unsubscribe: () => {
            if (isSse) void attempt({ result });
          },
        }),
      );
    }
    const seen = handled.pipe(
      tap((value) => (result = value)),
      catchError((error: unknown) => {
        const failed = throwError(() => error);
        return isAlways
          ? concat(
              waitFor(() => attempt({ error })),
              failed,
            )
          : failed;
      }),
    );
    return concat(
      seen,
      waitFor(() =>
        track({ result }).catch((error: unknown) => {
          // To answer with an error would make the client repeat what the handler has done.
          if (error instanceof InvalidActivityError || error instanceof UnstorableError)
            this.report(call, error);
          else throw toHttp(error, call.response);
        }),
      ),
    );
  }

  private get incidents(): Store['incidents'] {
    return this.store.incidents;
  }

  private activityOf(
    { request, given, place }: Call,
    { name, properties, subject, interactive = false }: Omit<HandlerTracking, 'name'> & { name?: string },
    outcome: Outcome,
  ): ServerActivity {
    const handled = { result: undefined, ...given, ...outcome };
    const isFailure = 'error' in outcome;
    const known = properties?.(handled);
    return {
      name:
        name ??
        truncate(
          `${request?.method} ${(request && (routeOf(request) ?? pathOf(request))) ?? place}`,
          MAX_NAME,
        ),
      properties: isFailure ? { ...known, status: statusOf(outcome.error) } : known,
      subject: subject?.(handled),
      interactive,
      // Outside of requests, and of `runAs`, there is no other.
      ...(!request && { path: this.contexts.take()?.path ?? place }),
    };
  }

  /** The writer has reported itself what the database did not take. */
  private report(call: Call, error: unknown): void {
    if (error instanceof UnavailableError || error instanceof UnstorableError) return;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    this.incidents.failed(subjectOf(call), { code: name, reason: message }, 'warn');
  }
}

function subjectOf({ place }: Call): string {
  return `${place} could not be tracked`;
}

function waitFor(work: () => Promise<void>): Observable<never> {
  return defer(work).pipe(ignoreElements());
}

/** @returns the error to throw, which answers as the tracking route does */
function toHttp(error: unknown, response: ContextResponse | undefined): unknown {
  if (!(error instanceof UnavailableError)) return error;
  if (response) setRetryAfter(response);
  return new ServiceUnavailableException(error.answer, { cause: error });
}

/** As Nest answers it without a filter of the host. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 500;
  const { status, statusCode }: { status?: unknown; statusCode?: unknown } = error;
  const found = [status, statusCode].find((value) => Number.isInteger(value));
  return typeof found === 'number' ? found : 500;
}
