import { HttpException, Injectable } from '@nestjs/common';
import { Outcomes } from '../diagnostics/outcomes.js';
import type { TrackRequest } from '../http/request.js';

/** Of RFC 9110, without parameters. Any other text of a stranger is not kept. */
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

/** Counts the requests to the tracking route that are refused, whoever refuses them. */
@Injectable()
export class Answers {
  /** What is known of requests beside the status of their answer. */
  private readonly causes = new WeakMap<object, string>();

  constructor(private readonly outcomes: Outcomes) {}

  /** To be called when the tracking route's own guards are reached: from then on, the host's guards have let it in. */
  enter(request: AnyRequest): void {
    this.causes.set(request, '');
  }

  /** To be called with what the tracking route throws. */
  fail(request: AnyRequest, error: unknown): void {
    if (!(error instanceof HttpException) || error.getStatus() !== 400) return;
    this.causes.set(request, `400.${fieldOf(error.getResponse())}`);
  }

  /** To be called when a request is answered. */
  answered(request: AnyRequest, status: number): void {
    if (status < 400) return;
    const { method, headers } = request;
    this.outcomes.refuse({
      at: new Date().toISOString(),
      status,
      cause: this.causeOf(request, status),
      method,
      contentType: MEDIA_TYPE.exec(headers['content-type'] ?? '')?.[0] ?? null,
      origin: /^https?:\/\/[\w.:[\]-]{1,255}$/i.exec(headers.origin ?? '')?.[0] ?? null,
    });
  }

  private causeOf(request: AnyRequest, status: number): string {
    if (request.method === 'OPTIONS') return 'cors';
    const known = this.causes.get(request);
    if (status === 400) return known || '400.body';
    const isOfHost = known === undefined && (status === 401 || status === 403);
    return isOfHost ? `${status}.host` : `${status}`;
  }
}

/** Returns the first wrong property, without the index in a batch. */
function fieldOf(response: unknown): string {
  const errors = typeof response === 'object' && response !== null && 'errors' in response && response.errors;
  const [first = ''] = typeof errors === 'object' && errors !== null ? Object.keys(errors) : [];
  const name = first.replace(/^activities\.\d+\./, '').split('.', 1)[0];
  return FIELDS.find((field) => field === name) ?? 'unknown';
}
