import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest } from '../../http/bad-request.js';
import { isTaken, MAX_BODY, ofParser, tooLarge, unsupportedMediaType } from '../track.body.js';

type Next = (error?: unknown) => void;
type Request = IncomingMessage & { path: string; body?: unknown };

/** As much of Express as is needed here. */
interface Express {
  use(handler: (request: Request, response: ServerResponse, next: Next) => void): void;
  use(handler: (error: unknown, request: Request, response: ServerResponse, next: Next) => void): void;
}

/**
 * Adds what Nest's adapter lacks on the tracking route alone: text bodies (and all, where the host has no parser), and
 * the contract's answer to a bad one.
 */
export function prepareExpress(express: Express, isTrackRoute: (path: string) => boolean): void {
  express.use((request, _response, next) => {
    if (!isUnread(request) || !isTrackRoute(request.path) || !isTaken(request.headers['content-type']))
      next();
    else readText(request, next);
  });
  express.use((error: unknown, request: Request, _response: ServerResponse, next: Next) => {
    next(isTrackRoute(request.path) ? ofParser(error) : error);
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
    // What is left of the body is read and dropped, so that the answer arrives.
    if (error) request.resume();
    next(error);
  };
  // The client has gone: that is no error of ours, and nobody reads the answer.
  const onAbort = (): void => finish(badRequest({ body: ['body did not arrive whole'] }));
  request.on('data', onData).once('end', onEnd).once('error', onAbort);
}
