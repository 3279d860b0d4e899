import { HttpException, Injectable } from '@nestjs/common';
import { isOfDoctor } from '../diagnostics/doctor-request.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import type { TrackRequest } from '../http/request.js';
import { RequestValue } from '../http/request-value.js';

/** A media type of RFC 9110, without parameters. Any other text of a client is not stored. */
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,32}\/[\w!#$&^.+-]{1,64}(?=\s*(?:;|$))/;

/** The names in errors that are counted; clients can send any others. */
const FIELDS = [
  'activities',
  'body',
  'date',
  'id',
  'name',
  'path',
  'properties',
  'referer',
  'route',
  'sentAt',
] as const;

/** A request as Express and Fastify give it, before any body was parsed. */
type AnyRequest = Pick<TrackRequest, 'method' | 'headers'>;

/** Counts the refused requests to the tracking route, no matter if the host or Djaffar refuses them. */
@Injectable()
export class RefusalCounter {
  /** The causes of refusals, which are more precise than the status of the response. */
  private readonly causes = new RequestValue<string>('cause');

  constructor(private readonly outcomes: OutcomeCounter) {}

  /** Must be called when the tracking route's own guards run, because then the host's guards have allowed the request. */
  enter(request: AnyRequest): void {
    this.causes.set(request, '');
  }

  /** Must be called with each error that the tracking route throws. */
  fail(request: AnyRequest, error: unknown): void {
    if (!(error instanceof HttpException) || error.getStatus() !== 400) return;
    this.causes.set(request, `400.${findField(error.getResponse())}`);
  }

  /** Must be called when a request is answered. */
  answered(request: AnyRequest, status: number): void {
    const { method, headers } = request;
    if (status < 400 || isOfDoctor(headers)) return;
    this.outcomes.refuse({
      at: new Date().toISOString(),
      status,
      cause: this.findCause(request, status),
      method,
      contentType: MEDIA_TYPE.exec(headers['content-type'] ?? '')?.[0] ?? null,
      origin: /^https?:\/\/[\w.:[\]-]{1,255}$/i.exec(headers.origin ?? '')?.[0] ?? null,
    });
  }

  private findCause(request: AnyRequest, status: number): string {
    if (request.method === 'OPTIONS') return 'cors';
    const known = this.causes.get(request);
    if (status === 400) return known || '400.body';
    const isOfHost = known === undefined && (status === 401 || status === 403);
    return isOfHost ? `${status}.host` : `${status}`;
  }
}

/** Returns the first wrong property, without the index in a batch. */
function findField(response: unknown): string {
  const errors = typeof response === 'object' && response !== null && 'errors' in response && response.errors;
  const [first = ''] = typeof errors === 'object' && errors !== null ? Object.keys(errors) : [];
  const name = first.replace(/^activities\.\d+\./, '').split('.', 1)[0];
  return FIELDS.find((field) => field === name) ?? 'unknown';
}
