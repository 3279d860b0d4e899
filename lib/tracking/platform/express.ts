import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest } from '../../http/bad-request.js';
import type { RefusalCounter } from '../refusal-counter.js';
import { isSupported, MAX_BODY, toBodyError, tooLarge, unsupportedMediaType } from '../track.body.js';

type Next = (error?: unknown) => void;
type Request = IncomingMessage & { method: string; path: string; body?: unknown };

/** The part of Express that is needed here. */
interface Express {
  use(handler: (request: Request, response: ServerResponse, next: Next) => void): void;
  use(handler: (error: unknown, request: Request, response: ServerResponse, next: Next) => void): void;
}

/**
 * Counts refused requests, parses text bodies on the tracking route, or all bodies if the host has no parser, and converts the errors of parsers to
 * our answers.
 */
export function prepareExpress(
  express: Express,
  isTrackRoute: (path: string) => boolean,
  refusals: RefusalCounter,
): void {
  const watched = new WeakSet<Request>();
  const watch = (request: Request, response: ServerResponse): void => {
    if (watched.has(request)) return;
    watched.add(request);
    response.once('finish', () => refusals.answered(request, response.statusCode));
  };
  express.use((request, response, next) => {
    if (!isTrackRoute(request.path)) return next();
    watch(request, response);
    if (!isUnread(request) || !isSupported(request.headers['content-type'])) next();
    else readText(request, next);
  });
  express.use((error: unknown, request: Request, response: ServerResponse, next: Next) => {
    if (!isTrackRoute(request.path)) return next(error);
    // The host's parsers come first.
    watch(request, response);
    next(toBodyError(error));
  });
}

/** Express 4's body parsers leave an empty object behind for a body that they do not read. */
function isUnread({ body, readableEnded }: Request): boolean {
  const isEmpty = typeof body === 'object' && body !== null && Object.keys(body).length === 0;
  return !readableEnded && (body === undefined || isEmpty);
}

function readText(request: Request, next: Next): void {
  if (request.headers['content-encoding']) {
    next(unsupportedMediaType());
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
    else finish(tooLarge());
  };
  const onEnd = (): void => {
    request.body = Buffer.concat(chunks).toString();
    finish();
  };
  const finish = (error?: unknown): void => {
    request.off('data', onData).off('end', onEnd).off('error', onAbort);
    // The rest of the body must be read, or the client does not get the answer.
    if (error) request.resume();
    next(error);
  };
  // The client disconnected, so nobody reads the answer.
  const onAbort = (): void => finish(badRequest({ body: ['the body is incomplete'] }));
  request.on('data', onData).once('end', onEnd).once('error', onAbort);
}
